"""Writes candles to `market.price_data`: invalid ones go to the quarantine, unchanged ones are skipped.

One way in for every source. A load streams: it holds one batch at a time, sends it by COPY into a temporary table
and moves it on by one upsert. A load is one transaction (a savepoint where the caller has one open), so a loader
that dies leaves nothing half-written.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import chain, islice
from uuid import UUID

from psycopg import Connection, Cursor

from coinsphere.clock import Clock, utc_now
from coinsphere.market import origin as origins
from coinsphere.market.candles import reused_tickers
from coinsphere.market.candles.reused_tickers import ReusedTickers
from coinsphere.market.model import Candle, Interval, Loaded
from coinsphere.market.quality import quarantine, validation
from coinsphere.market.quality.quarantine import Rejected
from coinsphere.market.quality.validation import Fault

BATCH = 20_000
"""Candles held at a time, about 5 MB."""
_CHUNK = 250
"""Lines sent to the server at once, so that it parses while the next ones are made."""

_NUMBERS_AND_FINAL = slice(0, 6)
"""Where a line holds open, high, low, close, volume and whether it is final."""

CONTRADICTION = Fault("date", "says something else than an earlier row of the same start")

OnReject = Callable[[Candle, Fault], None]
"""Told of each candle that is not stored, while that candle is the newest one taken from the iterable."""

_TOKENS = "select id from market.tokens"
_STAGE = """
    create temporary table if not exists candle_batch (
        token_id uuid, interval text, opened_at bigint,
        open numeric, high numeric, low numeric, close numeric, volume numeric,
        is_final boolean, source text, observed_at timestamptz
    ) on commit drop
"""
_EMPTY = "truncate candle_batch"
_COPY = "copy candle_batch from stdin"
# Only where a month is missing: making one takes a lock until the end of the transaction, and loaders would queue.
_PARTITIONS = """
    select market.ensure_price_partitions(min(month)::date, max(month)::date)
    from (
        select generate_series(
            date_trunc('month', to_timestamp(min(opened_at)) at time zone 'UTC'),
            to_timestamp(max(opened_at)) at time zone 'UTC',
            interval '1 month'
        ) as month
        from candle_batch
    ) as spanned
    where to_regclass('market.price_data_' || to_char(month, 'YYYYMM')) is null
    having count(*) > 0
"""
# Nobody deletes a token whose candles are on their way: there is no foreign key that would say no.
_HOLD = """
    select from market.tokens where id in (select token_id from candle_batch) order by id for key share
"""
_AHEAD = timedelta(days=62)
_PARTITIONS_AHEAD = "select market.ensure_price_partitions(%(first)s, %(last)s)"
# A final candle is never replaced by an unfinished one, and only the source that gave it corrects it: exchanges differ
# by cents, and where they took turns a candle would change with each of them. An unchanged one is not written at all.
# In one order, whatever order the source gives: so two loaders of the same candles wait for each other, not in a ring.
_UPSERT = """
    insert into market.price_data as stored
        (token_id, interval, opened_at, open, high, low, close, volume, source, is_final, observed_at)
    select
        token_id, interval, to_timestamp(opened_at), open, high, low, close, volume, source, is_final, observed_at
    from candle_batch
    where token_id in (select id from market.tokens)
    order by token_id, interval, opened_at
    on conflict (token_id, interval, opened_at) do update set
        open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close,
        volume = excluded.volume, source = excluded.source, is_final = excluded.is_final,
        observed_at = excluded.observed_at, ingested_at = now(), quality = 'ok'
    where (not stored.is_final or (excluded.is_final and stored.source = excluded.source))
        and (stored.open, stored.high, stored.low, stored.close, stored.volume, stored.is_final)
            is distinct from
            (excluded.open, excluded.high, excluded.low, excluded.close, excluded.volume, excluded.is_final)
