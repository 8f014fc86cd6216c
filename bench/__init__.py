"""Measurements of speed and memory. `make bench` runs them all; no test asserts a time."""
