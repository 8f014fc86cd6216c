"""Ways by which people are told beside mail: webhooks, chats, push. Each kind is one class that makes a request of a message."""
