"""Sums up rows that were set aside or refused, one line for each cause."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from operator import attrgetter

from coinsphere.market.quality.quarantine_review import Waiting
from coinsphere.market.quality.set_aside import Entry


def of_held(entries: Sequence[Entry]) -> list[str]:
    """A line for each token, kind of row and rule."""
    order = attrgetter("symbol", "scope", "rule")
    return [
        _of_cause(symbol, scope, list(rows))
        for (symbol, scope, _), rows in groupby(sorted(entries, key=order), order)
    ]


def of_refused(waiting: Waiting) -> str:
    """The line of one reason."""
    rows = "row" if waiting.rows == 1 else "rows"
    return (
        f"{waiting.symbol or 'no token'}: {waiting.rows:,} {waiting.kind} {rows} refused on arrival, the last "
        f"{moment(waiting.last)}: {waiting.reason}"
    )


def moment(instant: datetime) -> str:
    """The day, and the minute where it is not midnight."""
    midnight = instant.hour == instant.minute == 0
    return f"{instant:%Y-%m-%d}" if midnight else f"{instant:%Y-%m-%d %H:%M}"


def _of_cause(symbol: str, scope: str, rows: Sequence[Entry]) -> str:
    moments = sorted(each.about for each in rows if each.about)
    plural = "s" * (len(rows) > 1)
    what = "" if scope == "token" else f", {len(rows):,} {scope}{plural} {_span(moments, scope)}"
    return f"{symbol}{what}: {rows[0].reason}"


def _span(moments: Sequence[datetime], scope: str) -> str:
    say, step = (_hour, timedelta(hours=1)) if scope == "hour" else (moment, timedelta(days=1))
    if len(moments) == 1:
        return f"of {say(moments[0])}"
    whole = all(after - before <= step for before, after in pairwise(moments))
    return f"{'from' if whole else 'between'} {say(moments[0])} {'to' if whole else 'and'} {say(moments[-1])}"


def _hour(instant: datetime) -> str:
    return f"{instant:%Y-%m-%d %H:%M}"
