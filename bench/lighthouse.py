"""`make lighthouse`: Google's Lighthouse judges front page, dashboard and token, each with its goal; dev only.

It drives Debian's Chromium as a phone whose processor is slowed down four times, over a line that it imagines. The pages
are those of the benchmark: a dashboard of 15,000 transactions. What it answers lies in `build/lighthouse-*.json`.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import pages
from bench.serving import ROOT, served
from coinsphere.accounts import browser_sessions
from tests.integration.local.chromium import PROGRAM

GOAL = 95
_CATEGORIES = ("performance", "accessibility", "best-practices")
_PAGES = {"front": "/", "dashboard": "/dashboard", "token": "/tokens/BENCH1"}
_TOOL = ROOT / "bench" / "npm" / "node_modules" / "lighthouse" / "cli" / "index.js"
_NODE = Path(sys.executable).with_name("node")
_BUILD = ROOT / "build"


def main() -> int:
    """Print a table; exits with 1 where a goal is missed, 2 where there is no Chromium."""
    if PROGRAM is None:
        print("Chromium is not installed: apt-get install chromium")
        return 2
    table = Table("page", *_CATEGORIES)
    missed = False
    with served() as serving:
        secret = pages.owner(serving)
        for name, path in _PAGES.items():
            found = _judged(name, serving.url + path, "" if path == "/" else secret)
            missed |= min(found.values()) < GOAL
            table.add_row(name, *(str(found[each]) for each in _CATEGORIES))
    Console().print(table)
    return int(missed)


def _judged(name: str, address: str, secret: str) -> dict[str, int]:
    """Scores of 0 to 100 by category."""
    _BUILD.mkdir(exist_ok=True)
    output = _BUILD / f"lighthouse-{name}.json"
    headers = {"Cookie": f"{browser_sessions.COOKIE}={secret}"} if secret else {}
    command = [
        _NODE, _TOOL, address, "--quiet", "--output=json", f"--output-path={output}",
        f"--only-categories={','.join(_CATEGORIES)}", f"--extra-headers={json.dumps(headers)}",
        "--chrome-flags=--headless=new --no-sandbox --disable-dev-shm-usage",
    ]  # fmt: skip
    variables = os.environ | {"CHROME_PATH": str(PROGRAM)}
    subprocess.run(command, check=True, env=variables, timeout=300)
    told = json.loads(output.read_text())["categories"]
    return {each: round(100 * (told[each]["score"] or 0)) for each in _CATEGORIES}


if __name__ == "__main__":
    sys.exit(main())
