"""The ways in which exchanges let their lists be read, so that any page can be asked for again."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from coinsphere import log
from coinsphere.exchanges.errors import PermissionMissing
from coinsphere.exchanges.model import Page, Position, Stream
from coinsphere.market.sources.moments import to_milliseconds
from coinsphere.portfolio.imports.statements.record import Record

_DAY_MS = 86_400_000
_log = log.get("exchanges")


class Answer(NamedTuple):
    """Records of one call, and the token of the next one in the same window; None where it was the last."""

    records: list[Record]
    token: Any = None


def windows(
    name: str,
    fetch: Callable[[int, int, Any], Answer],
    *,
    begin: datetime,
    days: int | None = None,
    reach: timedelta | None = None,
    overlap: timedelta = timedelta(days=3),
) -> Stream:
    """A list that is asked for by time.

    A window's end stays what it was when the window was opened, so that what happens meanwhile moves no page.

    Args:
        name: of the stream.
        fetch: gets the window's ends in epoch milliseconds, and a token, None at first.
        begin: when the exchange's history begins.
        days: the longest window; None: any.
        reach: how far back the exchange tells at all; None: everything.
        overlap: what is read once more by the next sync, for what was under way; known records change nothing.
    """

    def page(position: Position, now: datetime) -> Page:
        earliest = begin if reach is None else max(begin, now - reach)
        now_ms = to_milliseconds(now)
        start = max(int(position.get("start", 0)), to_milliseconds(earliest))
        end = int(position.get("end") or _end(start, now_ms, days))
        records, token = fetch(start, end, position.get("token"))
        if token is not None:
            return Page(records, {"start": start, "end": end, "token": token}, is_last=False)
        if end >= now_ms:
            back = end - int(overlap.total_seconds() * 1000)
            return Page(records, {"start": back}, is_last=True)
        return Page(records, {"start": end}, is_last=False)

    return Stream(name, page)


def by_number(name: str, fetch: Callable[[int], tuple[list[Record], int | None]]) -> Stream:
    """A list whose rows are numbered: `fetch` gets the first number wanted, and tells the next; None: it was the last."""

    def page(position: Position, now: datetime) -> Page:  # noqa: ARG001  every stream has it
        first = int(position.get("from", 0))
        records, following = fetch(first)
        last_seen = max([first, *(_number(record) + 1 for record in records)])
        return Page(records, {"from": following or last_seen}, is_last=following is None)

    return Stream(name, page)


def optional(stream: Stream) -> Stream:
    """The same list; empty as long as the key may not read it, as some exchanges ask a right of its own for it."""

    def page(position: Position, now: datetime) -> Page:
        try:
            return stream.page(position, now)
        except PermissionMissing as error:
            _log.info("list not read", stream=stream.name, error=str(error))
            return Page([], position, is_last=True)

    return Stream(stream.name, page)


def _number(record: Record) -> int:
    return int(record.native_id.partition(":")[0].rpartition("-")[2])


def _end(start: int, now_ms: int, days: int | None) -> int:
    return now_ms if days is None else min(now_ms, start + days * _DAY_MS)