"""
_GAPS = """
    with steps as (
        select
            token_id, opened_at as until,
            lag(opened_at) over (partition by token_id order by opened_at) as since
        from market.price_data
        where interval = %(interval)s
            and (%(token_ids)s::uuid[] is null or token_id = any(%(token_ids)s))
    )
    select
        s.token_id, t.symbol, s.since + %(step)s, s.until - %(step)s,
        (extract(epoch from s.until - s.since) / extract(epoch from %(step)s::interval))::integer - 1
    from steps s
    join market.tokens t on t.id = s.token_id
    where s.until - s.since > %(step)s
    order by t.symbol, s.token_id, s.since
"""


def load(
    conn: Connection,
    candles: Iterable[Candle],
    clock: Clock = utc_now,
    on_reject: OnReject | None = None,
) -> Loaded:
    """Store `candles`; invalid ones go to the quarantine instead.

    Args:
        conn: a connection; the load is a transaction of its own within the caller's.
        candles: any iterable, in any order; consumed once, one batch in memory. It must not use `conn`.
        clock: tells which candles lie in the future.
        on_reject: told of each candle that goes to the quarantine.

    Raises:
        ConfigurationError: the rows may not share a database with what is there, see `origin.refuse_mix`.
    """
    with conn.transaction(), conn.cursor() as cursor:
        cursor.execute(_STAGE)
        loader = _Loader(cursor, origins.get(conn), clock(), on_reject)
        remaining: Iterator[Candle] = iter(candles)
        while (first := next(remaining, None)) is not None:
            remaining = loader.stage(chain([first], remaining))
            loader.move()
        return loader.loaded


def make_partitions(conn: Connection, now: datetime) -> int:
    """Create missing partitions for this month and the next two, at a quiet hour. Returns how many were missing.

    The loader that needs the first candle of a month would wait for every reader, and all others behind it.
    """
    span = {"first": now.date(), "last": (now + _AHEAD).date()}
    row = conn.execute(_PARTITIONS_AHEAD, span).fetchone()
    return int(row[0]) if row else 0


@dataclass(frozen=True, slots=True)
class Gap:
    """Candles missing between two that are there: the first and last missing one's start, and how many."""

    token_id: UUID
    symbol: str
    interval: Interval
    first: datetime
    last: datetime
    missing: int


def gaps(
    conn: Connection, interval: Interval, token_ids: Sequence[UUID] | None = None
) -> list[Gap]:
    """Every gap between a token's first and last candle, of all tokens or those given."""
    parameters = {
        "interval": interval,
        "step": interval.duration,
        "token_ids": None if token_ids is None else list(token_ids),
    }
    rows = conn.execute(_GAPS, parameters).fetchall()
    return [Gap(row[0], row[1], interval, *row[2:]) for row in rows]


