"""Formats numbers and times for people, by Babel's locale data (Unicode CLDR)."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date
from babel.numbers import (
    format_compact_currency,
    format_currency,
    format_decimal,
    get_decimal_symbol,
    get_group_symbol,
)

LOCALE = "en_US"
_SIGNIFICANT = 4
"""Digits of a number below one, where two places would say little or nothing."""
EXACT = Context(prec=80)
"""Of all digits that an amount may have."""
_WHOLE = "#,##0"
_EXAMPLE = Decimal(1234567)
_UNDIVIDED = re.compile(r"\d{5}")


def dollars(amount: Decimal, locale: str = LOCALE) -> str:
    """US dollars: to the cent from one dollar on, to four digits below."""
    places = _places(amount, 2)
    is_whole = amount == amount.to_integral_value()
    # Cents keep their zeros: 1.50, but 2.
    least = 2 if places == 2 and not is_whole else 0  # noqa: PLR2004 - cents
    return f"{_written(amount, places, locale, least)} USD"


def percent(value: Decimal, locale: str = LOCALE) -> str:
    """A percentage with two places, a tiny one with four digits; only a fall has a sign."""
    return f"{_written(value, _places(value, 2, least=Decimal('0.01')), locale)} %"


def score(value: Decimal, locale: str = LOCALE) -> str:
    """A score of 0 to 100 with one place."""
    return _written(value, 1, locale)


def minutes(value: Decimal, locale: str = LOCALE) -> str:
    """A time in minutes with one place."""
    return f"{_written(value, 1, locale)} min"


def money(amount: Decimal, currency: str = "USD", locale: str = LOCALE) -> str:
    """An amount with its currency's sign where the language puts it: to the cent from one on, to four digits below."""
    return fixed(amount, _places(amount, 2), locale, currency)


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
    return f"{'+' if rounded > 0 else ''}{fixed(rounded, 2, locale)} %"


def to_hundredths(value: Decimal) -> Decimal:
    """A number rounded as `change` shows it; zero has no sign."""
    return value.quantize(Decimal("0.01"), ROUND_HALF_EVEN, EXACT) or Decimal(0)


def quantity(amount: Decimal, locale: str = LOCALE) -> str:
    """An amount of a token: eight places at most, a tiny one with four digits."""
    places = max(_places(amount, 8), 8 if amount else 0)
    return _written(amount, places, locale)


def moment(instant: datetime, locale: str = LOCALE, zone: str | None = None) -> str:
    """An instant by minutes, by the clock of a zone of the IANA database, by default UTC."""
    at = instant.astimezone(UTC if zone is None else ZoneInfo(zone))
    written = format_date(at, "d MMMM y" if _is_english(locale) else "long", locale=locale)
    return f"{written}, {at:%H:%M} {at:%Z}"


def day(value: date, locale: str = LOCALE) -> str:
    """A day with its month in short."""
    return str(format_date(value, "d MMM y" if _is_english(locale) else "medium", locale=locale))


def _is_english(locale: str) -> bool:
    """Whether days are written without the comma and the order that only Americans expect."""
    return locale.startswith("en")


def _places(value: Decimal, usual: int, least: Decimal = Decimal(1)) -> int:
    """Places behind the point: the usual, or so many that a small number keeps its first digits."""
    if not value or abs(value) >= least:
        return usual
    return _SIGNIFICANT - 1 - value.adjusted()


def fixed(value: Decimal, places: int, locale: str = LOCALE, currency: str = "") -> str:
    """A number with so many places, and with a currency's sign where one is named."""
    rounded = value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN, EXACT)
    return _form(locale, currency).of(rounded)


def _written(value: Decimal, places: int, locale: str, least: int = 0) -> str:
    """A number with at most so many places, without the zeros at its end that follow the `least` places."""
    rounded = value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_EVEN, EXACT)
    exponent = rounded.normalize(EXACT).as_tuple().exponent
    return fixed(rounded, max(least, -int(exponent)), locale)


@dataclass(frozen=True, slots=True)
class _Form:
    """How a locale writes numbers in groups of three digits. What stands around them is told by their sign."""

    ahead: tuple[str, str]
    behind: tuple[str, str]
    signs: dict[int, str]

    def of(self, number: Decimal) -> str:
        """All its digits."""
        kind = int(number.is_signed())
        digits = f"{number.copy_abs():,f}".translate(self.signs)
        return f"{self.ahead[kind]}{digits}{self.behind[kind]}"


@lru_cache(maxsize=256)
def _form(locale: str, currency: str) -> _Form:
    """Learnt from Babel by an example: a page has hundreds of numbers, and each would cost Babel 100 µs of its own."""
    digits = format_decimal(_EXAMPLE, _WHOLE, locale)
    pattern = _WHOLE
    if currency:
        usual = Locale.parse(locale).currency_formats["standard"].pattern
        pattern = usual.replace("0.00", "0")
    written = (
        format_currency(each, currency, pattern, locale, currency_digits=False)
        if currency
        else format_decimal(each, pattern, locale)
        for each in (_EXAMPLE, -_EXAMPLE)
    )
    (ahead, _, behind), (ahead_below, _, behind_below) = (
        each.partition(digits) for each in written
    )
    signs = str.maketrans({",": get_group_symbol(locale), ".": get_decimal_symbol(locale)})
    return _Form((ahead, ahead_below), (behind, behind_below), signs)
