"""Channels beside mail: webhooks, chats and push. Each kind is a class that turns a message into a request."""
