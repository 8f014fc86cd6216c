"""Training sets: immutable snapshots of daily closes, named by the SHA-256 of their content.

Days need not be contiguous: a day without a real, final candle is simply absent. `TrainingSet.calendar` lays the
closes on a gapless calendar and says which days are known, and `ml.data.windows` decides what may rest on a gap.
"""

import csv
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from coinsphere.clock import start_of_day
from coinsphere.market.model import Token
from ml.errors import BadHistory, TooLittleHistory

Days = NDArray[np.datetime64]
Closes = NDArray[np.float64]

_FEATURES = """
    select f.price_date, f.close
    from marts.ml_features_daily f
    where f.token_id = %(token_id)s and f.is_final and not f.is_filled
      and f.price_date > (
          select max(price_date) from marts.ml_features_daily where token_id = %(token_id)s and is_final
      ) - %(days)s::integer
    order by f.price_date
"""
_SOURCES = """
    select string_agg(distinct source, '+' order by source)
    from market.adjusted_candles
    where token_id = %(token_id)s and interval = '1d' and is_final
      and opened_at >= %(first)s and opened_at < %(end)s
"""
_CLOSES_AT = """
    select wanted.token_id, f.close
    from unnest(%(token_ids)s::uuid[], %(origins)s::timestamptz[]) as wanted (token_id, origin_at)
    join marts.ml_features_daily f
      on f.token_id = wanted.token_id and f.close_at = wanted.origin_at and f.is_final and not f.is_filled
"""
_CLOSE_ON = """
    select close from marts.ml_features_daily where token_id = %(token_id)s and price_date = %(day)s
"""


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Daily closes of one token in US dollars, ascending by day. Build it by one of this module's functions."""

    token: Token
    days: Days = field(repr=False)
    closes: Closes = field(repr=False)
    price_source: str
    location: str
    digest: str

    @property
    def first_day(self) -> date:
        """The first day."""
        return _date(self.days[0])

    @property
    def last_day(self) -> date:
        """The last day."""
        return _date(self.days[-1])

    @property
    def data_cutoff(self) -> datetime:
        """The close of the last day: nothing later is known to what is made of the set."""
        return start_of_day(self.last_day + timedelta(days=1))

    @property
    def rows(self) -> int:
        """How many days are known."""
        return len(self.days)

    def calendar(self) -> tuple[Closes, NDArray[np.bool_]]:
        """Closes on every day from the first to the last, and which are known; a gap repeats the last known close."""
        return on_calendar(self.days, self.closes)

    def csv(self) -> str:
        """The snapshot as text. `from_csv` of it gives the same digest: a float is written so that it reads back."""
        rows = zip(self.days.astype(str), self.closes, strict=True)
        return "date,close\n" + "".join(f"{day},{close!r}\n" for day, close in _native(rows))


def on_calendar(days: Days, closes: Closes) -> tuple[Closes, NDArray[np.bool_]]:
    """Closes laid on a gapless calendar, shape [last - first + 1], and which of them are known."""
    position = (days - days[0]).astype(np.int64)
    known = np.zeros(position[-1] + 1, dtype=bool)
    known[position] = True
    return closes[np.cumsum(known) - 1], known


def from_closes(
    token: Token, days: Iterable[date], closes: Iterable[float], *, price_source: str, location: str
) -> TrainingSet:
    """A training set of these days.

    Raises:
        TooLittleHistory: there is no day.
        BadHistory: a close is not a positive finite number, or days do not ascend.
    """
    day_array = np.array(list(days), dtype="datetime64[D]")
    close_array = np.array(list(closes), dtype=np.float64)
    _check(token, day_array, close_array)
    day_array.setflags(write=False)
    close_array.setflags(write=False)
    digest = digest_of(token, day_array, close_array, price_source)
    return TrainingSet(token, day_array, close_array, price_source, location, digest)


def digest_of(token: Token, days: Days, closes: Closes, price_source: str) -> str:
    """SHA-256 over the token's id, the source, then days since 1970 and closes, both little-endian and 8 bytes wide."""
    hasher = hashlib.sha256()
    for text in ("coinsphere-training-set-1", str(token.id), price_source):
        hasher.update(text.encode() + b"\0")
    hasher.update(len(days).to_bytes(8, "little"))
    hasher.update(days.astype("datetime64[D]").astype("<i8").tobytes())
    hasher.update(closes.astype("<f8").tobytes())
    return hasher.hexdigest()


def load(conn: Connection, token: Token, days: int) -> TrainingSet:
    """The real, final days among the last `days` of `marts.ml_features_daily`.

    Raises:
        TooLittleHistory: there is none.
        BadHistory: a close is not a positive finite number.
    """
    rows = conn.execute(_FEATURES, {"token_id": token.id, "days": days}).fetchall()
    if not rows:
        raise TooLittleHistory(f"{token.symbol} has no final daily close")
    window = {"token_id": token.id, "first": start_of_day(rows[0][0]), "end": _end(rows[-1][0])}
    source = conn.execute(_SOURCES, window).fetchone()
    return from_closes(
        token,
        [row[0] for row in rows],
        [float(row[1]) for row in rows],
        price_source=(source and source[0]) or "unknown",
        location="marts.ml_features_daily",
    )


def close_on(conn: Connection, token: Token, day: date) -> Decimal:
    """The exact close of a day.

    Raises:
        LookupError: the mart has no such day.
    """
    row = conn.execute(_CLOSE_ON, {"token_id": token.id, "day": day}).fetchone()
    if row is None:
        raise LookupError(f"{token.symbol} has no close on {day}")
    return Decimal(row[0])


def closes_at(conn: Connection, origins: Mapping[UUID, datetime]) -> dict[UUID, Decimal]:
    """The exact close of each token at the end of its day; a token whose mart has no such day is absent."""
    parameters = {"token_ids": list(origins), "origins": list(origins.values())}
    return dict(conn.execute(_CLOSES_AT, parameters).fetchall())


def from_csv(
    token: Token, text: str, *, price_source: str, location: str, days: int | None = None
) -> TrainingSet:
    """A training set from CSV text with the columns `date` and `close`.

    Raises:
        BadHistory: a column is missing, or a value is unusable.
        TooLittleHistory: there is no row.
    """
    try:
        rows = [
            (date.fromisoformat(row["date"]), float(row["close"]))
            for row in csv.DictReader(text.splitlines())
        ]
    except (KeyError, ValueError, TypeError) as error:
        raise BadHistory(f"{location}: {error}") from error
    if days is not None and rows:
        rows = [row for row in rows if row[0] > rows[-1][0] - timedelta(days=days)]
    return from_closes(
        token,
        [row[0] for row in rows],
        [row[1] for row in rows],
        price_source=price_source,
        location=location,
    )


def _check(token: Token, days: Days, closes: Closes) -> None:
    if not len(days):
        raise TooLittleHistory(f"{token.symbol} has no daily close")
    if days.shape != closes.shape:
        raise BadHistory(f"{token.symbol}: {len(days)} days but {len(closes)} closes")
    if not (np.isfinite(closes).all() and (closes > 0).all()):
        raise BadHistory(f"{token.symbol}: a close is not a positive finite number")
    if not (np.diff(days) > np.timedelta64(0, "D")).all():
        raise BadHistory(f"{token.symbol}: days do not ascend")


def _native(rows: Iterable[tuple[np.str_, np.float64]]) -> Iterable[tuple[str, float]]:
    return ((str(day), float(close)) for day, close in rows)


def _date(day: np.datetime64) -> date:
    return date.fromisoformat(str(day))


def _end(day: date) -> datetime:
    return start_of_day(day + timedelta(days=1))
