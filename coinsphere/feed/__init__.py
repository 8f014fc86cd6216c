"""The feed process: hears the venues of a live market, and evaluates alerts where a price moves."""
