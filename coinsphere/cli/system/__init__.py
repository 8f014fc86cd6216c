"""Commands that start, stop and examine the system: `up`, `status`, `doctor`, `logs`, `jobs` and others."""
