"""Dagster's definitions: the assets, checks, jobs, schedules and sensors of Coinsphere."""

import warnings

# Dagster 1.13 marks the only ways to run a range of partitions in one run, and to tell the version of data, as beta, and says
# so in every process.
for parameter in (
    "`backfill_policy` of function `asset`",
    "`data_version` of initializer `Output.__init__`",
):
    warnings.filterwarnings("ignore", f"Parameter {parameter} is currently in beta")
