"""Dagster's definitions: the assets, checks, jobs, schedules and sensors of Coinsphere."""

import warnings

# Dagster 1.13 marks the only way to run a range of partitions in one run as beta, and says so in every process.
warnings.filterwarnings(
    "ignore", "Parameter `backfill_policy` of function `asset` is currently in beta"
)
