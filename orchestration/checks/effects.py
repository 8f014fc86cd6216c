"""Sets aside what a suite of checks found wrong: days, hours, quotes, forecasts or tokens."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from psycopg import Connection

from coinsphere.market.quality import set_aside, validation
from coinsphere.market.quality.set_aside import Scope, Subject
from expectations.suites.rules import Rule

if TYPE_CHECKING:
    import pandas as pd

    from expectations.runner import Finding

_ABOUT: dict[Scope, str] = {
    Scope.CANDLE: "day",
    Scope.HOUR: "opened_at",
    Scope.QUOTE: "observed_at",
    Scope.FORECAST: "origin_at",
}
"""The column that tells which row of a token it is."""


def settle(
    conn: Connection,
    suite: Sequence[Rule],
    findings: Sequence["Finding"],
    frame: "pd.DataFrame",
    now: datetime,
) -> set[str]:
    """Set aside what `findings` name and let go what they no longer do; names of the rules that hold something back."""
    holding: set[str] = set()
    for scope in {rule.sets_aside for rule in suite if rule.sets_aside}:
        known = frame[frame[_ABOUT[scope]].notna()] if scope in _ABOUT else frame
        named = [finding for finding in findings if finding.rule.sets_aside is scope]
        # A rule that could not be checked says nothing of what it held before.
        checked = [finding.rule.name for finding in named if not finding.blocks]
        subjects = [subject for finding in named for subject in _subjects(finding, known, scope)]
        standing = set_aside.apply(conn, scope, checked, subjects, _first(known, scope), now)
        holding |= {rule for _, _, rule in standing}
    for finding in findings:
        if finding.rule.confirms:
            set_aside.confirm(conn, list(_subjects(finding, frame, Scope.CANDLE)))
    return holding


def _first(frame: "pd.DataFrame", scope: Scope) -> datetime | None:
    if frame.empty:
        return None
    if scope not in _ABOUT:
        return validation.EARLIEST
    earliest: datetime = frame[_ABOUT[scope]].min().to_pydatetime()
    return earliest


def _subjects(finding: "Finding", frame: "pd.DataFrame", scope: Scope) -> Iterator[Subject]:
    """The tokens or rows that broke the rule, once each."""
    seen: set[tuple[str, datetime | None]] = set()
    column = str(finding.rule.arguments.get("column", ""))
    for label in finding.rows:
        if label not in frame.index:
            continue
        row = frame.loc[label]
        about = row[_ABOUT[scope]].to_pydatetime() if scope in _ABOUT else None
        key = (str(row["token_id"]), about)
        if key in seen:
            continue
        seen.add(key)
        evidence = {name: str(row[name]) for name in ("close", "price", column) if name in frame}
        yield Subject(UUID(key[0]), about, finding.rule.name, finding.rule.description, evidence)
