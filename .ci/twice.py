"""Run pytest, and ask what failed once more, alone: what passes then was failed by the crowd or by chance (ADR 0301).

Arguments are pytest's. Both runs stay in the output, so that an unsteady test is seen and mended.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

FAILED = Path(".pytest_cache/v/cache/lastfailed")
MOST = 10
"""More than these in one run are no chance, but a fault."""


def main(arguments: list[str]) -> int:
    """Return pytest's exit code, that of the second run where there is one.

    A run that did not come to its end (a crash, an interruption, an error of usage) is not asked again: what it did not
    reach would be asked by neither.
    """
    code = _pytest(*arguments)
    if code != pytest.ExitCode.TESTS_FAILED:
        return code
    failed = sorted(json.loads(FAILED.read_text()))
    if len(failed) > MOST:
        print(f"{len(failed)} tests failed: none is asked once more.")
        return code
    print("Unsteady unless they fail again:", *failed, sep="\n  ", flush=True)
    return _pytest("--last-failed", "--last-failed-no-failures", "none")


def _pytest(*arguments: str) -> int:
    return subprocess.run([sys.executable, "-m", "pytest", *arguments], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
