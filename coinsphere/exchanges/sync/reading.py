"""Reads an account: every list to its end, then again what could not be read before."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from psycopg import Connection as Database

from coinsphere import log
from coinsphere.clock import Clock
from coinsphere.errors import BadPayload
from coinsphere.exchanges.api.client import Client
from coinsphere.exchanges.model import Known, Page, Position, Stream, Venue
from coinsphere.exchanges.sync import store
from coinsphere.exchanges.sync.store import Target
from coinsphere.exchanges.venues.rows import NONSENSE, why
from coinsphere.portfolio import issues
from coinsphere.portfolio.jobs import recompute

_BATCH = 2_000
"""Records of one transaction, or the pages of `_PAGES` calls where those are small."""
_PAGES = 20
_MOST_AGAIN = 50
"""Places where rows could not be read that one sync asks for again."""
_BALANCES = "balances"
"""How they are listed where they cannot be read."""

_log = log.get("exchanges")


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading: the account, its exchange, and where its facts are stored. `conn` is in autocommit."""

    conn: Database
    target: Target
    venue: Venue
    client: Client
    clock: Clock


def read(reading: Reading, known: Known) -> None:
    """Read the account.

    Raises:
        BadPayload: the first of its lists that makes no sense as a whole; the others were read.
        Disconnected, KeyRefused, RateLimited, Unavailable: what was read until then is stored.
    """
    conn, target, clock = reading.conn, reading.target, reading.clock
    store.retry_unbooked(conn, target, clock())
    balances = _balances(reading) or {}
    known.assets |= {asset for asset, amount in balances.items() if amount}
    failed = _lists(reading, known)
    recompute.update(conn, target.user_id, clock())
    now_held = _balances(reading)
    if now_held is not None:
        store.balances(conn, target, now_held, clock())
    with conn.transaction():
        issues.survey(conn, target.user_id, target.account.portfolio_id)
    if failed is not None:
        raise failed


def _lists(reading: Reading, known: Known) -> BadPayload | None:
    """Read every list; what was wrong with the first that makes no sense, which keeps no other from being read."""
    failed: BadPayload | None = None
    done: set[str] = set()
    venue, client = reading.venue, reading.client
    _ask_again(reading, venue.streams(client, known))
    while todo := [each for each in venue.streams(client, known) if each.name not in done]:
        for stream in todo:
            done.add(stream.name)
            try:
                known.assets |= _drain(reading, stream)
            except BadPayload as error:
                failed = failed or error
    return failed


def _told(
    reading: Reading, ask: Callable[[Position, datetime], Page], position: Position, now: datetime
) -> Page:
    """The page of a stream at a position.

    Raises:
        BadPayload: the answer has another shape than any of its exchange's.
    """
    try:
        return ask(position, now)
    except NONSENSE as error:
        _log.exception("answer makes no sense")
        raise BadPayload(reading.venue.id, f"an answer makes no sense: {why(error)}") from error


def _ask_again(reading: Reading, streams: Sequence[Stream]) -> None:
    """Ask again for rows that could not be read; the exchange may have corrected them."""
    conn, target, now = reading.conn, reading.target, reading.clock()
    named = {stream.name: stream for stream in streams}
    for name, asked in store.unread(conn, target, _MOST_AGAIN):
        stream = named.get(name)
        if stream is None:
            continue
        try:
            page = _told(reading, stream.again or stream.page, asked, now)
        except BadPayload as error:
            _log.warning("rows not asked for again", stream=name, error=str(error))
            page = None
        store.asked_again(conn, target, (name, asked), page, now)


def _balances(reading: Reading) -> dict[str, Decimal] | None:
    """The account's balances; None where they cannot be read, which is listed as unread."""
    balances: dict[str, Decimal] | None = None
    reason: str | None = None
    try:
        balances = reading.venue.balances(reading.client)
    except (BadPayload, *NONSENSE) as error:
        reason = why(error)
    store.note(reading.conn, reading.target, _BALANCES, reason, reading.clock())
    return balances


def _drain(reading: Reading, stream: Stream) -> set[str]:
    """Read a stream to its end. Returns the assets in it. What was read before a failure is stored."""
    conn, target, until = reading.conn, reading.target, reading.clock()
    position = store.cursor(conn, target, stream.name)
    seen: set[str] = set()
    is_last = False
    while not is_last:
        batch: list[Page] = []
        records = 0
        try:
            while not is_last and records < _BATCH and len(batch) < _PAGES:
                page = _told(reading, stream.page, position, until)
                batch.append(page)
                position, is_last = page.position, page.is_last
                records += len(page.records)
        finally:
            if batch:
                store.pages(conn, target, stream.name, batch, until)
        batch_records = (record for page in batch for record in page.records)
        seen |= {side[0] for each in batch_records for side in (each.sent, each.received) if side}
    return seen
