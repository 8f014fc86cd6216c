"""Writes `docs/npm.md`, the list of what comes from npm, out of the locks and the files that are served: `make docs`."""

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_HERE = Path(__file__).parent
_ROOT = _HERE.parent
_PAGE = _ROOT / "docs" / "npm.md"
_HEAD = """# What comes from npm

Made from the locks in `webui`, `bench/npm` and `clients/npm`, and `webui/vendor.json`, by `make docs`; a test compares.
No file of it is committed: `make setup` installs the first two tables, copies what pages load under the digests of
`vendor.json`, and refuses what differs ([how](guides/webui.md)). Each licence is served beside its file.

## What browsers load

| package | version | licence | file | bytes | compressed |
|---|---|---|---|---|---|
"""
_TOOLS = """
## What checks our scripts, and reaches no browser

| package | version | licence |
|---|---|---|
"""
_JUDGES = {
    "bench/npm": ("What judges pages by `make lighthouse`", ("lighthouse",)),
    "clients/npm": (
        "What judges the API's description, and makes its types, by `make api-lint`",
        ("@stoplight/spectral-cli", "@redocly/cli", "openapi-typescript"),
    ),
}
_JUDGE = """
## {title}

Another lock, which nothing else installs: {packages} packages, of them {named}.

| licence | packages |
|---|---|
"""


def document() -> str:
    """The text of the page."""
    lock = _packages(_ROOT / "webui")
    return "".join(
        [
            _HEAD,
            *_served(lock),
            _TOOLS,
            *(_row(_name(path), *_of(each)) for path, each in lock.items() if each.get("dev")),
            *(_judge(folder, *told) for folder, told in _JUDGES.items()),
        ]
    )


def _judge(folder: str, title: str, names: tuple[str, ...]) -> str:
    lock = _packages(_ROOT / folder)
    licences = Counter(each.get("license", "not said") for each in lock.values())
    named = ", ".join(f"`{name}` {lock[f'node_modules/{name}']['version']}" for name in names)
    return "".join(
        [
            _JUDGE.format(title=title, packages=len(lock), named=named),
            *(_row(*each) for each in sorted(licences.items(), key=lambda each: (-each[1], each))),
        ]
    )


def _packages(folder: Path) -> dict[str, Any]:
    """Those of a lock by where they lie; the first entry is our own."""
    packages = json.loads((folder / "package-lock.json").read_text())["packages"]
    return {path: each for path, each in packages.items() if path}


def _name(path: str) -> str:
    return path.rpartition("node_modules/")[2]


def _served(lock: dict[str, Any]) -> Iterator[str]:
    totals = [0, 0]
    for entry in json.loads((_HERE / "vendor.json").read_text()):
        body = (_HERE / "vendor" / entry["as"]).read_bytes()
        sizes = (len(body), len(gzip.compress(body, 9, mtime=0)))
        package = entry["package"]
        version, licence = _of(lock[f"node_modules/{package}"])
        yield _row(package, version, licence, f"`{entry['as']}`", *map(_grouped, sizes))
        if "LICENSE" not in entry["as"]:
            totals = [total + size for total, size in zip(totals, sizes, strict=True)]
    yield _row("all but licences", "", "", "", *map(_grouped, totals))


def _of(package: dict[str, Any]) -> tuple[str, str]:
    return package["version"], package["license"]


def _row(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |\n"


def _grouped(number: int) -> str:
    return f"{number:,}"


if __name__ == "__main__":
    _PAGE.write_text(document())
