"""Whether the system does its work: sentences of what is wrong, and the same as metrics."""
