"""`make capacity`: measures a small crowd and a larger one, keeps the figures, and writes `docs/capacity.md` from them."""

import argparse
import json
import os
import platform
import subprocess
from dataclasses import asdict
from datetime import UTC, datetime

from bench.capacity import page, world
from bench.capacity.made_up_users import Crowd

SMALL, LARGE = 1_000, 20_000


def main() -> None:
    """Measure what is asked for; a size that was measured before is measured anew, others stay."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--users", type=int, nargs="+", default=[SMALL, LARGE], help="of each crowd"
    )
    parser.add_argument(
        "--transactions", type=int, default=Crowd(0).transactions, help="of each user"
    )
    parser.add_argument("--requests", type=int, default=400, help="of each route")
    parser.add_argument("--page", action="store_true", help="measure nothing, write the page anew")
    given = parser.parse_args()
    for users in [] if given.page else given.users:
        crowd = Crowd(users, transactions=given.transactions)
        _keep(crowd, world.measure(crowd, given.requests))
    page.write()


def _keep(crowd: Crowd, figures: dict[str, object]) -> None:
    """Beside those of other sizes; all figures are rounded, so that a change of the page is one that counts."""
    known = json.loads(page.RESULTS.read_text()) if page.RESULTS.exists() else {"worlds": {}}
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    stamp = {"commit": commit, "at": datetime.now(UTC).isoformat(timespec="seconds")}
    known["worlds"][str(crowd.users)] = {**stamp, "crowd": asdict(crowd), **_rounded(figures)}
    known["machine"] = {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "shared_buffers": "128 MB",
    }
    page.RESULTS.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")


def _rounded(value: object) -> object:
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    return float(f"{value:.5g}") if isinstance(value, float) else value


if __name__ == "__main__":
    main()
