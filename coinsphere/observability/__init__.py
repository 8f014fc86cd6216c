"""What processes tell of themselves: figures for Prometheus, and the id of the request that set their work off."""
