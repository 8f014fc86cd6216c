"""Numbers and times as people read them."""

from datetime import UTC, datetime
from decimal import Decimal, localcontext

import pytest
from babel import Locale
from babel.numbers import format_currency, format_decimal
from hypothesis import given
from hypothesis import strategies as st

from coinsphere.i18n import LANGUAGES
from coinsphere.notify import figures


@pytest.mark.parametrize(
    ("write", "value", "text"),
    [
        (figures.score, "52.258997149001779517", "52.3"),
        (figures.score, "100", "100"),
        (figures.percent, "0.0035920263523785", "0.003592 %"),
        (figures.percent, "-12.345678", "-12.35 %"),
        (figures.percent, "0", "0 %"),
        (figures.dollars, "100000", "100,000 USD"),
        (figures.dollars, "101", "101 USD"),
        (figures.dollars, "64123.456789", "64,123.46 USD"),
        (figures.dollars, "1.5", "1.50 USD"),
        (figures.dollars, "0.00001234567891234", "0.00001235 USD"),
        (figures.dollars, "0.000000000000000001", "0.000000000000000001 USD"),
        (
            figures.dollars,
            "99999999999999999999.999999999999999999",
            "100,000,000,000,000,000,000.00 USD",
        ),
    ],
)
def test_a_number_is_as_long_as_it_says_something(write, value, text):
    assert write(Decimal(value)) == text


def test_another_locale_has_its_own_signs():
    assert figures.dollars(Decimal("64123.456"), "de") == "64.123,46 USD"
    instant = datetime(2026, 3, 1, 9, 5, tzinfo=UTC)
    assert figures.moment(instant) == "1 March 2026, 09:05 UTC"
    assert (figures.day(instant), figures.day(instant, "de")) == ("1 Mar 2026", "01.03.2026")
    assert figures.moment(instant, "de") == "1. März 2026, 09:05 UTC"
    assert figures.moment(instant, "de", "Europe/Berlin") == "1. März 2026, 10:05 CET"
    assert figures.moment(instant, zone="America/New_York") == "1 March 2026, 04:05 EST"


@pytest.mark.parametrize(
    ("amount", "locale", "written"),
    [
        ("23853.4", "en_US", "$23,853.40"),
        ("23853.4", "de", "23.853,40\xa0$"),
        ("-480.26", "de", "-480,26\xa0$"),
        ("0.00012345", "de", "0,0001234\xa0$"),
    ],
)
def test_a_currencys_sign_stands_where_the_language_puts_it(amount, locale, written) -> None:
    assert figures.money(Decimal(amount), "USD", locale) == written


@given(
    st.decimals(-(10**20), 10**20, places=18, allow_nan=False, allow_infinity=False),
    st.sampled_from(["en_US", "de"]),
)
def test_whatever_is_stored_can_be_written(amount, locale) -> None:
    """Columns hold 38 digits, of which none is lost that is shown."""
    written = figures.quantity(amount, locale)
    for write in (figures.money, figures.money_in_short):
        assert any(each.isdigit() for each in write(amount, "USD", locale))
    for write in (figures.score, figures.percent, figures.dollars, figures.change):
        assert any(each.isdigit() for each in write(amount, locale))
    plain = written.replace("." if locale == "de" else ",", "").replace(",", ".")
    assert abs(Decimal(plain) - amount) <= abs(amount) * Decimal("1e-3")
    if abs(amount) >= 1:
        assert abs(Decimal(plain) - amount) <= Decimal("5e-9")


@given(
    st.decimals(-(10**20), 10**20, places=18, allow_nan=False, allow_infinity=False),
    st.sampled_from([figures.LOCALE, *LANGUAGES]),
    st.sampled_from(["USD", "EUR", "CHF", "JPY", "BTC", "1IN"]),
    st.integers(0, 18),
)
def test_numbers_stand_as_babel_writes_them(amount, locale, currency, places) -> None:
    digits = "#,##0" + ("." + "0" * places if places else "")
    pattern = Locale.parse(locale).currency_formats["standard"].pattern.replace("#,##0.00", digits)
    with localcontext(figures.EXACT):
        plain = format_decimal(amount, digits, locale)
        money = format_currency(amount, currency, pattern, locale, currency_digits=False)
    assert figures.fixed(amount, places, locale) == plain
    assert figures.fixed(amount, places, locale, currency) == money


@pytest.mark.parametrize(
    ("amount", "locale", "written"),
    [
        ("25000", "de", "25.000\xa0$"),
        ("999999", "de", "999.999\xa0$"),
        ("1830000000000", "de", "1,83\xa0Bio.\xa0$"),
        ("25000", "en_US", "$25K"),
        ("0.000002233", "de", "0,000002233\xa0$"),
        ("0", "en_US", "$0.00"),
    ],
)
def test_a_sum_in_short_is_divided_where_there_is_no_short_form(amount, locale, written) -> None:
    assert figures.money_in_short(Decimal(amount), "USD", locale).replace("25.0K", "25K") == written


@pytest.mark.parametrize("value", ["-0.0009", "0.004", "0", "-0"])
def test_no_change_has_no_sign(value) -> None:
    assert figures.change(Decimal(value)) == "0.00 %"
