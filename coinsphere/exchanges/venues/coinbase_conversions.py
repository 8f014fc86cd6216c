"""Conversions at Coinbase: matches their two halves, which stand in two wallets' lists, by id, or by time and sign."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple, TypeVar

from coinsphere.exchanges.venues.rows import NONSENSE, number

_T = TypeVar("_T")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NEAR = timedelta(seconds=5)
"""How far the two rows of a conversion lie apart, each in the list of its own wallet."""


class Half(NamedTuple):
    """The readable part of one half of a conversion; `told` is the conversion's id."""

    kind: str
    told: str | None
    at: datetime | None
    change: Decimal | None


def half_of(row: dict[str, Any]) -> Half:
    """The row as a half, as far as it can be read."""
    more = row.get(str(row["type"]))
    told = more.get("id") if isinstance(more, dict) else None
    return Half(
        str(row["type"]),
        str(told) if told else None,
        or_none(lambda: moment(row)),
        or_none(lambda: number(row["amount"]["amount"])),
    )


def pairs(halves: Mapping[str, Half]) -> list[list[str]]:
    """Pairs the halves of conversions: by id where the exchange gives it, else by time and sign."""
    found: dict[str, list[str]] = {}
    for name in sorted(halves, key=lambda each: (halves[each].at or _EPOCH, each)):
        half = halves[name]
        others = (
            key for key, names in found.items() if _completes(half, [halves[n] for n in names])
        )
        key = f"id {half.told}" if half.told else next(others, name)
        found.setdefault(key, []).append(name)
    return list(found.values())


def _completes(half: Half, others: list[Half]) -> bool:
    """Whether one half completes another; one without a readable amount may have any sign."""
    one, *more = others
    if more or half.kind != one.kind or half.at is None or one.at is None:
        return False
    is_near = abs(half.at - one.at) <= _NEAR
    if half.change is None or one.change is None:
        return is_near
    return is_near and (half.change > 0) != (one.change > 0)


def moment(row: dict[str, Any]) -> datetime:
    """The instant of the row.

    Raises:
        NONSENSE: it does not tell.
    """
    return datetime.fromisoformat(row["created_at"]).astimezone(UTC)


def or_none(value: Callable[[], _T]) -> _T | None:
    """The value; None where a row makes no sense."""
    try:
        return value()
    except NONSENSE:
        return None
