"""Look for secrets in the working tree and in every line that the history ever added.

Prints where one stands, its kind and its fingerprint, never the secret, and exits with 1. What is no secret though it
looks like one has its fingerprint in `.ci/no_secrets.txt`, with the reason.
"""

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from detect_secrets.core.scan import scan_line
from detect_secrets.settings import transient_settings
from unseen import unseen

_KNOWN = Path(__file__).parent / "no_secrets.txt"
# Those that know a secret by its form. What goes by names or by entropy alone finds hashes and word lists here.
_PLUGINS = (
    "AWSKeyDetector", "ArtifactoryDetector", "AzureStorageKeyDetector", "BasicAuthDetector", "DiscordBotTokenDetector",
    "GitHubTokenDetector", "GitLabTokenDetector", "JwtTokenDetector", "MailchimpDetector", "NpmDetector",
    "OpenAIDetector", "PrivateKeyDetector", "PypiTokenDetector", "SendGridDetector", "SlackDetector",
    "SquareOAuthDetector", "StripeDetector", "TelegramBotTokenDetector", "TwilioKeyDetector",
)  # fmt: skip
_MOST_CHARACTERS = 20_000
"""Longer lines are data."""

_INVENTED = "Basic Auth Credentials"
"""Tests are full of URLs with passwords that they made up."""

Line = tuple[str, str, str]
"""The file's name, where in it, and the text."""


def main(repository: Path) -> int:
    """Scan both; 1 where something was found, 3 in CI where nothing was found and not all could be seen."""
    if not (repository / ".git").exists():
        return unseen("This is no git checkout: NOTHING WAS SCANNED FOR SECRETS.")
    known = {
        line.split()[0] for line in _KNOWN.read_text().splitlines() if line[:1] not in ("", "#")
    }
    found: dict[str, str] = {}
    with transient_settings({"plugins_used": [{"name": name} for name in _PLUGINS]}):
        for name, where, line in _lines(repository):
            for secret in scan_line(line) if len(line) <= _MOST_CHARACTERS else ():
                if secret.type != _INVENTED or not name.startswith("tests/"):
                    mark = fingerprint(name, secret.secret_value or "")
                    found.setdefault(mark, f"{name} {where}: {secret.type} {mark}")
    bad = sorted(text for mark, text in found.items() if mark not in known)
    sys.stdout.writelines(f"{text}\n" for text in bad)
    if bad:
        return 1
    if _git(repository, "rev-parse", "--is-shallow-repository").strip() == "true":
        return unseen("This checkout is shallow: ITS HISTORY WAS NOT SCANNED FOR SECRETS.")
    return 0


def fingerprint(name: str, secret: str) -> str:
    """What stands in `no_secrets.txt` for a secret in the file of that name; in another file it is another matter."""
    return hashlib.sha256(f"{name}\0{secret}".encode()).hexdigest()[:16]


def _lines(repository: Path) -> Iterator[Line]:
    """Every line that a commit added, and every line of the files that git does not ignore."""
    yield from _history(repository)
    listed = _git(repository, "ls-files", "--cached", "--others", "--exclude-standard", "-z")
    for name in listed.split("\0"):
        path = repository / name
        if name and path.is_file():
            for number, line in enumerate(path.read_text(errors="replace").splitlines(), start=1):
                yield name, f"line {number}", line


def _history(repository: Path) -> Iterator[Line]:
    commit, name = "", ""
    log = _git(
        repository, "log", "--all", "--patch", "--unified=0", "--no-color", "--format=commit %h"
    )
    for line in log.split("\n"):
        if line.startswith("commit "):
            commit = line.removeprefix("commit ")
        elif line.startswith("+++ "):
            name = line.removeprefix("+++ b/")
        elif line.startswith("+"):
            yield name, f"in {commit}", line[1:]


def _git(repository: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(repository), *arguments], capture_output=True, check=True
    )
    return done.stdout.decode(errors="replace")


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else ".")))
