"""Mails operators about rows that checks set aside or refused since the last mail.

One mail a day at most, and each finding in one of them alone: docs/adr/0115-a-mail-of-data-that-wait.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from textwrap import shorten

import psycopg
from psycopg import Connection

from coinsphere.market.quality import quarantine_review, set_aside, summaries
from coinsphere.notify import operators
from coinsphere.settings import Role, Settings

SUBJECT = "Coinsphere: data wait for your decision"
SETTLED = timedelta(hours=1)
"""What is younger is told the next time: the transaction that finds it may last so long, and dates it by its start."""
_OPTIONS = "-c search_path=jobs,public -c timezone=UTC"
_QUIET = timedelta(hours=23)
_BEGINNING = datetime.min.replace(tzinfo=UTC)
_SHOWN = 50
_LONGEST = 500
"""Characters of a line: a reason may quote what a source sent."""
_BODY = """\
{sections}
`coinsphere market quarantine` lists all of it, with `--refused` the refused rows one by one; `coinsphere market release`
and `remove` decide. So does the page {url}
What it means: docs/guides/data-quality.md

You will not hear of the same again, and of what comes now after a day at the earliest.
"""


@dataclass(frozen=True, slots=True)
class Findings:
    """Lines on what waits for a decision, one a cause."""

    set_aside: Sequence[str]
    refused: Sequence[str]


def check(settings: Settings, now: datetime) -> int:
    """Mail each operator where there is something new. Returns how many mails."""
    with psycopg.connect(
        settings.url_for(Role.WORKER), connect_timeout=5, options=_OPTIONS
    ) as conn:
        last = operators.last_told(conn, SUBJECT)
        if last is not None and now - last < _QUIET:
            return 0
        findings = _found(conn, _BEGINNING if last is None else last - SETTLED, now - SETTLED)
        if not findings.set_aside and not findings.refused:
            return 0
        body = text(findings, f"{settings.pages_url}/admin/data")
        return operators.tell(conn, settings.operator_email, SUBJECT, body)


def text(findings: Findings, url: str) -> str:
    """The mail's text."""
    sections = _section("Set aside by checks, and used by nothing", findings.set_aside)
    sections += _section("Refused on arrival, and kept as it came", findings.refused)
    return _BODY.format(sections=sections, url=url)


def _found(conn: Connection, since: datetime, until: datetime) -> Findings:
    entries = [each for each in set_aside.entries(conn) if since <= each.since < until]
    waiting = quarantine_review.waiting(conn, since=since, until=until)
    return Findings(summaries.of_held(entries), [summaries.of_refused(each) for each in waiting])


def _section(title: str, lines: Sequence[str]) -> str:
    if not lines:
        return ""
    shown = [f"- {shorten(line, _LONGEST)}" for line in lines[:_SHOWN]]
    if len(lines) > _SHOWN:
        shown.append(f"- and more: {len(lines) - _SHOWN}")
    return "\n".join([f"{title}:", *shown, "", ""])
