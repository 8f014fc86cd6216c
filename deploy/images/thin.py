"""Takes from the packages beside it what no process of the image `web` imports, and keeps what stays as compiled code.

Run by the Python of the environment that it thins, once nothing is installed there any more.
"""

import compileall
import ctypes
import shutil
import subprocess
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

PACKAGES = Path(sysconfig.get_path("purelib"))

_FOR_DEVELOPERS = (
    *("**/tests", "**/SelfTest", "**/__pycache__", "**/py.typed"),
    *(f"**/*{ending}" for ending in (".c", ".h", ".pyx", ".pxd", ".pxi", ".pyi", ".a")),
    *("numpy/_core/*_tests.*.so", "numpy/_core/_simd.*.so", "scipy/**/_test*.so"),
)
"""Packages' own tests, sources that were compiled, stubs for checkers of types."""
_OF_ARROW = (
    *("include", "src", "*flight*", "*substrait*", "*dataset*", "*acero*", "*orc*", "*_tests*", "*encryption*"),
    *("_compute*", "_csv*", "_json*", "_feather*", "_[aghs]*fs*", "libarrow_python*.so", "lib*.so.*.*"),
)  # fmt: skip
"""Its servers, its query engines, its readers, and the names that only a linker looks for: what is left writes files."""
_UNASKED = (
    "pyarrow/libarrow_substrait.so.*",
    "pyarrow/libarrow_dataset.so.*",
    "pyarrow/libarrow_acero.so.*",
)
"""Libraries of Arrow that its others name, and of which they ask nothing."""
_UNUSED = (
    *(f"pyarrow/{name}" for name in _OF_ARROW),
    *("scipy/[!_]*/", "scipy/special/cython_special*"),
    *("ccxt/async_support", "ccxt/pro", "ccxt/test", "stripe/data", "stripe/params"),
    *("flask_swagger_ui/dist/swagger-ui.js", "flask_swagger_ui/dist/*preset*"),
    *("PIL/_avif*", "PIL/_imagingft*", "embit/util/prebuilt/*.d*", "*.dist-info/RECORD"),
    *(f"Crypto/{name}" for name in ("Cipher", "IO", "Math", "Protocol", "PublicKey", "Signature")),
    *(f"fontTools/{name}" for name in ("mtiLib", "ufoLib", "voltLib")),
    "babel/locale-data/*.dat",
)
_LANGUAGES = ("de", "en")
_USED = (
    "scipy/special",
    *(f"babel/locale-data/{name}.dat" for each in _LANGUAGES for name in (each, f"{each}_*")),
    "babel/locale-data/root.dat",
)
"""Of what `_UNUSED` names: Student's t and chi-square, and the languages of our pages."""


def main() -> None:
    """Change libraries first, as the names that they give up are those of files that go."""
    _strip()
    _forget()
    _delete()
    _delete_unasked()
    for each in _libraries():
        ctypes.CDLL(str(each))
    _compile()


def _libraries() -> list[Path]:
    """Those that embit brings for other processors cannot be opened here."""
    found = (each for each in PACKAGES.rglob("*.so*") if ".so" in each.suffixes)
    return [each for each in found if "prebuilt" not in each.parts]


def _strip() -> None:
    """Symbols for debuggers are a fifth of a library.

    Not of those in `*.libs`: their headers were rewritten by auditwheel, and one no longer loads once stripped.
    """
    ours = [each for each in _libraries() if not each.parent.name.endswith(".libs")]
    subprocess.run(["strip", "--strip-unneeded", *ours], check=True)  # noqa: S603, S607


def _forget() -> None:
    """Without its `UNASKED` libraries the loader would open none of Arrow's others."""
    unasked = [word for each in _found(_UNASKED) for word in ("--remove-needed", each.name)]
    subprocess.run(["patchelf", *unasked, *PACKAGES.glob("pyarrow/*.so*")], check=True)  # noqa: S603, S607


def _delete() -> None:
    used = set(_found(_USED))
    for each in set(_found((*_FOR_DEVELOPERS, *_UNUSED))) - used:
        if each.is_dir():
            shutil.rmtree(each)
        else:
            each.unlink(missing_ok=True)


def _found(patterns: Iterable[str]) -> Iterator[Path]:
    for pattern in patterns:
        yield from list(PACKAGES.glob(pattern))


def _delete_unasked() -> None:
    """What packages bring in `*.libs` is for their modules; once those are gone, nothing names it."""
    while unasked := _unasked():
        for each in unasked:
            each.unlink()


def _unasked() -> list[Path]:
    asked = subprocess.run(  # noqa: S603
        ["patchelf", "--print-needed", *_libraries()],  # noqa: S607
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return [each for each in PACKAGES.glob("*.libs/*") if each.name not in asked.stdout.split()]


def _compile() -> None:
    """In place of sources, as nobody may write beside them later; in an archive, a third of its size, where Python can."""
    compileall.compile_dir(PACKAGES, quiet=2, legacy=True)
    for source in PACKAGES.rglob("*.py"):
        if source.with_suffix(".pyc").exists():
            source.unlink()
    with TemporaryDirectory() as folder:
        for package in [each for each in PACKAGES.iterdir() if _is_of_python_alone(each)]:
            shutil.move(package, folder)
        shutil.make_archive(str(PACKAGES / "packages"), "zip", folder)
    (PACKAGES / "packages.pth").write_text("packages.zip\n")


def _is_of_python_alone(package: Path) -> bool:
    """Neither libraries, which the loader opens as files, nor data, which a package may, lie in it."""
    return (package / "__init__.pyc").exists() and all(
        each.suffix == ".pyc" for each in package.rglob("*") if each.is_file()
    )


if __name__ == "__main__":
    main()
