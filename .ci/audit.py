"""Compare locked packages with known vulnerabilities.

Exits with 1 where one is known. Where the advisory service cannot be reached, or knows none of the packages, it says so
and exits with 0: a machine without network can still build, and nobody reads silence as health.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

_AWAY = re.compile(
    r"ConnectionError|ConnectTimeout|ReadTimeout|ProxyError|SSLError|Max retries|[Cc]ould not connect|blocking this service|"
    r"ServiceError"
)
_BROKEN = 2


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
        print("The advisory service cannot be reached: NOTHING WAS AUDITED.")
        return 0
    print(done.stderr, file=sys.stderr)
    return _BROKEN


def judge(packages: list[dict[str, object]]) -> int:
    """Print what is known of the packages; 1 where one is vulnerable."""
    skipped = [package for package in packages if "skip_reason" in package]
    bad = [package for package in packages if package.get("vulns")]
    for package in bad:
        for fault in package["vulns"]:
            fixed = ", ".join(fault["fix_versions"]) or "no version yet"
            print(f"{package['name']} {package['version']}: {fault['id']}, fixed in {fixed}")
    if packages and len(skipped) == len(packages):
        print("The advisory service knows none of the packages: NOTHING WAS AUDITED.")
    else:
        print(
            f"{len(packages) - len(skipped)} packages audited, {len(skipped)} unknown, {len(bad)} vulnerable."
        )
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
