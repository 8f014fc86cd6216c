"""The stream's messages: what clients may say, and numbers that keep their digits."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from coinsphere.parsing.decimals import plain
from coinsphere.stream import messages
from coinsphere.stream.messages import Ping, Subscribe, Unsubscribe
from coinsphere.stream.reading import PortfolioValue, Quote

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("60000.000000000000000000", "60000"),
        ("0.000000012345678901", "0.000000012345678901"),
        ("1E+3", "1000"),
        ("1E-8", "0.00000001"),
        ("-0.0", "0"),
        ("12345678901234567890.123456789012345678", "12345678901234567890.123456789012345678"),
    ],
)
def test_a_decimal_keeps_every_digit_and_no_more(number, text):
    assert plain(Decimal(number)) == text


@pytest.mark.parametrize("number", ["NaN", "Infinity"])
def test_what_is_no_number_is_not_written(number):
    with pytest.raises(ValueError, match="finite"):
        plain(Decimal(number))


def test_a_price_update_has_the_fields_of_the_contract_and_null_for_unknown():
    quote = Quote(
        "PEPE",
        UUID(int=1),
        Decimal("0.000000012345678901"),
        None,
        Decimal("5.50"),
        None,
        "kraken",
        NOW,
    )
    text = messages.price_update(quote)
    assert '"price":0.000000012345678901,' in text
    assert json.loads(text, parse_float=Decimal) == {
        "type": "price_update",
        "symbol": "PEPE",
        "tokenId": str(UUID(int=1)),
        "price": Decimal("0.000000012345678901"),
        "change24h": None,
        "volume24h": Decimal("5.5"),
        "marketCap": None,
        "priceSource": "kraken",
        "timestamp": "2026-03-10T12:00:00Z",
    }


def test_a_portfolio_without_any_price_has_an_unknown_value():
    value = PortfolioValue(UUID(int=1), UUID(int=2), "Mine", None, ["BTC"], ["ETH"])
    sent = json.loads(messages.portfolio_update(value, NOW))
    assert (sent["totalValue"], sent["unpriced"], sent["stale"]) == (None, ["BTC"], ["ETH"])


def test_what_clients_may_say():
    assert messages.parse('{"type":"subscribe","symbols":["btc"]}') == Subscribe(["btc"])
    assert messages.parse(b'{"type":"unsubscribe","symbols":["BTC"]}') == Unsubscribe(["BTC"])
    assert messages.parse('{"type":"ping","id":1}') == Ping()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no json",
        "[]",
        "{}",
        '{"type":"price_update"}',
        '{"type":"subscribe"}',
        '{"type":"subscribe","symbols":[]}',
        '{"type":"subscribe","symbols":"BTC"}',
        '{"type":"subscribe","symbols":[1]}',
        '{"type":"subscribe","symbols":["' + "X" * 21 + '"]}',
        json.dumps({"type": "subscribe", "symbols": ["X"] * 201}),
        b"\xff",
        "[" * 10_000,
        '{"type":"subscribe","symbols":["BTC"],"symbols":["ETH"]}',
        '{"type":"ping","type":"subscribe","symbols":["BTC"]}',
        '{"type":"ping","id":' + "[" * 5_000 + "]" * 5_000 + "}",
        '{"type":"ping","id":"\ud800"}',
    ],
)
def test_anything_else_is_an_error_with_a_reason(text):
    with pytest.raises(ValueError, match=r"."):
        messages.parse(text)