class _Loader:
    """Candles on their way through the temporary table, as lines of COPY's text format."""

    def __init__(
        self,
        cursor: Cursor,
        origin: origins.Origin | None,
        now: datetime,
        on_reject: OnReject | None,
    ) -> None:
        self._cursor, self._origin, self._now, self._on_reject = cursor, origin, now, on_reject
        self._tokens = {token_id: str(token_id) for (token_id,) in cursor.execute(_TOKENS)}
        self._reused = ReusedTickers(cursor.connection)
        self._lines: dict[str, str] = {}
        self._rejected: list[Rejected] = []
        self._seen_token: tuple[UUID | None, str | None] = (None, None)
        self._seen_tail: tuple[datetime | None, str, str] = (None, "", "")
        self.loaded = Loaded()

    def stage(self, candles: Iterator[Candle]) -> Iterator[Candle]:
        """Send up to `BATCH` candles to the temporary table; returns those that are left."""
        self._cursor.execute(_EMPTY)
        received = 0
        with self._cursor.copy(_COPY) as copy:
            pending: list[str] = []
            for candle in islice(candles, BATCH):
                line = self._line(candle)
                if line is None:
                    candles = chain([candle], candles)
                    break
                received += 1
                pending.append(line)
                if len(pending) == _CHUNK:
                    copy.write("".join(pending))
                    pending.clear()
            copy.write("".join(pending))
        self.loaded += Loaded(received, 0, len(self._rejected))
        return candles

    def move(self) -> None:
        """Write what is staged, and empty the stage."""
        if self._lines:
            self._cursor.execute(_HOLD)
            self._cursor.execute(_PARTITIONS)
            self.loaded += Loaded(written=self._cursor.execute(_UPSERT).rowcount)
            self._lines.clear()
        quarantine.store(self._cursor.connection, self._rejected)
        self._rejected.clear()

    def _line(self, candle: Candle) -> str | None:
        """The line to send, empty for none; None where the batch has to be moved before this candle."""
        volume = r"\N" if candle.volume is None else candle.volume
        numbers = f"{candle.open!s}\t{candle.high!s}\t{candle.low!s}\t{candle.close!s}\t{volume!s}"
        token = self._token(candle.token_id)
        if token is None:
            return self._reject(candle, Fault("token", "no such token is known"))
        if not validation.is_plainly_sound(candle, numbers, self._now):
            fault = validation.candle_fault(candle, self._now)
            if fault is not None:
                return self._reject(candle, fault)
        if self._reused.is_of_other_coin(candle):
            return self._reject(candle, reused_tickers.OTHER_COIN)
        key = f"{token}\t{candle.interval!s}\t{candle.opened_at.timestamp():.0f}\t"
        line = f"{numbers}\t{'t' if candle.is_final else 'f'}\t{self._tail(candle)}"
        stored = self._lines.setdefault(key, line)
        return key + line if stored is line else self._repeated(candle, stored, line)

    def _token(self, token_id: UUID) -> str | None:
        """The id as text; None where no such token is known. Mostly the same object from row to row."""
        if token_id is not self._seen_token[0]:
            self._seen_token = (token_id, self._tokens.get(token_id))
        return self._seen_token[1]

    def _tail(self, candle: Candle) -> str:
        """Source and time of observation; they repeat from row to row and are turned into text once."""
        observed_at, source, tail = self._seen_tail
        if candle.observed_at is not observed_at or candle.source is not source:
            origins.refuse_mix(self._origin, candle.source)
            escaped = candle.source.replace("\\", r"\\").replace("\t", r"\t")
            escaped = escaped.replace("\n", r"\n").replace("\r", r"\r")
            tail = f"{escaped}\t{candle.observed_at.isoformat()}\n"
            self._seen_tail = (candle.observed_at, candle.source, tail)
        return tail

    def _repeated(self, candle: Candle, first_line: str, line: str) -> str | None:
        """Judge a second candle of the same token, interval and start within a batch.

        The same again is dropped. A final and an unfinished one meet in the table, whose rule decides. Two that
        contradict each other: the first stays.
        """
        *first, was_final = first_line.split("\t")[_NUMBERS_AND_FINAL]
        *second, is_final = line.split("\t")[_NUMBERS_AND_FINAL]
        if was_final != is_final:
            return None
        if [_number(text) for text in first] == [_number(text) for text in second]:
            return ""
        return self._reject(candle, CONTRADICTION)

    def _reject(self, candle: Candle, fault: Fault) -> str:
        known = candle.token_id if candle.token_id in self._tokens else None
        self._rejected.append(rejected(candle, fault.reason, known))
        if self._on_reject is not None:
            self._on_reject(candle, fault)
        return ""


def rejected(candle: Candle, reason: str, token_id: UUID | None) -> Rejected:
    """`candle` as a row of the quarantine; `token_id` is None where the token is not known."""
    return Rejected(
        token_id,
        "candle",
        candle.source,
        reason,
        {
            "interval": candle.interval,
            "openedAt": candle.opened_at.isoformat(),
            "open": str(candle.open),
            "high": str(candle.high),
            "low": str(candle.low),
            "close": str(candle.close),
            "volume": None if candle.volume is None else str(candle.volume),
            "isFinal": str(candle.is_final).lower(),
        },
    )


def _number(text: str) -> Decimal | None:
    return None if text == r"\N" else Decimal(text)
