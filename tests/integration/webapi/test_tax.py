"""Tax reports over the wire: out of the books of one person, by two countries, as JSON, CSV and PDF."""

import csv
import io
from decimal import Decimal

import pytest

from tests.integration.webapi.conftest import assert_problem, exact


@pytest.fixture
def trader(person):
    portfolio = person.post("/portfolios", {"name": "mine", "currency": "EUR"}).json["portfolio"][
        "id"
    ]

    def record(day: str, kind: str, amount, price, exchange="kraken") -> None:
        body = {
            "portfolioId": portfolio, "tokenSymbol": "BTC", "type": kind, "amount": amount, "price": price,
            "currency": "EUR", "exchange": exchange, "timestamp": f"{day}T12:00:00Z",
        }  # fmt: skip
        answer = person.post("/transactions", body)
        assert answer.status_code == 201, answer.text

    record("2022-05-01", "buy", 1, 10_000, "ledger")
    record("2024-01-10", "buy", 1, 30_000)
    record("2024-06-01", "buy", 1, 40_000)
    record("2025-01-11", "sell", "1.5", 60_000)
    record("2025-03-01", "sell", 2, 60_000)
    return person


def test_a_german_year_comes_out_of_the_books_whatever_the_portfolios_own_method_is(trader) -> None:
    found = exact(trader.get("/tax/de/2025"))
    assert (found["currency"], found["from"], found["to"]) == ("EUR", "2025-01-01", "2025-12-31")
    short, long = found["sums"]
    # 0.5 x (60,000 - 40,000), twice; 1.5 that Kraken never had are unknown; the first coin is free.
    assert (short["gain"], long["gain"]) == (20_000, 30_000)
    assert [each["quantity"] for each in found["unknown"]] == [Decimal("1.5")]
    assert found["unknown"][0]["reason"] == "sold, but what it cost is unknown"
    assert [each["counted"] for each in found["limits"]] == [20_000, 0]
    assert found["disposalCount"] == len(found["disposals"]) == 3
    assert "not tax advice" in found["notice"]
    assert trader.get("/tax/de/2024").json["disposals"] == []


def test_the_files_are_the_same_report_and_the_audit_log_knows_of_them(trader, owner_db) -> None:
    answer = trader.get("/tax/de/2025/file?format=csv")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="tax-de-2025.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert rows[0]["section"] == "unknown"
    assert [row["gain_or_value"] for row in rows if row["section"] == "disposal"] == [
        "30000",
        "10000",
        "10000",
    ]
    paper = trader.get("/tax/de/2025/file?format=pdf")
    assert paper.mimetype == "application/pdf"
    assert paper.data.startswith(b"%PDF-1.")
    told = (
        "select count(*) from app.audit_logs where action = 'tax.report_exported' and actor_id = %s"
    )
    assert owner_db.execute(told, [trader.id]).fetchone() == (2,)


def test_what_is_not_known_is_refused_and_nobody_sees_anothers_year(trader, other) -> None:
    for path in ("/tax/fr/2025", "/tax/de/1999", "/tax/de/20x5", "/tax/de/2025/x"):
        assert_problem(trader.get(path), 404)
    assert_problem(trader.get("/tax/generic/2025?currency=XXX"), 400)
    assert_problem(trader.get("/tax/de/2025/file?format=doc"), 400)
    assert other.get("/tax/de/2025").json["disposals"] == []
    assert [each["code"] for each in other.get("/tax/regimes").json["regimes"]] == [
        "generic",
        "de",
        "us",
        "uk",
    ]


def test_a_token_that_became_another_keeps_its_cost_and_its_date(person, owner_db) -> None:
    """MATIC of 2023 sold as POL in 2025 by the event of the seeds: 100 x (0.50 - 0.80) = -30, held for more than a year."""
    portfolio = person.post("/portfolios", {"name": "mine", "currency": "EUR"}).json["portfolio"]
    for day, kind, symbol, price in (
        ("2023-03-01", "buy", "MATIC", "0.80"),
        ("2025-02-01", "sell", "POL", "0.50"),
    ):
        body = {
            "portfolioId": portfolio["id"], "tokenSymbol": symbol, "type": kind, "amount": 100, "price": price,
            "currency": "EUR", "exchange": "kraken", "timestamp": f"{day}T12:00:00Z",
        }  # fmt: skip
        answer = person.post("/transactions", body)
        assert answer.status_code == 201, answer.text
    found = exact(person.get("/tax/de/2025"))
    assert found["unknown"] == []
    assert [
        (each["tokenSymbol"], each["acquiredOn"], each["gain"]) for each in found["disposals"]
    ] == [("POL", "2023-03-01", -30)]
