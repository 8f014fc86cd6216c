"""Whether the system does its work: problems as sentences, and as metrics."""
