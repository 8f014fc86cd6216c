"""Instants as exchanges write them: milliseconds since 1970."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def from_milliseconds(number: float | str) -> datetime:
    """The instant, exactly.

    Raises:
        ValueError: `number` is none.
        OverflowError: it lies outside every calendar.
    """
    return _EPOCH + timedelta(milliseconds=int(number))


def to_milliseconds(moment: datetime) -> int:
    """Milliseconds since 1970, rounded down."""
    return (moment - _EPOCH) // _MILLISECOND
