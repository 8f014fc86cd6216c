"""JSON of the wire: exact decimals as number literals, instants in UTC with `Z`. No other module encodes or decodes it.

msgspec does the work. Two things it cannot be told: `str(Decimal("0.00000001"))` is `1E-8`, and a stored
`60000.000000000000000000` says no more than `60000`. So numbers are written here and handed over as raw literals.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import Any
from uuid import UUID

import msgspec
from flask.json.provider import JSONProvider
from pydantic import BaseModel

from coinsphere.clock import iso
from coinsphere.parsing.decimals import plain, read
from coinsphere.parsing.untrusted_json import LEVELS, outline, refuse_repeated, require_shallow

MAX_VALUES = 50_000
"""Members and items of a text: a thousand items, the most of a request, of 50 members each."""
MAX_NUMBER_LENGTH = 64
"""Characters of a number on input: numeric(38, 18) needs 40, an exponent a few more."""

INTEGER_DIGITS = 20
FRACTION_DIGITS = 18
"""What PostgreSQL's numeric(38, 18) holds; more is refused, as storing it would round."""
_REMEMBERED = 1_024
"""Texts of numbers that are kept: those of the tokens, and few of a long export."""

_AS_IT_IS = frozenset((str, int, bool, type(None), UUID, date, msgspec.Raw))
"""Types that msgspec writes as we want them. Looked up by type, most leaves of an answer cost no call."""

_LONG_NUMBER = re.compile(rb"[-+.0-9eE]{%d}" % (MAX_NUMBER_LENGTH + 1))

_decoder = msgspec.json.Decoder(float_hook=Decimal)
_encoder = msgspec.json.Encoder()


def number(value: object) -> Decimal:
    """Reads a number of an input from its literal text, never through a float.

    Args:
        value: what `loads` gives for a JSON number or a string that holds one.

    Raises:
        ValueError: it is not a finite number, or numeric(38, 18) cannot hold it exactly.
    """
    if isinstance(value, bool) or not isinstance(value, Decimal | int | str):
        raise ValueError("must be a number or a string that holds one")  # noqa: TRY004 - pydantic reports a ValueError, and lets a TypeError through
    if not isinstance(value, str):
        return _checked(Decimal(value))
    if len(value) > MAX_NUMBER_LENGTH:
        raise ValueError("is not a number")
    try:
        parsed = read(value)
    except ValueError:
        raise ValueError("is not a number") from None
    return _checked(parsed)


def _checked(parsed: Decimal) -> Decimal:
    if not parsed.is_finite():
        raise ValueError("must be finite")
    if not parsed:
        return Decimal(0)
    # Bounds first: 1e999999999 written out would fill the memory.
    if parsed.adjusted() >= INTEGER_DIGITS:
        raise ValueError(f"must be below 10^{INTEGER_DIGITS}")
    if parsed.adjusted() < -FRACTION_DIGITS or _fraction_digits(parsed) > FRACTION_DIGITS:
        raise ValueError(f"must have at most {FRACTION_DIGITS} digits after the point")
    return parsed


def _fraction_digits(parsed: Decimal) -> int:
    _, digits, exponent = parsed.as_tuple()
    zeros = len(digits) - len("".join(map(str, digits)).rstrip("0"))
    return -(int(exponent) + zeros)


def dumps(value: Any) -> bytes:
    """`value` as UTF-8 JSON; models, dataclass-free mappings, sequences and scalars."""
    return _encoder.encode(_plain(value))


def loads(data: bytes | str) -> Any:
    """The value of a JSON text, fractions as `Decimal` of their literal text.

    Raises:
        TooDeep, Repeated: see `coinsphere.parsing.untrusted_json`.
        ValueError: the text is not JSON, or holds more than `MAX_VALUES` or a number longer than `MAX_NUMBER_LENGTH`.
    """
    text = data if isinstance(data, bytes) else data.encode(errors="surrogatepass")
    bare = outline(text)
    require_shallow(bare, LEVELS)
    if bare.count(b":") + bare.count(b",") > MAX_VALUES or _LONG_NUMBER.search(bare):
        raise ValueError("JSON with too many values, or with a number of too many digits")
    try:
        value = _decoder.decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise ValueError("malformed JSON") from error
    refuse_repeated(bare, value, text)
    return value


class ExactProvider(JSONProvider):
    """Makes Flask use this module."""

    def dumps(self, obj: Any, **_: Any) -> str:
        """JSON text of `obj`."""
        return dumps(obj).decode()

    def loads(self, s: str | bytes, **_: Any) -> Any:
        """Value of the JSON text `s`."""
        return loads(s)


def _plain(value: Any) -> Any:
    """`value` in types that msgspec writes as the wire requires."""
    kind = type(value)
    return value if kind in _AS_IT_IS else _WRITERS.get(kind, _plain_other)(value)


def _plain_other(value: Any) -> Any:
    """Of a class that is none of the usual ones, but may be derived from one."""
    if isinstance(value, str | int):
        return value.value if isinstance(value, Enum) else value
    if isinstance(value, BaseModel):
        return _plain(value.model_dump(by_alias=True))
    for kind, write in _WRITERS.items():
        if isinstance(value, kind):
            return write(value)
    return value


# Prices and amounts come again with each request; numbers that are equal are written alike.
@lru_cache(maxsize=_REMEMBERED)
def _number(value: Decimal) -> msgspec.Raw:
    return msgspec.Raw(plain(value).encode())


# Both have `_plain` written out: a call for each of a thousand leaves is a tenth of what an answer costs. And as most leaves are
# written as they are, a copy is made of all and the others are put in their place.
def _mapping(value: Mapping[Any, Any]) -> dict[Any, Any]:
    written = dict(value)
    for key, item in value.items():
        kind = type(item)
        if kind not in _AS_IT_IS:
            written[key] = _WRITERS.get(kind, _plain_other)(item)
    return written


def _sequence(value: Sequence[Any]) -> list[Any]:
    written = list(value)
    for place, item in enumerate(value):
        kind = type(item)
        if kind not in _AS_IT_IS:
            written[place] = _WRITERS.get(kind, _plain_other)(item)
    return written


def _instant(value: datetime) -> datetime | str:
    """An instant in UTC as it is, since msgspec writes it as `iso` does."""
    return value if value.tzinfo is UTC else iso(value)


def _real(value: float) -> msgspec.Raw | None:
    """A float of an indicator, without exponent; None where it is not finite."""
    number_text = Decimal(repr(value))
    return msgspec.Raw(plain(number_text).encode()) if number_text.is_finite() else None


_WRITERS: Mapping[type, Callable[[Any], Any]] = {
    Decimal: _number,
    float: _real,
    datetime: _instant,
    Mapping: _mapping,
    dict: _mapping,
    list: _sequence,
    tuple: _sequence,
}
