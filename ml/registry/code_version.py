"""Which code made a model or a forecast; decided here and nowhere else."""

import shutil
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]


@cache
def current() -> str:
    """The commit of the checkout, with `-dirty` where files differ from it; without one the package's version."""
    return of(_ROOT)


def of(root: Path) -> str:
    """The code version of the tree at `root`."""
    git = shutil.which("git")
    if git is None or not (root / ".git").exists():
        return _installed()
    described = subprocess.run(  # noqa: S603 - no part of the command comes from outside
        # A read takes no lock: somebody may be committing.
        [
            git,
            "--no-optional-locks",
            "describe",
            "--always",
            "--dirty",
            "--abbrev=40",
            "--exclude=*",
        ],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    return described.stdout.strip() or _installed()


def _installed() -> str:
    try:
        return version("coinsphere")
    except PackageNotFoundError:
        return "unknown"
