"""`make capacity`: measures a small crowd and a larger one side by side, keeps the figures, and writes `docs/capacity.md` from them."""

import argparse
import json
import os
import platform
import subprocess
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from bench.capacity import page, world
from bench.capacity.made_up_users import Crowd

SMALL, LARGE = 1_000, 20_000


def main() -> None:
    """Measure both crowds side by side; the figures of an earlier run are replaced as a whole."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=LARGE, help="of the larger crowd")
    parser.add_argument(
        "--transactions", type=int, default=Crowd(0).transactions, help="of each user"
    )
    parser.add_argument("--requests", type=int, default=1_000, help="of each route")
    parser.add_argument("--page", action="store_true", help="measure nothing, write the page anew")
    given = parser.parse_args()
    if not given.page:
        crowds = [Crowd(users, transactions=given.transactions) for users in (SMALL, given.users)]
        keep(crowds, world.measure(crowds, given.requests))
    page.write()


def keep(crowds: Sequence[Crowd], figures: Sequence[dict[str, Any]]) -> None:
    """All figures are rounded, so that a change of the page is one that counts."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    results = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit,
        "machine": {
            "cores": os.cpu_count(),
            "python": platform.python_version(),
        },
        "worlds": {
            str(crowd.users): {"crowd": asdict(crowd), **_rounded(each)}
            for crowd, each in zip(crowds, figures, strict=True)
        },
    }
    page.RESULTS.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")


def _rounded(value: object) -> object:
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    return float(f"{value:.5g}") if isinstance(value, float) else value


if __name__ == "__main__":
    main()
