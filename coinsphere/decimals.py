"""Decimals as text."""

from decimal import Decimal


def plain(number: Decimal) -> str:
    """Every digit of `number`, without exponent and without zeros that say nothing.

    Raises:
        ValueError: it is not finite.
    """
    if not number.is_finite():
        raise ValueError(f"{number} is not finite")
    # Not normalize(): it rounds to the context's 28 digits.
    text = f"{number:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text
