"""Stores pages: facts, records that cannot be booked, and the cursor behind them, in one transaction."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from psycopg import Connection
from psycopg.types.json import Jsonb

from coinsphere.exchanges.errors import Disconnected
from coinsphere.exchanges.model import LedgerAccount, Page, Position, Unread
from coinsphere.exchanges.sync import resolution as resolving
from coinsphere.exchanges.sync.resolution import Unbooked
from coinsphere.portfolio import recording
from coinsphere.portfolio.imports.statements.record import MONEY, Record
from coinsphere.portfolio.model import Kind

_CURSOR = """
    select position from app.exchange_cursors where connection_id = %(connection_id)s and stream = %(stream)s
"""
# Held until the commit, so that a connection is not deleted, stopped or moved under the page that is stored.
_HOLD = """
    select portfolio_id from app.exchange_connections where id = %(connection_id)s and status = 'active'
    for no key update
"""
_MOVE = """
    insert into app.exchange_cursors as known (connection_id, stream, position, updated_at)
    values (%(connection_id)s, %(stream)s, %(position)s, %(now)s)
    on conflict (connection_id, stream) do update set position = excluded.position, updated_at = excluded.updated_at
"""
_KEEP = """
    insert into app.exchange_unbooked
        (connection_id, native_id, record, reason, occurred_at, found_at, stream, unread, asked, tried_at)
    values (%(connection_id)s, %(native_id)s, %(record)s, %(reason)s, %(occurred_at)s, %(now)s, %(stream)s,
        %(unread)s, %(asked)s, %(now)s)
    on conflict (connection_id, native_id) do update set
        record = excluded.record, reason = excluded.reason, occurred_at = excluded.occurred_at,
        stream = coalesce(excluded.stream, exchange_unbooked.stream), unread = excluded.unread, asked = excluded.asked,
        tried_at = excluded.tried_at
"""
_KEPT = """
    select record from app.exchange_unbooked where connection_id = %(connection_id)s and record is not null
    order by occurred_at, native_id
"""
# The longest not asked for first, so that those that stay unread do not keep the others back.
_UNREAD = """
    select stream, asked from app.exchange_unbooked
    where connection_id = %(connection_id)s and asked is not null
    group by stream, asked order by min(tried_at), stream, asked::text limit %(limit)s
"""
_TRIED = """
    update app.exchange_unbooked set tried_at = %(now)s
    where connection_id = %(connection_id)s and stream = %(stream)s and asked = %(asked)s
"""
_READ = """
    delete from app.exchange_unbooked
    where connection_id = %(connection_id)s and stream = %(stream)s and asked = %(asked)s
        and native_id <> all(%(still)s::text[])
"""
_RELEASE = """
    delete from app.exchange_unbooked where connection_id = %(connection_id)s and native_id = any(%(native_ids)s)
"""
_LEARN = """
    update app.exchange_connections set assets = array(select distinct unnest(assets || %(assets)s::text[]) order by 1)
    where id = %(connection_id)s and not assets @> %(assets)s::text[]
"""
_PROGRESS = """
    update app.exchange_syncs set
        stream = %(stream)s, imported = imported + %(imported)s, known = known + %(known)s,
        unbooked = unbooked + %(unbooked)s
    where id = %(sync_id)s
"""
_ANNOUNCE = "select pg_notify('coinsphere', 'exchanges')"
_FORGET_BALANCES = "delete from app.exchange_balances where connection_id = %(connection_id)s"
_BALANCE = """
    insert into app.exchange_balances (connection_id, asset, token_id, amount, observed_at)
    values (%(connection_id)s, %(asset)s, %(token_id)s, %(amount)s, %(now)s)
