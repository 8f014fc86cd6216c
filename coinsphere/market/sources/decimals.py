"""Numbers of sources as decimals that numeric(38,18) can hold."""

from decimal import Context, Decimal

_SCALE = -18
_LAST_DIGIT = Decimal(1).scaleb(_SCALE)
_EXACT = Context(prec=100)
"""The usual 28 digits do not hold a market cap of 10^12 dollars and 18 decimals."""


def rounded(value: Decimal | str | float) -> Decimal:
    """`value` with at most 18 decimals; one with no more is returned as it is.

    Raises:
        decimal.InvalidOperation: it is no number, or has more than 82 digits before the point.
    """
    number = Decimal(value)
    _, _, exponent = number.as_tuple()
    if not isinstance(exponent, int) or exponent >= _SCALE:
        return number
    return number.quantize(_LAST_DIGIT, context=_EXACT)
