"""Reading what comes from outside: numbers, JSON, and how a file of text is encoded."""
