"""The feed: what venues stream, heard by one process and made into prices several times a second."""
