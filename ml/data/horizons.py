"""What every model forecasts: the horizons in days, and the quantiles that are published."""

HORIZONS = (1, 7, 14, 30)
"""Days ahead. All models answer for all of them."""

LEVELS = (0.025, 0.1, 0.5, 0.9, 0.975)
"""Levels of the published quantiles: the median, and the ends of the 80 % and 95 % intervals."""

CONTEXT = 61
"""Days that every model is shown: 60 steps, and one more for the first of 60 returns."""
