"""Compare locked packages with known vulnerabilities.

Exits with 1 where one is known. Where the advisory service cannot be reached, or knows none of the packages, it says so
and exits with 0 on somebody's own machine, which can still build without network. Where CI is set it exits with 3, unless
AUDIT_MAY_BE_AWAY is set too: nobody reads the log of what is green.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from unseen import unseen

_AWAY = re.compile(
    r"ConnectionError|ConnectTimeout|ReadTimeout|ProxyError|SSLError|Max retries|[Cc]ould not connect|blocking this service|"
    r"ServiceError"
)
_BROKEN = 2
_MAY_BE_AWAY = "AUDIT_MAY_BE_AWAY"


def main(lock: Path, more: list[str]) -> int:
    """Audit the packages of `lock`; `more` goes to pip-audit."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        done = subprocess.run(
            [
                str(Path(sys.executable).parent / "pip-audit"),
                "--requirement", str(lock), "--no-deps", "--disable-pip", "--progress-spinner", "off",
                "--format", "json", "--output", str(report), *more,
            ],
            capture_output=True,
            text=True,
            check=False,
        )  # fmt: skip
        if report.exists():
            return judge(json.loads(report.read_text())["dependencies"])
    if _AWAY.search(done.stderr):
        return unseen("The advisory service cannot be reached: NOTHING WAS AUDITED.", _MAY_BE_AWAY)
    print(done.stderr, file=sys.stderr)
    return _BROKEN


def judge(packages: list[dict[str, object]]) -> int:
    """Print what is known of the packages; 1 where one is vulnerable, 3 in CI where none is known."""
    skipped = [package for package in packages if "skip_reason" in package]
    bad = [package for package in packages if package.get("vulns")]
    for package in bad:
        for fault in package["vulns"]:
            fixed = ", ".join(fault["fix_versions"]) or "no version yet"
            print(f"{package['name']} {package['version']}: {fault['id']}, fixed in {fixed}")
    if len(skipped) == len(packages):
        return unseen(
            "The advisory service knows none of the packages: NOTHING WAS AUDITED.", _MAY_BE_AWAY
        )
    print(
        f"{len(packages) - len(skipped)} packages audited, {len(skipped)} unknown, {len(bad)} vulnerable."
    )
    for package in skipped:
        print(f"not audited: {package['name']}: {package['skip_reason']}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
