"""A heat map of the market's data: tokens and venues by day, in one measure at a time. Pure, but for words."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from coinsphere.market.quality.health import TokenDay, VenueDay
from webapi.admin.data.health import DataHealth

Day = TokenDay | VenueDay


class Measure(StrEnum):
    """What is looked at."""

    COMPLETENESS = "completeness"
    FRESHNESS = "freshness"
    DISAGREEMENT = "disagreement"
    QUARANTINE = "quarantine"
    REVISIONS = "revisions"


class _Scale(NamedTuple):
    """Where a measure's value comes from, and how far from its best it may be at each level but the worst."""

    value: Callable[[Day], float | None]
    best: float
    levels: tuple[float, ...]


def _disagreement(day: Day) -> float | None:
    return None if day.disagreement is None else float(day.disagreement)


def _minutes(day: Day) -> float | None:
    return None if day.age is None else day.age / 60


def _percent(day: Day) -> float | None:
    return None if day.completeness is None else day.completeness * 100


# Basis points and minutes are the limits of the consensus: what venues usually differ by, what is stale, and for how long
# a rate lasts. docs/guides/data-quality.md has them.
_SCALES: Mapping[Measure, _Scale] = {
    Measure.COMPLETENESS: _Scale(_percent, 100, (0, 5, 10, 50)),
    Measure.FRESHNESS: _Scale(_minutes, 0, (1.5, 10, 60, 360)),
    Measure.DISAGREEMENT: _Scale(_disagreement, 0, (12, 30, 50, 300)),
    Measure.QUARANTINE: _Scale(lambda day: day.quarantined, 0, (0, 1, 5, 25)),
    Measure.REVISIONS: _Scale(lambda day: day.revisions, 0, (0, 1, 5, 25)),
}


@dataclass(frozen=True, slots=True)
class Cell:
    """A day's value, None where nothing is known, and its level: 0 is good, 4 is bad."""

    day: date
    value: float | None
    level: int | None


@dataclass(frozen=True, slots=True)
class Row:
    """A token or a venue, its newest day first."""

    name: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class HeatMap:
    """Days, newest first, and the rows of tokens and of venues."""

    days: tuple[date, ...]
    tokens: tuple[Row, ...]
    venues: tuple[Row, ...]


def drawn(health: DataHealth, measure: Measure) -> HeatMap:
    """The heat map of a measure."""
    tokens = tuple(_row(each.symbol, each.days, measure) for each in health.tokens)
    venues = tuple(_row(each.venue, each.days, measure) for each in health.venues)
    days = [cell.day for cell in tokens[0].cells] if tokens else []
    return HeatMap(tuple(days), tokens, venues)


def level(measure: Measure, value: float | None) -> int | None:
    """How bad a value is, 0 to 4; None where there is none."""
    if value is None:
        return None
    scale = _SCALES[measure]
    away = abs(value - scale.best)
    return sum(away > bound for bound in scale.levels)


def _row(name: str, days: Sequence[Day], measure: Measure) -> Row:
    read = _SCALES[measure].value
    values = [(each.day, read(each)) for each in reversed(days)]
    return Row(name, tuple(Cell(day, value, level(measure, value)) for day, value in values))
