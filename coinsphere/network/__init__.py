"""Calls to other servers and to Redis: limits, circuit breakers, pauses, and by which address callers count."""
