"""Metrics for Prometheus, traces, and the id of the request that caused the present work."""
