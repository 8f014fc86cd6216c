"""Takes from the root that it runs in what the image `web` needs not, the shell among it.

Every program but Python goes, and each library that nothing left links to. Python's own library becomes an archive of
compiled code, which Python looks for by itself.
"""

import compileall
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

_PROGRAMS = ("python", "sleep")
"""Kubernetes waits by `sleep` before it ends a process."""
_PLACES = ("/usr/bin", "/usr/sbin", "/usr/local/bin", "/usr/local/sbin", "/usr/libexec")
_LINKING = ("/usr/local/lib", "/usr/lib/python3*", "/opt")
_SPARE = (
    "/usr/lib/*/security",
    "/usr/**/python3*/distutils",
    "/usr/**/python3*/pydoc_data",
    "/usr/**/python3*/venv",
    "/usr/**/lib-dynload/*test*",
    "/usr/**/lib-dynload/_curses*",
    "/usr/**/lib-dynload/*dbm*",
    "/usr/**/lib-dynload/nis*",
    "/usr/**/lib-dynload/readline*",
    "/usr/local/include",
    "/usr/share/bash-completion",
    "/usr/share/lintian",
    "/usr/share/zoneinfo",
)
"""Time zones are those of our lock's `tzdata`."""


def main() -> None:
    """Programs before Python's library, as `ldd` is one that is asked."""
    for each in [each for pattern in _SPARE for each in Path("/").glob(pattern[1:])]:
        _remove(each)
    needed = _needed()
    libraries = [
        each
        for each in Path("/usr/lib").glob("*-linux-gnu/**/*.so*")
        if each.resolve() not in needed
    ]
    programs = [each for each in _programs() if not each.name.startswith(_PROGRAMS)]
    for file in programs + libraries:
        _remove(file)
    _archive(Path(os.__file__).parent)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _archive(library: Path) -> None:
    """Of it Python wants modules in C as files, and `os.py` as the mark by which it finds the folder."""
    compileall.compile_dir(library, quiet=2, legacy=True)
    archive = next(each for each in sys.path if each.endswith(".zip"))
    with TemporaryDirectory() as folder:
        kept = shutil.ignore_patterns("*.py", "__pycache__", "lib-dynload")
        shutil.copytree(library, folder, ignore=kept, dirs_exist_ok=True)
        shutil.make_archive(archive.removesuffix(".zip"), "zip", folder)
    for each in library.iterdir():
        if each.name not in ("lib-dynload", "os.py"):
            _remove(each)


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
