"""Runs one process of the local system in its own environment: `python -m coinsphere.local.launch NAME`.

The supervisor starts every process through this module, so that its configuration file holds no secret.
"""

import os
import sys

from coinsphere.errors import CoinsphereError
from coinsphere.local import processes
from coinsphere.settings import Settings


def main(name: str) -> None:
    """Replace this process by the one called `name`."""
    settings = Settings.from_env()
    process = next(each for each in processes.table(settings) if each.name == name)
    added = processes.variables(process, settings)
    os.execvpe(process.command[0], list(process.command), {**os.environ, **added})  # noqa: S606 - no shell


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except CoinsphereError as error:
        sys.exit(str(error))
