"""Metrics of the API for Prometheus."""
