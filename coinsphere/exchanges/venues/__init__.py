"""The exchanges that can be connected, a module each, and how their lists are paged and parsed."""
