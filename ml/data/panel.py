"""Daily candles of many tokens on one calendar: an immutable snapshot, named by the SHA-256 of its content.

The same panel is made of the feature mart and of a folder of candle files, so a backtest of files and a training on
the database run through the same code. A day without a real, final candle is NaN in all five columns; nothing is
filled in here.
"""

import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from psycopg import Connection

from coinsphere.clock import start_of_day
from ml.errors import BadHistory, TooLittleHistory

Floats = NDArray[np.float64]
Days = NDArray[np.datetime64]

FIRST_DAY = date(2018, 1, 1)
"""Before it too few tokens were traded for anything to be learned from all of them at once."""

SERVING_DAYS = 1095
"""Days that a forecast is computed from: of anything older, less than a fiftieth of a thousandth is left in an input."""

COLUMNS = ("open", "high", "low", "close", "volume")
_FORMAT = b"coinsphere-panel-1"
_SIMULATED = "simulated"

_CANDLES = """
    select t.symbol, t.id, f.price_date, p.open, p.high, p.low, f.close, p.volume, p.source
    from marts.ml_features_daily f
    join market.tokens t on t.id = f.token_id
    join market.adjusted_candles p
      on p.token_id = f.token_id and p.interval = '1d'
     and p.opened_at = f.price_date::timestamp at time zone 'UTC'
    where t.is_active and f.is_final and not f.is_filled and p.is_final and f.price_date >= %(first)s
      and not exists (
          select from market.set_aside s where s.token_id = t.id and s.scope = 'token' and s.state = 'held'
      )
      and (%(symbols)s::text[] is null or t.symbol = any(%(symbols)s))
    order by t.symbol, t.id, f.price_date
"""


@dataclass(frozen=True, slots=True)
class Belief:
    """What was believed of a token's day at the close of the days from `first` to the one before `end`, and is no more.

    `candle` is NaN where the day was believed to have none.
    """

    symbol: str
    day: date
    candle: Sequence[float]
    first: date
    end: date

    def is_held_on(self, day: date) -> bool:
        """Whether it was believed at the close of `day`."""
        return self.day <= day and self.first <= day < self.end


@dataclass(frozen=True, slots=True)
class Panel:
    """Candles of all tokens, shape [tokens, days, COLUMNS]; build it by one of this module's functions.

    `notes` say what was left out and why, `beliefs` what was corrected since; neither is part of the digest.
    """

    symbols: tuple[str, ...]
    days: Days = field(repr=False)
    candles: Floats = field(repr=False)
    price_source: str
    location: str
    digest: str = ""
    token_ids: tuple[UUID, ...] = field(default=(), repr=False)
    notes: tuple[str, ...] = field(default=(), repr=False)
    beliefs: tuple[Belief, ...] = field(default=(), repr=False)

    @property
    def closes(self) -> Floats:
        """Closes in US dollars, NaN where the day is unknown, shape [tokens, days]."""
        return self.candles[:, :, COLUMNS.index("close")]

    @property
    def rows(self) -> int:
        """How many days of all tokens are known."""
        return int(np.isfinite(self.closes).sum())

    @property
    def corrected(self) -> int:
        """How many days of all tokens were believed to be something else once, at the close of a day."""
        return len({(each.symbol, each.day) for each in self.beliefs})

    @property
    def first_day(self) -> date:
        """The first day."""
        return as_date(self.days[0])

    @property
    def last_day(self) -> date:
        """The last day."""
        return as_date(self.days[-1])

    @property
    def data_cutoff(self) -> datetime:
        """The close of the last day: nothing later is known to what is made of the panel."""
        return self.closed_at(len(self.days) - 1)

    def closed_at(self, position: int) -> datetime:
        """When the day at a position closed."""
        return start_of_day(as_date(self.days[position]) + timedelta(days=1))

    def index(self, day: date) -> int:
        """The position of the first day that is not before `day`."""
        return int(np.searchsorted(self.days, np.datetime64(day, "D")))

    def until(self, day: date) -> "Panel":
        """The panel as it was known at the close of `day`."""
        end = self.index(day + timedelta(days=1))
        return _sealed(replace(self, days=self.days[:end], candles=self.candles[:, :end]))

    def only(self, symbols: Iterable[str]) -> "Panel":
        """The panel of these tokens alone.

        Raises:
            LookupError: one of them is not in it.
        """
        chosen = sorted(set(symbols))
        unknown = [symbol for symbol in chosen if symbol not in self.symbols]
        if unknown:
            raise LookupError(f"no candles of {', '.join(unknown)}")
        at = [self.symbols.index(symbol) for symbol in chosen]
        ids = tuple(self.token_ids[place] for place in at) if self.token_ids else ()
        beliefs = tuple(each for each in self.beliefs if each.symbol in chosen)
        return _sealed(
            replace(
                self,
                symbols=tuple(chosen),
                candles=self.candles[at],
                token_ids=ids,
                beliefs=beliefs,
            )
        )

    def believed_on(self, day: date) -> "Panel":
        """The panel with what was believed at the close of `day`; itself where nothing was corrected since."""
        undone = [each for each in self.beliefs if each.is_held_on(day)]
        if not undone:
            return self
        candles = self.candles.copy()
        for each in undone:
            candles[self.symbols.index(each.symbol), self.index(each.day)] = each.candle
        return resealed(self, candles)

    def npz(self) -> bytes:
        """The snapshot as a compressed archive of arrays. `from_npz` of it gives the same digest."""
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            symbols=np.array(self.symbols),
            token_ids=np.array([str(token_id) for token_id in self.token_ids]),
            days=self.days.astype("<i8"),
            candles=self.candles,
            source=np.array([self.price_source, self.location]),
        )
        return buffer.getvalue()


