"""The tables that the suites look at: read by SQL, with the measures that rules speak of beside the raw columns.

Prices become floats here: a check compares magnitudes, and nothing that it computes is stored.
"""
