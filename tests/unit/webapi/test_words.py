"""Small pure parts: names, cursors, ids, indicators, risk in words."""

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID, uuid4

import pytest

from webapi.alerts.schemas import fault
from webapi.http import cursor, errors, paths
from webapi.http.schema import camel
from webapi.predictions.indicator_queries import Indicators
from webapi.predictions.indicators import describe, trend, volume_trend
from webapi.risk import analysis
from webapi.risk.queries import Score

ID = UUID(int=1)


@pytest.mark.parametrize(
    ("name", "wire"),
    [
        ("price", "price"),
        ("price_change_24h", "priceChange24h"),
        ("volume_24h", "volume24h"),
        ("coingecko_id", "coingeckoId"),
    ],
)
def test_names_of_the_wire(name: str, wire: str) -> None:
    assert camel(name) == wire


def test_a_cursor_is_what_it_was() -> None:
    assert cursor.decode(cursor.encode(["1.5", "BTC", "x"]), 3) == ["1.5", "BTC", "x"]


@pytest.mark.parametrize("text", ["", "x", "!!!", "W10", "e30", cursor.encode(["a\0", 1, 2])])
def test_no_cursor_of_ours(text: str) -> None:
    with pytest.raises(errors.Problem) as refused:
        cursor.decode(text, 3)
    assert refused.value.status == 400


@pytest.mark.parametrize("text", ["", "7", "{" + str(ID) + "}", ID.hex, f"urn:uuid:{ID}", "x" * 36])
def test_other_spellings_of_an_id_name_nothing(text: str) -> None:
    with pytest.raises(errors.Problem) as refused:
        paths.uuid(text, "alert")
    assert (refused.value.status, refused.value.error) == (404, "alert not found")


def test_an_id_in_capitals_is_the_same() -> None:
    wanted = UUID("8f14e45f-ceea-4672-a0b5-1c6f2a9d3c77")
    assert paths.uuid(str(wanted).upper(), "alert") == wanted


def indicators(**changes) -> Indicators:
    usual = {
        "token_id": ID,
        "price_date": date(2026, 3, 9),
        "close": Decimal(105),
        "rsi_14": 50.0,
        "macd": 2.0,
        "macd_signal": 1.0,
        "bollinger_upper": 110.0,
        "bollinger_middle": 100.0,
        "bollinger_lower": 90.0,
        "volume_ratio_30d": 1.0,
    }
    return Indicators(**usual | changes)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, "bullish"),
        ({"close": Decimal(95), "macd": 0.5}, "bearish"),
        ({"close": Decimal(95)}, "neutral"),
        ({"macd": 0.5}, "neutral"),
        ({"macd_signal": None}, None),
        ({"bollinger_middle": None}, None),
    ],
)
def test_trends(changes: dict, name: str | None) -> None:
    assert trend(indicators(**changes)) == name


@pytest.mark.parametrize(
    ("ratio", "name"),
    [(1.21, "increasing"), (1.2, "stable"), (0.8, "stable"), (0.79, "decreasing"), (None, None)],
)
def test_volume_trends(ratio: float | None, name: str | None) -> None:
    assert volume_trend(ratio) == name


def test_what_is_not_known_is_not_shown() -> None:
    assert describe(None) is None
    found = describe(indicators(macd=None, bollinger_middle=None, rsi_14=None))
    assert found is not None
    assert (found["macd"], found["bollinger_bands"], found["rsi"]) == (None, None, None)


def score(**changes) -> Score:
    usual = {
        "token_id": ID,
        "day": date(2026, 3, 9),
        "overall_score": Decimal("27.44"),
        "risk_level": "low",
        "volatility_score": Decimal(59),
        "drawdown_score": Decimal("71.5"),
        "tail_score": Decimal(20),
        "liquidity_score": Decimal(10),
        "market_cap_score": Decimal(60),
        "volume_score": None,
        "annual_volatility": None,
        "price_source": "test",
        "computed_at": datetime(2026, 3, 10, tzinfo=UTC),
    }
    return Score(**usual | changes)


def test_a_score_in_words_says_what_its_numbers_say() -> None:
    found = analysis.describe("BTC", score())
    assert found == {
        "summary": "BTC is a low risk: 27.4 of 100.",
        "warnings": [
            "The price fell far below its peak within the last year (71.5 of 100).",
            "The market capitalisation is small (60.0 of 100).",
        ],
        "insights": [
            "Riskiest of its parts: deepest fall of the last year, 71.5 of 100.",
            "Not known, and left out of the score: steadiness of volume.",
        ],
    }


def test_parts_that_were_not_kept_yet_are_not_called_unknown() -> None:
    insights = analysis.describe("BTC", score(drawdown_score=None, tail_score=None))["insights"]
    assert insights == [
        "Riskiest of its parts: market capitalisation, 60.0 of 100.",
        "Not known, and left out of the score: steadiness of volume.",
    ]


@pytest.mark.parametrize(
    ("alert_type", "has_token", "has_portfolio", "threshold", "path"),
    [
        ("price", True, False, "1", None),
        ("price", False, False, "1", "tokenSymbol"),
        ("price", True, True, "1", "portfolioId"),
        ("price", True, False, "0", "threshold"),
        ("portfolio", False, True, "1", None),
        ("portfolio", True, True, "1", "tokenSymbol"),
        ("portfolio", False, False, "1", "portfolioId"),
        ("percent_change", True, False, "-5", None),
        ("prediction", True, False, "-5", None),
        ("risk", True, False, "100", None),
        ("risk", True, False, "-1", "threshold"),
    ],
)
def test_the_parts_of_an_alert_fit_together(alert_type, has_token, has_portfolio, threshold, path):
    from coinsphere.alerts.repository import NewAlert
    from coinsphere.alerts.rules import AlertType, Condition

    wanted = NewAlert(
        AlertType(alert_type),
        Condition.EQUAL,
        Decimal(threshold),
        portfolio_id=uuid4() if has_portfolio else None,
    )
    found = fault(wanted, has_token=has_token)
    assert (found and found[0]) == path
