"""`python -m coinsphere.worker` runs the worker until SIGTERM or SIGINT."""

import asyncio
import logging

from coinsphere import garbage, log
from coinsphere.observability import exposition, faults, traces
from coinsphere.settings import Settings
from coinsphere.worker.process import run


def main() -> None:
    """The worker process."""
    settings = Settings.from_env()
    log.configure(settings.log_level)
    faults.start(settings, "worker")
    traces.start(settings, "worker")
    # It tells of each run of the minutely housekeeping.
    logging.getLogger("procrastinate").setLevel(logging.WARNING)
    exposition.serve(settings, settings.worker_metrics_port)
    garbage.spare_what_is_loaded()
    asyncio.run(run(settings))


if __name__ == "__main__":
    main()
