"""Numbers of the wire keep every digit, in both directions."""

import json as standard
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coinsphere.clock import iso
from webapi.http import json

STORABLE = st.decimals(
    min_value=Decimal(-(10**20) + 1),
    max_value=Decimal(10**20 - 1),
    places=18,
    allow_nan=False,
)


@given(STORABLE)
def test_a_stored_number_survives_output_and_input(number: Decimal) -> None:
    text = json.dumps([number]).decode()
    assert "e" not in text.lower()
    assert json.number(json.loads(text)[0]) == number
    assert json.number(str(number)) == number
    assert standard.loads(text, parse_float=Decimal, parse_int=Decimal) == [number]


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("0.000000012345678901", "0.000000012345678901"),
        ("1E-18", "0.000000000000000001"),
        ("60000.000000000000000000", "60000"),
        ("1E+5", "100000"),
        ("-0", "0"),
        ("-0.00", "0"),
        ("0E-18", "0"),
        ("100", "100"),
    ],
)
def test_literals(number: str, text: str) -> None:
    assert json.dumps(Decimal(number)) == text.encode()


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_what_is_not_finite_is_no_number(number: str) -> None:
    with pytest.raises(ValueError, match="not finite"):
        json.dumps(Decimal(number))


@pytest.mark.parametrize(
    "value",
    [
        True,
        None,
        1.5,
        [],
        "",
        "x",
        "0x10",
        "1_0",
        "NaN",
        "inf",
        "1" * 65,
        "1e20",
        "1e999999999",
        "1e-19",
        "0.0000000000000000001",
        "٣",
    ],
)
def test_what_is_no_storable_number_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match=r"must|is not"):
        json.number(value)


@pytest.mark.parametrize("value", ["1.10", " 1.1 ", "11e-1", Decimal("1.1000")])
def test_spellings_of_a_number(value: object) -> None:
    assert json.number(value) == Decimal("1.1")


def test_floats_of_indicators_are_written_without_exponent() -> None:
    assert (
        json.dumps([1e-7, 1e22, float("nan"), 0.1])
        == b"[0.0000001,10000000000000000000000,null,0.1]"
    )


@given(st.datetimes(timezones=st.just(UTC)))
def test_an_instant_in_utc_is_written_as_any_other(moment: datetime) -> None:
    """By msgspec's own means, which are quicker; another one goes through `iso`."""
    assert json.dumps(moment) == f'"{iso(moment)}"'.encode()


def test_instants_are_utc_with_z() -> None:
    east = timezone(timedelta(hours=2))
    assert json.dumps(datetime(2026, 3, 10, 14, 30, tzinfo=east)) == b'"2026-03-10T12:30:00Z"'
    assert json.dumps(datetime(2026, 3, 10, tzinfo=UTC)) == b'"2026-03-10T00:00:00Z"'


@pytest.mark.parametrize(
    "text", ["", "{", "[1,]", "nan", '"\\ud800"', b"\xff", "[" * 100 + "]" * 100]
)
def test_malformed_texts_are_refused(text: str | bytes) -> None:
    with pytest.raises(ValueError, match="JSON"):
        json.loads(text)
