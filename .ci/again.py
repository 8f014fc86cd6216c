"""Ask the tests that failed in the last run once more, alone: what passes now was failed by the crowd or by chance.

Both runs stay in the output, so that an unsteady test is seen and mended. See ADR 0301.
"""

import json
import sys
from pathlib import Path

import pytest

FAILED = Path(".pytest_cache/v/cache/lastfailed")
MOST = 10
"""More than these in one run are no chance, but a fault."""


def main() -> int:
    """Return pytest's exit code of the second run; 1 where the first one says nothing, or too much."""
    failed = sorted(json.loads(FAILED.read_text())) if FAILED.exists() else []
    if not 0 < len(failed) <= MOST:
        print(f"{len(failed)} tests failed: none is asked once more.")
        return 1
    print("Unsteady unless they fail again:", *failed, sep="\n  ", flush=True)
    return pytest.main(["--last-failed", "--last-failed-no-failures", "none"])


if __name__ == "__main__":
    sys.exit(main())
