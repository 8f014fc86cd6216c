"""Calls to other servers and to Redis: limits, circuit breakers, pauses; and the network that a caller is counted by."""
