"""Risk scores as they were published."""

import json

import psycopg
import pytest

from tests.integration.webapi.conftest import assert_problem, exact


@pytest.fixture(scope="module", autouse=True)
def scores(module_database):
    """Two scores of BTC, one of ETH of which little is known."""
    with psycopg.connect(module_database.owner, autocommit=True) as conn:
        for symbol, day, overall, level, parts in (
            ("BTC", "2026-03-08", "90", "extreme", ("1", "1", "1", "1", "1", "1", "1")),
            (
                "BTC",
                "2026-03-09",
                "27.400000000000000001",
                "low",
                ("65", "60.5", "32", "0", "0", "18.5", "0.975"),
            ),
            ("ETH", "2026-03-09", "41", "medium", ("41", "44", "38", None, None, None, "0.6")),
        ):
            conn.execute(
                """
                insert into market.risk_scores
                    (token_id, day, overall_score, risk_level, volatility_score, drawdown_score, tail_score,
                     liquidity_score, market_cap_score, volume_score, annual_volatility, price_source, computed_at)
                select id, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 'binance', '2026-03-10 00:10Z'
                from market.tokens where symbol = %s
                """,
                [day, overall, level, *parts, symbol],
            )


def test_the_newest_score_is_shown(person) -> None:
    answer = person.get("/risk/btc")
    assert json.loads(answer.data) == {
        "symbol": "BTC",
        "name": "Bitcoin",
        "riskScore": {
            "overallScore": 27.4,
            "riskLevel": "low",
            "components": {
                "volatilityScore": 65,
                "drawdownScore": 60.5,
                "tailScore": 32,
                "liquidityScore": 0,
                "marketCapScore": 0,
                "volumeScore": 18.5,
            },
            "analysis": {
                "summary": "BTC is a low risk: 27.4 of 100.",
                "warnings": [
                    "The price moves strongly (65.0 of 100).",
                    "The price fell far below its peak within the last year (60.5 of 100).",
                ],
                "insights": [
                    "Riskiest of its parts: volatility, 65.0 of 100.",
                    "Annualised volatility of the last 30 days: 97.5 %.",
                ],
            },
        },
        "volatility": 0.975,
        "asOf": "2026-03-09",
        "timestamp": "2026-03-10T00:10:00Z",
        "priceSource": "binance",
    }
    assert str(exact(answer)["riskScore"]["overallScore"]) == "27.400000000000000001"


def test_what_is_unknown_is_null_and_said(person) -> None:
    score = person.get("/risk/ETH").json["riskScore"]
    assert score["components"]["liquidityScore"] is None
    assert any(insight.startswith("Not known") for insight in score["analysis"]["insights"])


def test_without_a_score_and_without_a_token(person) -> None:
    assert_problem(person.get("/risk/SOL"), 503, says="no risk score of SOL")
    assert_problem(person.get("/risk/NOPE"), 404, says="not found")


def test_a_batch_answers_what_can_be_answered(person) -> None:
    body = person.post("/risk/batch", {"symbols": ["ETH", "btc", "SOL", "NOPE"]}).json
    assert [each["symbol"] for each in body["risks"]] == ["ETH", "BTC"]
    assert body["risks"][1] == person.get("/risk/BTC").json
    assert [(each["symbol"], each["status"]) for each in body["errors"]] == [
        ("SOL", 503),
        ("NOPE", 404),
    ]
    assert_problem(person.post("/risk/batch", {"symbols": []}), 400)
