"""Numbers and times as people read them, in one place; which signs and order by Babel's locale (Unicode CLDR)."""

import re
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_compact_currency, format_currency, format_decimal

LOCALE = "en_US"
_SIGNIFICANT = 4
"""Digits of a number below one, where two places would say little or nothing."""
EXACT = Context(prec=80)
"""Of all digits that an amount may have."""
_PATTERN = "#,##0.##################"
_MONEY = "#,##0.00"
_UNDIVIDED = re.compile(r"\d{5}")


def dollars(amount: Decimal, locale: str = LOCALE) -> str:
    """US dollars: to the cent from one dollar on, to four digits below."""
    places = _places(amount, 2)
    is_whole = amount == amount.to_integral_value()
    pattern = _MONEY if places == 2 and not is_whole else _PATTERN  # noqa: PLR2004 - cents
    return f"{_written(amount, places, pattern, locale)} USD"


def percent(value: Decimal, locale: str = LOCALE) -> str:
    """A percentage with two places, a tiny one with four digits; its sign is shown where it falls."""
    return f"{_written(value, _places(value, 2, least=Decimal('0.01')), _PATTERN, locale)} %"


def score(value: Decimal, locale: str = LOCALE) -> str:
    """A score of 0 to 100 with one place."""
    return _written(value, 1, _PATTERN, locale)


def money(amount: Decimal, currency: str = "USD", locale: str = LOCALE) -> str:
    """An amount with its currency's sign where the language puts it: to the cent from one on, to four digits below."""
    places = _places(amount, 2)
    rounded = amount.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN, EXACT)
    usual = Locale.parse(locale).currency_formats["standard"].pattern
    pattern = usual.replace("0.00", f"0.{'0' * places}")
    with localcontext(EXACT):
        text: str = format_currency(
            rounded, currency, pattern, locale, currency_digits=False, decimal_quantization=False
        )
    return text


def money_in_short(amount: Decimal, currency: str = "USD", locale: str = LOCALE) -> str:
    """A large amount in three digits, as `$1.83T`; one below one as `money` writes it."""
    if abs(amount) < 1:
        return money(amount, currency, locale)
    digits = max(0, 2 - amount.adjusted() % 3) if amount else 0
    with localcontext(EXACT):
        text: str = format_compact_currency(amount, currency, locale=locale, fraction_digits=digits)
        # Where a language has no short form of thousands Babel leaves out what divides them.
        if _UNDIVIDED.search(text):
            usual = Locale.parse(locale).currency_formats["standard"].pattern
            whole = usual.replace("0.00", "0")
            text = format_currency(amount, currency, whole, locale, currency_digits=False)
    return text


def change(value: Decimal, locale: str = LOCALE) -> str:
    """A change in percent with two places, and always with its sign."""
    rounded = to_hundredths(value)
    with localcontext(EXACT):
        text: str = format_decimal(rounded, "+#,##0.00;-#,##0.00" if rounded else "0.00", locale)
    return f"{text} %"


def to_hundredths(value: Decimal) -> Decimal:
    """A number as `change` shows it; nothing has no sign."""
    return value.quantize(Decimal("0.01"), ROUND_HALF_EVEN, EXACT) or Decimal(0)


def quantity(amount: Decimal, locale: str = LOCALE) -> str:
    """An amount of a token: eight places at most, a tiny one with four digits."""
    places = max(_places(amount, 8), 8 if amount else 0)
    return _written(amount, places, _PATTERN, locale)


def moment(instant: datetime, locale: str = LOCALE, zone: str | None = None) -> str:
    """An instant by minutes, by the clock of a zone of the IANA database, by default UTC."""
    at = instant.astimezone(UTC if zone is None else ZoneInfo(zone))
    # In English without the comma and the order of months that only Americans expect.
    day = format_date(at, "d MMMM y" if locale.startswith("en") else "long", locale=locale)
    return f"{day}, {at:%H:%M} {at:%Z}"


def _places(value: Decimal, usual: int, least: Decimal = Decimal(1)) -> int:
    """Places behind the point: the usual, or so many that a small number keeps its first digits."""
    if not value or abs(value) >= least:
        return usual
    return _SIGNIFICANT - 1 - value.adjusted()


def _written(value: Decimal, places: int, pattern: str, locale: str) -> str:
    rounded = value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN, EXACT)
    # Babel computes in the present context, whose 28 digits are fewer than an amount may have.
    with localcontext(EXACT):
        text: str = format_decimal(rounded, pattern, locale, decimal_quantization=False)
    return text
