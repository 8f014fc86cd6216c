"""Decimals as text, and text as decimals."""

from decimal import Decimal, InvalidOperation


def plain(number: Decimal) -> str:
    """The number with every digit, without an exponent and trailing zeros.

    Raises:
        ValueError: it is not finite.
    """
    if not number.is_finite():
        raise ValueError(f"{number} is not finite")
    # Not normalize(): it rounds to the context's 28 digits.
    text = f"{number:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text == "-0" else text


def read(text: str) -> Decimal:
    """The number of a text, with every digit; it may be infinite or NaN.

    `Decimal` itself takes `1_0` for ten, and the digits of every script.

    Raises:
        ValueError: it is none in plain digits.
    """
    if "_" in text or not text.isascii():
        raise ValueError(f"{text[:40]!r} is not a number")
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text[:40]!r} is not a number") from None
