"""Where the workers of one API write their figures: files that are mapped into memory.

A mapped file on a full disk kills its process by SIGBUS, so they do not lie with the state but in memory.
"""

import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from coinsphere.errors import ConfigurationError

_MEMORY = Path("/dev/shm")  # noqa: S108 - in it one person's folder; others' are refused  # nosec B108


def of(state: Path, memory: Path = _MEMORY) -> Path:
    """The folder of a state: in memory where this machine has such a disk, else with temporary files."""
    base = memory if memory.is_dir() and os.access(memory, os.W_OK | os.X_OK) else _temporary()
    name = hashlib.sha256(os.fsencode(state)).hexdigest()[:16]
    return base / f"coinsphere-metrics-{os.getuid()}-{name}"


def wipe(folder: Path) -> None:
    """Forget the figures of workers that ran before; call it once, before the first worker starts.

    Raises:
        ConfigurationError: the folder is another person's, or cannot be made.
    """
    remove(folder)
    try:
        # Fails where something is left: what another person put there is not used.
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise ConfigurationError(
            f"The folder of metrics cannot be made at {folder} ({error.strerror}): remove what is there."
        ) from error


def remove(folder: Path) -> None:
    """Give the memory back, after the last worker has ended."""
    shutil.rmtree(folder, ignore_errors=True)


def _temporary() -> Path:
    return Path(tempfile.gettempdir())
