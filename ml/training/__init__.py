"""The training loops of the networks, and what makes them give the same bits for the same seed."""
