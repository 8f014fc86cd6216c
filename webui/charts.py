"""Pictures of numbers, drawn here as SVG paths: they are there without any script. Pixels alone are floats."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from webapi.predictions.indicator_queries import Bands
from webapi.tokens.history import Point

_WIDTH, _HEIGHT = 720.0, 300.0
_TOP, _BOTTOM, _RIGHT = 14.0, 30.0, 78.0
_TICKS = 4
_ROOM = 0.06

Spot = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Tick:
    """A line of the grid: where it lies, and the price that it stands for."""

    y: float
    price: Decimal


@dataclass(frozen=True, slots=True)
class FanPicture:
    """The past as a line, what is to come as two bands; in a box of `width` by `height` pixels."""

    width: float
    height: float
    now_x: float
    end_x: float
    past: str
    band95: str
    band80: str
    median: str
    ticks: tuple[Tick, ...]
    first_at: datetime
    origin_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class Range:
    """Bounds of a value at one horizon, as a forecast gives them."""

    days: int
    target_at: datetime
    lower95: Decimal
    lower80: Decimal
    median: Decimal
    upper80: Decimal
    upper95: Decimal


def fan(past: Sequence[tuple[datetime, Decimal]], points: Sequence[Range]) -> FanPicture | None:
    """The chart of a forecast's fan behind past values, oldest first; None with fewer than two of them."""
    if len(past) < 2:  # noqa: PLR2004 - a line has two ends
        return None
    end_x = _WIDTH - _RIGHT
    prices = [float(price) for _, price in past]
    lows = [float(each.lower95) for each in points]
    highs = [float(each.upper95) for each in points]
    scale = _Scale.over([*prices, *lows, *highs])
    begun, origin, last = past[0][0], past[-1][0], points[-1].target_at

    def x(at: datetime) -> float:
        return (at - begun) / (last - begun) * end_x

    line = [(x(at), scale.y(float(price))) for at, price in past]
    xs = [x(origin), *(x(each.target_at) for each in points)]
    start = line[-1][1]

    def edge(name: str) -> list[Spot]:
        levels = [scale.y(float(getattr(each, name))) for each in points]
        return list(zip(xs, [start, *levels], strict=True))

    return FanPicture(
        _WIDTH, _HEIGHT, round(x(origin), 1), end_x,
        _path(line),
        _band(edge("upper95"), edge("lower95")),
        _band(edge("upper80"), edge("lower80")),
        _path(edge("median")),
        scale.ticks(), begun, origin, last,
    )  # fmt: skip


def sparkline(values: Sequence[Decimal], width: int = 96, height: int = 28) -> str:
    """A line of values, oldest first, in a box of that size; empty without two of them."""
    if len(values) < 2:  # noqa: PLR2004 - a line has two ends
        return ""
    numbers = [float(value) for value in values]
    low, span = min(numbers), (max(numbers) - min(numbers)) or 1.0
    step = width / (len(numbers) - 1)
    return _path(
        [
            (index * step, 2 + (height - 4) * (1 - (value - low) / span))
            for index, value in enumerate(numbers)
        ]
    )


@dataclass(frozen=True, slots=True)
class _Scale:
    """From prices to pixels."""

    low: float
    high: float

    @classmethod
    def over(cls, values: Sequence[float]) -> "_Scale":
        low, high = min(values), max(values)
        room = (high - low or abs(high) or 1.0) * _ROOM
        return cls(max(low - room, 0.0), high + room)

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return _HEIGHT - _BOTTOM - share * (_HEIGHT - _BOTTOM - _TOP)

    def ticks(self) -> tuple[Tick, ...]:
        """Round prices, about so many as `_TICKS`."""
        step = _round_step((self.high - self.low) / _TICKS)
        first = math.ceil(self.low / step)
        last = math.floor(self.high / step)
        return tuple(
            Tick(round(self.y(index * step), 1), Decimal(f"{index * step:.6g}"))
            for index in range(first, last + 1)
        )


def _round_step(raw: float) -> float:
    power = float(10 ** math.floor(math.log10(raw)))
    return next(power * each for each in (1, 2, 2.5, 5, 10) if power * each >= raw)


def _path(spots: Sequence[Spot]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in spots)


def _band(upper: Sequence[Spot], lower: Sequence[Spot]) -> str:
    return _path([*upper, *reversed(lower)]) + "Z"


_ROWS = 40
"""Of a table beside a chart, at most."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the table beside a chart: an instant and its values."""

    at: datetime
    values: tuple[Decimal | None, ...]


@dataclass(frozen=True, slots=True)
class Series:
    """What a script draws: instants and one or more lines of values; and the rows of the table beside it."""

    times: str
    lines: tuple[str, ...]
    rows: tuple[Row, ...]

    @classmethod
    def of(cls, rows: Sequence[Row]) -> "Series":
        """Of rows, oldest first."""
        width = len(rows[0].values) if rows else 0
        lines = tuple(" ".join(_short(row.values[index]) for row in rows) for index in range(width))
        times = " ".join(str(int(row.at.timestamp())) for row in rows)
        return cls(times, lines, tuple(_thinned(rows)))

    @classmethod
    def of_candles(cls, points: Sequence[Point], bands: Mapping[date, Bands]) -> "Series":
        """Open, high, low, close, volume of candles, and the upper, middle and lower band of each day; the table has these."""
        return cls.of([_candle(each, bands.get(each.opened_at.date())) for each in points])


def filled(points: Sequence[Point]) -> str:
    """The indices of candles that were filled, not traded."""
    return " ".join(str(index) for index, each in enumerate(points) if each.is_filled)


def _candle(point: Point, band: Bands | None) -> Row:
    numbers = (None, None, None) if band is None else (band.upper, band.middle, band.lower)
    bands = tuple(None if each is None else Decimal(f"{each:.8g}") for each in numbers)
    return Row(
        point.opened_at, (point.open, point.high, point.low, point.close, point.volume, *bands)
    )


def _short(value: Decimal | None) -> str:
    """Enough digits for a picture, without an exponent; a dash where there is no value."""
    return "-" if value is None else f"{Decimal(f'{value:.7g}'):f}"


def _thinned(rows: Sequence[Row]) -> list[Row]:
    """The newest row, and so many before it in even steps that `_ROWS` are not exceeded; newest first."""
    step = max(1, math.ceil(len(rows) / _ROWS))
    return list(rows[::-1][::step])
