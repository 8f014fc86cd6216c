"""From what a suite found to what is set aside: by day, hour, quote, forecast or token."""

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
    held: set[str] = set()
    for scope in {rule.sets_aside for rule in suite if rule.sets_aside}:
        known = frame[frame[_ABOUT[scope]].notna()] if scope in _ABOUT else frame
        named = [found for found in findings if found.rule.sets_aside is scope]
        # A rule that could not be checked says nothing of what it held before.
        checked = [found.rule.name for found in named if not found.blocks]
        subjects = [each for found in named for each in _subjects(found, known, scope)]
        standing = set_aside.apply(conn, scope, checked, subjects, _first(known, scope), now)
        held |= {rule for _, _, rule in standing}
    for found in findings:
        if found.rule.confirms:
            set_aside.confirm(conn, list(_subjects(found, frame, Scope.CANDLE)))
    return held


def _first(frame: "pd.DataFrame", scope: Scope) -> datetime | None:
    if frame.empty:
        return None
    if scope not in _ABOUT:
        return validation.EARLIEST
    earliest: datetime = frame[_ABOUT[scope]].min().to_pydatetime()
    return earliest


def _subjects(found: "Finding", frame: "pd.DataFrame", scope: Scope) -> Iterator[Subject]:
    """What broke the rule, once each."""
    seen: set[tuple[str, datetime | None]] = set()
    column = str(found.rule.arguments.get("column", ""))
    for row in found.rows:
        if row not in frame.index:
            continue
        told = frame.loc[row]
        about = told[_ABOUT[scope]].to_pydatetime() if scope in _ABOUT else None
        key = (str(told["token_id"]), about)
        if key in seen:
            continue
        seen.add(key)
        evidence = {name: str(told[name]) for name in ("close", "price", column) if name in frame}
        yield Subject(UUID(key[0]), about, found.rule.name, found.rule.description, evidence)