"""


@dataclass(frozen=True, slots=True)
class Target:
    """The account and sync that are read, and where the facts go."""

    sync_id: UUID
    connection_id: UUID
    user_id: UUID
    account: LedgerAccount


def cursor(conn: Connection, target: Target, stream: str) -> Position:
    """The position from which a stream continues; empty where it was never read."""
    parameters = {"connection_id": target.connection_id, "stream": stream}
    row = conn.execute(_CURSOR, parameters).fetchone()
    return {} if row is None else dict(row[0])


def pages(
    conn: Connection,
    target: Target,
    stream: str,
    read: Sequence[Page],
    now: datetime,
) -> None:
    """Store pages and the position behind them, all or nothing. `conn` must be in autocommit.

    Raises:
        Disconnected: the connection was deleted, stopped, or has another portfolio now.
    """
    common = {"connection_id": target.connection_id, "now": now, "stream": stream}
    with conn.transaction():
        _hold(conn, target)
        _store(conn, target, stream, read, now)
        conn.execute(_MOVE, {**common, "position": Jsonb(read[-1].position)})
        conn.execute(_ANNOUNCE)


def unread(conn: Connection, target: Target, limit: int) -> list[tuple[str, Position]]:
    """The streams with rows that could not be read, and the `asked` by which each is asked for again."""
    parameters = {"connection_id": target.connection_id, "limit": limit}
    return [(stream, asked) for stream, asked in conn.execute(_UNREAD, parameters)]


def asked_again(
    conn: Connection, target: Target, place: tuple[str, Position], page: Page | None, now: datetime
) -> None:
    """Store the second reading of unread rows; those that can be read now are no longer listed.

    `conn` and errors as for `pages`; `place` as `unread` gave it; `page` is None where the exchange did not tell it again.
    """
    stream, asked = place
    common = {"connection_id": target.connection_id, "now": now, "stream": stream}
    common["asked"] = Jsonb(asked)
    with conn.transaction():
        _hold(conn, target)
        conn.execute(_TRIED, common)
        if page is not None:
            _store(conn, target, stream, [page], now)
            still = [each.native_id for each in page.unread]
            conn.execute(_READ, {**common, "still": still})


def note(conn: Connection, target: Target, name: str, reason: str | None, now: datetime) -> None:
    """List something other than a row as unread, with the reason; without a reason, remove it from the list."""
    with conn.transaction():
        _hold(conn, target)
        if reason is None:
            _release(conn, target, [name])
        else:
            _keep_unread(conn, target, None, [Unread(name, reason, "")], now)


def _store(
    conn: Connection, target: Target, stream: str, read: Sequence[Page], now: datetime
) -> None:
    records = [record for page in read for record in page.records]
    left = _record(conn, target, stream, records, now)
    # A row that is told anew may be understood now.
    booked = {each.native_id for each in records} - {each.record.native_id for each in left}
    _release(conn, target, booked)
    # At the edge of two windows a row is told twice.
    unread = {each.native_id: each for page in read for each in page.unread}
    _keep_unread(conn, target, stream, list(unread.values()), now)


def _release(conn: Connection, target: Target, names: Iterable[str]) -> None:
    parameters = {"connection_id": target.connection_id, "native_ids": sorted(names)}
    conn.execute(_RELEASE, parameters)


def _keep_unread(
    conn: Connection, target: Target, stream: str | None, rows: Sequence[Unread], now: datetime
) -> None:
    common = {
        "connection_id": target.connection_id, "stream": stream, "record": None, "now": now,
    }  # fmt: skip
    kept = [
        {
            **common,
            "native_id": each.native_id,
            "reason": each.reason,
            "occurred_at": each.at,
            "unread": each.row,
            "asked": None if each.asked is None else Jsonb(each.asked),
        }
        for each in rows
    ]
    conn.cursor().executemany(_KEEP, kept)
    progress = {"sync_id": target.sync_id, "stream": stream, "imported": 0, "known": 0}
    conn.execute(_PROGRESS, {**progress, "unbooked": len(rows)})


def retry_unbooked(conn: Connection, target: Target, now: datetime) -> None:
    """Try again to book records that could not be booked. `conn` and errors as for `pages`."""
    parameters = {"connection_id": target.connection_id}
    with conn.transaction():
        _hold(conn, target)
        kept = [_read(row[0]) for row in conn.execute(_KEPT, parameters)]
        if not kept:
            return
        left = _record(conn, target, None, kept, now)
        _release(
            conn,
            target,
            {record.native_id for record in kept} - {each.record.native_id for each in left},
        )


def balances(conn: Connection, target: Target, amounts: dict[str, Decimal], now: datetime) -> None:
    """Replace the stored balances of the account. `conn` and errors as for `pages`."""
    known = resolving.tokens(conn, amounts)
    parameters = {"connection_id": target.connection_id, "now": now}
    rows = [
        {**parameters, "asset": asset[:100], "token_id": known.get(asset), "amount": amount}
        for asset, amount in sorted(amounts.items())
        if amount and asset not in MONEY
    ]
    with conn.transaction():
        _hold(conn, target)
        conn.execute(_FORGET_BALANCES, parameters)
        conn.cursor().executemany(_BALANCE, rows)


def _hold(conn: Connection, target: Target) -> None:
    row = conn.execute(_HOLD, {"connection_id": target.connection_id}).fetchone()
    if row is None or row[0] != target.account.portfolio_id:
        raise Disconnected("the account was disconnected, or moved to another portfolio, meanwhile")


def _record(
    conn: Connection, target: Target, stream: str | None, records: Sequence[Record], now: datetime
) -> list[Unbooked]:
    """Book records in the order of their time. Returns those that cannot be booked, which are stored apart."""
    named = resolving.assets(records)
    known = resolving.tokens(conn, named)
    ordered = sorted(records, key=lambda each: (each.at, each.native_id))
    new, unbooked = resolving.resolve(ordered, target.account, known, now)
    done = recording.record(conn, target.user_id, new, now, at_once=False) if new else None
    common = {"connection_id": target.connection_id, "now": now, "stream": stream}
    conn.cursor().executemany(_KEEP, [{**common, **_kept(each)} for each in unbooked])
    conn.execute(_LEARN, {**common, "assets": sorted(named)})
    progress = {
        "sync_id": target.sync_id,
        "stream": stream,
        "imported": len(done.fact_ids) if done else 0,
        "known": done.known if done else 0,
        "unbooked": len(unbooked),
    }
    conn.execute(_PROGRESS, progress)
    return unbooked


def _kept(each: Unbooked) -> dict[str, object]:
    record = each.record
    return {
        "native_id": record.native_id[:200],
        "record": Jsonb(_written(record)),
        "reason": each.reason,
        "occurred_at": record.at,
        "unread": None,
        "asked": None,
    }


def _written(record: Record) -> dict[str, Any]:
    """A record as JSON, decimals as text with all their digits."""
    sides = {name: getattr(record, name) for name in ("sent", "received", "fee")}
    return {
        "native_id": record.native_id,
        "kind": record.kind,
        "at": record.at.isoformat(),
        "price": None if record.price is None else str(record.price),
        "tx_hash": record.tx_hash,
        "refused": record.refused,
        **{name: side and [side[0], str(side[1])] for name, side in sides.items()},
    }


def _read(written: dict[str, Any]) -> Record:
    def side(name: str) -> tuple[str, Decimal] | None:
        pair = written[name]
        return None if pair is None else (pair[0], Decimal(pair[1]))

    price = written["price"]
    return Record(
        native_id=written["native_id"],
        kind=Kind(written["kind"]),
        at=datetime.fromisoformat(written["at"]),
        sent=side("sent"),
        received=side("received"),
        price=None if price is None else Decimal(price),
        fee=side("fee"),
        tx_hash=written["tx_hash"],
        refused=written.get("refused"),
    )