def from_npz(content: bytes) -> Panel:
    """The panel that `npz` wrote.

    Raises:
        BadHistory: the content is no such archive.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            source, location = (str(text) for text in arrays["source"])
            return _sealed(
                Panel(
                    symbols=tuple(str(symbol) for symbol in arrays["symbols"]),
                    days=arrays["days"].astype("datetime64[D]"),
                    candles=arrays["candles"].astype(np.float64),
                    price_source=source,
                    location=location,
                    token_ids=tuple(UUID(str(token_id)) for token_id in arrays["token_ids"]),
                )
            )
    except (ValueError, KeyError, OSError) as error:
        raise BadHistory(f"the stored snapshot cannot be read: {error}") from error


def from_rows(
    rows: Mapping[str, Mapping[date, Sequence[float]]],
    *,
    price_source: str,
    location: str,
    token_ids: Mapping[str, UUID] | None = None,
    notes: Iterable[str] = (),
) -> Panel:
    """A panel of candles by symbol and day; each candle is open, high, low, close, volume, an unknown volume NaN.

    Raises:
        TooLittleHistory: there is no candle.
        BadHistory: a price is not a positive finite number.
    """
    known = {symbol: days for symbol, days in sorted(rows.items()) if days}
    if not known:
        raise TooLittleHistory(f"{location} has no daily candles")
    first = np.datetime64(min(min(days) for days in known.values()), "D")
    last = np.datetime64(max(max(days) for days in known.values()), "D")
    calendar = np.arange(first, last + 1)
    candles = np.full((len(known), len(calendar), len(COLUMNS)), np.nan)
    for place, (symbol, days) in enumerate(known.items()):
        at = (np.array(list(days), dtype="datetime64[D]") - first).astype(np.int64)
        candles[place, at] = _checked(symbol, np.array(list(days.values()), dtype=np.float64))
    ids = tuple(token_ids[symbol] for symbol in known) if token_ids else ()
    return _sealed(
        Panel(tuple(known), calendar, candles, price_source, location, "", ids, tuple(notes))
    )


def from_mart(
    conn: Connection, symbols: Sequence[str] | None = None, *, first: date = FIRST_DAY
) -> Panel:
    """The real, final days of `marts.ml_features_daily` with their candles; of equal symbols the first id is taken.

    Args:
        conn: of the pipeline or the API.
        symbols: the tokens to read; None reads all.
        first: earlier days are left out.

    Raises:
        TooLittleHistory: there is none.
        BadHistory: simulated candles lie among real ones.
    """
    wanted = None if symbols is None else list(symbols)
    candle_rows = conn.execute(_CANDLES, {"first": first, "symbols": wanted}).fetchall()
    rows: dict[str, dict[date, Sequence[float]]] = {}
    ids: dict[str, UUID] = {}
    sources: set[str] = set()
    for symbol, token_id, day, *prices, source in candle_rows:
        if ids.setdefault(symbol, token_id) == token_id:
            rows.setdefault(symbol, {})[day] = [_float(price) for price in prices]
            sources.add(_kind(source))
    if _SIMULATED in sources and len(sources) > 1:
        raise BadHistory(f"simulated candles lie among real ones: {sorted(sources)}")
    return from_rows(
        rows,
        price_source="+".join(sorted(sources)),
        location="marts.ml_features_daily",
        token_ids=ids,
    )


def recent(conn: Connection, now: datetime) -> Panel:
    """The panel that forecasts are computed from: the last `SERVING_DAYS` days.

    Raises:
        TooLittleHistory: the mart has no final day among them.
    """
    return from_mart(conn, first=(now - timedelta(days=SERVING_DAYS)).date())


def as_date(day: np.datetime64) -> date:
    """A day as Python has it."""
    result: date = day.astype("datetime64[D]").astype(object)
    return result


def resealed(panel: Panel, candles: Floats) -> Panel:
    """The panel with other candles, under the digest of those."""
    return _sealed(replace(panel, candles=candles))


def _sealed(raw: Panel) -> Panel:
    """The panel with arrays that nobody can write to, under their digest."""
    days, candles = raw.days.astype("datetime64[D]"), np.ascontiguousarray(raw.candles)
    days.setflags(write=False)
    candles.setflags(write=False)
    digest = digest_of(raw.symbols, days, candles, raw.price_source)
    return replace(raw, days=days, candles=candles, digest=digest)


def digest_of(symbols: Sequence[str], days: Days, candles: Floats, price_source: str) -> str:
    """SHA-256 over the symbols and the source, then days since 1970 and candles, little-endian, 8 bytes each."""
    hasher = hashlib.sha256()
    for text in (_FORMAT, *(symbol.encode() for symbol in symbols), price_source.encode()):
        hasher.update(text + b"\0")
    hasher.update(len(days).to_bytes(8, "little"))
    hasher.update(days.astype("<i8").tobytes())
    # NaN has many bit patterns, and an unknown day must not depend on which of them was written.
    hasher.update(np.where(np.isnan(candles), np.nan, candles).astype("<f8").tobytes())
    return hasher.hexdigest()


def _checked(symbol: str, candles: Floats) -> Floats:
    prices = candles[:, :4]
    if not (np.isfinite(prices) & (prices > 0)).all():
        raise BadHistory(f"{symbol} has a price that is not a positive finite number")
    return candles


def _float(value: object) -> float:
    return float("nan") if value is None else float(value)  # type: ignore[arg-type]  # a Decimal


def _kind(source: str) -> str:
    """A file's name is no source of its own: all files are one."""
    return source.split(":", 1)[0]
