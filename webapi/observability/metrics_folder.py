"""The folder in which the workers of one API keep their metrics, as memory-mapped files.

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
    """The folder of a state: on a memory disk where the machine has one, else among temporary files."""
    base = memory if memory.is_dir() and os.access(memory, os.W_OK | os.X_OK) else _temporary()
    name = hashlib.sha256(os.fsencode(state)).hexdigest()[:16]
    return base / f"coinsphere-metrics-{os.getuid()}-{name}"


def wipe(folder: Path) -> None:
    """Delete the metrics of earlier workers; call it once, before the first worker starts.

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
    """Delete the folder, after the last worker has ended."""
    shutil.rmtree(folder, ignore_errors=True)


def _temporary() -> Path:
    return Path(tempfile.gettempdir())
