"""What Prometheus reads of the API."""
