"""Pagination of exchanges' lists, by time or by number, so that any page can be asked for again."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from coinsphere import log
from coinsphere.exchanges.errors import PermissionMissing
from coinsphere.exchanges.model import Page, Position, Stream
from coinsphere.exchanges.venues.rows import Row, Told, read
from coinsphere.market.sources.moments import to_milliseconds
from coinsphere.portfolio.imports.statements.record import Record

_DAY_MS = 86_400_000
_MOST_AGAIN = 200
_log = log.get("exchanges")


class Answer(NamedTuple):
    """The rows of one call, and the token of the next page in the same window; None after the last."""

    told: Told
    token: Any = None


class Numbered(NamedTuple):
    """The rows of one call, the number after its last row, and whether it was the last page."""

    told: Told
    following: int
    is_last: bool


Fetch = Callable[[int, int, Any], Answer]
"""Asks for a page: gets the window's ends in epoch milliseconds, and a token, None at first."""

PageOf = Callable[[int, int, Any], tuple[list[Row], Any]]
"""The same, before the rows are read: they, and the token of the next page, None where it was the last."""


def windows(
    name: str,
    fetch: Fetch,
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
        fetch: asks for a page of a window.
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
        asked = {"start": start, "end": end, "token": position.get("token")}
        result, token = fetch(start, end, asked["token"])
        if token is not None:
            return result.page({**asked, "token": token}, asked, is_last=False)
        if end >= now_ms:
            back = end - int(overlap.total_seconds() * 1000)
            return result.page({"start": back}, asked, is_last=True)
        return result.page({"start": end}, asked, is_last=False)

    def again(asked: Position, now: datetime) -> Page:
        """From that page to the end of its window: one that was told amiss may have hidden those behind it."""
        first = next_page = page(asked, now)
        result = Told(list(first.records), list(first.unread))
        for _ in range(_MOST_AGAIN):
            if result.unread or "token" not in next_page.position:
                break
            next_page = page(next_page.position, now)
            result = result.joined(Told(next_page.records, list(next_page.unread)))
        return result.page(next_page.position, asked, is_last=next_page.is_last)

    return Stream(name, page, again)


def rows_of(
    venue: str,
    page: PageOf,
    name: Callable[[Row], str],
    meant: Callable[[Row], Iterable[Record | None]],
) -> Fetch:
    """Asks for a page and reads its rows.

    Args:
        venue: whose rows these are.
        page: asks.
        name: what the record of a row is called.
        meant: its records.
    """

    def fetch(start: int, end: int, token: Any) -> Answer:
        rows, following = page(start, end, token)
        return Answer(read(venue, rows, name, meant), following)

    return fetch


def by_number(name: str, fetch: Callable[[int], Numbered]) -> Stream:
    """A list whose rows are numbered; `fetch` takes the first number wanted."""

    def page(position: Position, now: datetime) -> Page:  # noqa: ARG001  every stream has it
        first = int(position.get("from", 0))
        result, following, is_last = fetch(first)
        return result.page({"from": max(first, following)}, {"from": first}, is_last=is_last)

    return Stream(name, page)


def optional(stream: Stream) -> Stream:
    """The same list, empty while the key may not read it, as some exchanges require a separate permission."""

    def page(position: Position, now: datetime) -> Page:
        try:
            return stream.page(position, now)
        except PermissionMissing as error:
            _log.info("list not read", stream=stream.name, error=str(error))
            return Page([], position, is_last=True)

    return Stream(stream.name, page, stream.again)


def _end(start: int, now_ms: int, days: int | None) -> int:
    return now_ms if days is None else min(now_ms, start + days * _DAY_MS)
