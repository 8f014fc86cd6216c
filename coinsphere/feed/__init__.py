"""The feed process: streams prices of a live market's venues, and evaluates alerts as prices move."""
