"""Candles into `market.price_data`: checked, quarantined where wrong, and written only where something changed.

One way in for every source. A load streams: it holds one batch at a time, sends it by COPY into a temporary table
and moves it on by one upsert. A load is one transaction (a savepoint where the caller has one open), so a loader
that dies leaves nothing half-written.
"""

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from psycopg import Connection, Cursor

from coinsphere.clock import Clock, utc_now
from coinsphere.market import origin as origins
from coinsphere.market import quarantine, validation
from coinsphere.market.model import Candle, Loaded
from coinsphere.market.quarantine import Rejected

BATCH = 20_000
"""Candles held at a time, about 5 MB."""

_STAGE = """
    create temporary table if not exists candle_batch (
        token_id uuid, interval text, opened_at timestamptz,
        open numeric, high numeric, low numeric, close numeric, volume numeric,
        source text, is_final boolean, observed_at timestamptz
    ) on commit drop
"""
_EMPTY = "truncate candle_batch"
_COPY = "copy candle_batch from stdin"
_PARTITIONS = "select market.ensure_price_partitions(%(first)s, %(last)s)"
# A final candle is never replaced by an unfinished one, and an unchanged one is not written at all.
_UPSERT = """
    insert into market.price_data as stored
        (token_id, interval, opened_at, open, high, low, close, volume, source, is_final, observed_at)
    select token_id, interval, opened_at, open, high, low, close, volume, source, is_final, observed_at
    from candle_batch
    on conflict (token_id, interval, opened_at) do update set
        open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close,
        volume = excluded.volume, source = excluded.source, is_final = excluded.is_final,
        observed_at = excluded.observed_at, ingested_at = now(), quality = 'ok'
    where (excluded.is_final or not stored.is_final)
        and (stored.open, stored.high, stored.low, stored.close, stored.volume, stored.is_final)
            is distinct from
            (excluded.open, excluded.high, excluded.low, excluded.close, excluded.volume, excluded.is_final)
"""


def load(conn: Connection, candles: Iterable[Candle], clock: Clock = utc_now) -> Loaded:
    """Store `candles`; those that cannot be true go to the quarantine instead.

    Args:
        conn: a connection; the load is a transaction of its own within the caller's.
        candles: any iterable, in any order; consumed once, one batch in memory.
        clock: tells which candles lie in the future.

    Raises:
        ConfigurationError: the rows may not share a database with what is there, see `origin.refuse_mix`.
    """
    with conn.transaction(), conn.cursor() as cursor:
        cursor.execute(_STAGE)
        batch = _Batch(cursor, origins.get(conn), clock())
        for candle in candles:
            batch.add(candle)
            if batch.size >= BATCH:
                batch.flush()
        batch.flush()
        return Loaded(batch.received, batch.written, batch.quarantined)


_MONTH = slice(-25, -18)
"""Where the month stands in the key of a line: it ends in an instant like 2024-01-01T00:00:00+00:00."""
_NUMBERS = slice(1, 6)
_FINAL = 7


class _Batch:
    """Candles on their way into the temporary table, as lines of COPY's text format."""

    def __init__(self, cursor: Cursor, origin: origins.Origin | None, now: datetime) -> None:
        self._cursor, self._origin, self._now = cursor, origin, now
        self._lines: dict[str, str] = {}
        self._rejected: list[Rejected] = []
        self._months: set[str] = set()
        self._seen_source: str | None = None
        self._source = ""
        self._seen_token: object = None
        self._token = ""
        self._seen_observed: datetime | None = None
        self._observed = ""
        self.received = self.written = self.quarantined = 0

    @property
    def size(self) -> int:
        return len(self._lines) + len(self._rejected)

    def add(self, candle: Candle) -> None:
        """Take one candle; what repeats from row to row is turned into text once."""
        self.received += 1
        if candle.source is not self._seen_source:
            self._take_source(candle.source)
        if candle.token_id is not self._seen_token:
            self._seen_token, self._token = candle.token_id, str(candle.token_id)
        if candle.observed_at is not self._seen_observed:
            self._seen_observed, self._observed = (
                candle.observed_at,
                candle.observed_at.isoformat(),
            )
        fault = validation.candle_fault(candle, self._now)
        if fault is not None:
            self._reject(candle, fault)
            return
        volume = r"\N" if candle.volume is None else candle.volume
        key = f"{self._token}\t{candle.interval}\t{candle.opened_at.isoformat()}"
        line = (
            f"\t{candle.open}\t{candle.high}\t{candle.low}\t{candle.close}\t{volume}\t{self._source}"
            f"\t{'t' if candle.is_final else 'f'}\t{self._observed}\n"
        )
        if self._lines.setdefault(key, line) is not line:
            self._repeated(candle, key, line)

    def flush(self) -> None:
        """Write what is held."""
        if self._lines:
            self._ensure_partitions()
            self._cursor.execute(_EMPTY)
            with self._cursor.copy(_COPY) as copy:
                copy.write("".join([key + line for key, line in self._lines.items()]))
            self.written += self._cursor.execute(_UPSERT).rowcount
            self._lines.clear()
        if self._rejected:
            quarantine.store(self._cursor.connection, self._rejected)
            self._rejected.clear()

    def _take_source(self, source: str) -> None:
        origins.refuse_mix(self._origin, source)
        self._seen_source = source
        escaped = source.replace("\\", r"\\").replace("\t", r"\t")
        self._source = escaped.replace("\n", r"\n").replace("\r", r"\r")

    def _ensure_partitions(self) -> None:
        """Make the months that are missing; known ones cost nothing, so that loaders do not wait for each other."""
        missing = {key[_MONTH] for key in self._lines} - self._months
        if missing:
            first, last = min(missing), max(missing)
            self._cursor.execute(_PARTITIONS, {"first": f"{first}-01", "last": f"{last}-01"})
            self._months |= missing

    def _reject(self, candle: Candle, reason: str) -> None:
        self.quarantined += 1
        self._rejected.append(rejected(candle, reason))

    def _repeated(self, candle: Candle, key: str, line: str) -> None:
        """Handle a second candle of the same token, interval and start within a batch."""
        held = self._lines[key].split("\t")
        again = line.split("\t")
        if held[_FINAL] == "f" and again[_FINAL] == "t":
            self._lines[key] = line
        elif held[_FINAL] == again[_FINAL] and not _same(held[_NUMBERS], again[_NUMBERS]):
            self._reject(candle, "a candle of the same start says something else")


def rejected(candle: Candle, reason: str) -> Rejected:
    """`candle` as a row of the quarantine."""
    return Rejected(
        candle.token_id,
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


def _same(first: list[str], second: list[str]) -> bool:
    """Whether two lines hold the same numbers, however many zeros they are written with."""
    return [_number(text) for text in first] == [_number(text) for text in second]


def _number(text: str) -> Decimal | None:
    return None if text == r"\N" else Decimal(text)
