"""Copies the few files of npm packages that our pages load, after `npm ci`: `python -m webui.vendoring`.

What they are, and the SHA-256 of each, stands in `vendor.json`; a file that differs is not copied. They lie in `vendor/`,
which git ignores, each package's licence beside them.
"""

import hashlib
import json
import shutil
import sys
from pathlib import Path

_HERE = Path(__file__).parent
_LIST = _HERE / "vendor.json"


def main() -> int:
    """Copy all files; returns 1 where one is missing or differs."""
    target = _HERE / "vendor"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    for entry in json.loads(_LIST.read_text()):
        source = _HERE / "node_modules" / entry["package"] / entry["file"]
        if not source.is_file():
            print(f"{source} is missing: run `make setup`", file=sys.stderr)  # noqa: T201
            return 1
        body = source.read_bytes()
        if hashlib.sha256(body).hexdigest() != entry["sha256"]:
            print(f"{source} is not what vendor.json names", file=sys.stderr)  # noqa: T201
            return 1
        (target / entry["as"]).write_bytes(body)
    return 0


if __name__ == "__main__":
    sys.exit(main())
