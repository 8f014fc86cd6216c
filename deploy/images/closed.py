"""Takes from the root that it runs in what the image `web` needs not, the shell among it.

Every program but Python goes, and each library that nothing left links to.
"""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

_PROGRAMS = ("python", "sleep")
"""Kubernetes waits by `sleep` before it ends a process."""
_PLACES = ("/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/usr/libexec")
_LINKING = ("/usr/local/lib", "/usr/lib/python3*", "/opt")
_SPARE = (
    "/usr/lib/*/security",
    "/usr/**/python3*/distutils",
    "/usr/**/python3*/pydoc_data",
    "/usr/share/zoneinfo/right",
)


def main() -> None:
    """Find first, as nothing can be asked once it is gone."""
    spare = [each for pattern in _SPARE for each in Path("/").glob(pattern[1:])]
    programs = [each for each in _programs() if not each.name.startswith(_PROGRAMS)]
    needed = _needed()
    libraries = [
        each
        for each in Path("/usr/lib").glob("*-linux-gnu/**/*.so*")
        if each.resolve() not in needed
    ]
    for folder in spare:
        shutil.rmtree(folder)
    for file in programs + libraries:
        file.unlink(missing_ok=True)


def _programs() -> Iterator[Path]:
    for place in _PLACES:
        yield from (each for each in Path(place).rglob("*") if each.is_symlink() or each.is_file())


def _needed() -> set[Path]:
    """What the loader opens for the programs and modules that stay, links followed."""
    kept = [each for each in _programs() if each.name.startswith(_PROGRAMS)]
    modules = [
        each
        for pattern in _LINKING
        for place in Path("/").glob(pattern[1:])
        for each in place.rglob("*.so*")
    ]
    asked = subprocess.run(  # noqa: S603 - our own files
        ["/usr/bin/ldd", *kept, *modules],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    words = (word for line in asked.stdout.splitlines() for word in line.split())
    return {Path(word).resolve() for word in words if word.startswith(("/lib", "/usr/lib"))}


if __name__ == "__main__":
    main()
