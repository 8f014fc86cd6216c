"""Portfolios of people of the API, in few words."""

from datetime import UTC, datetime

import psycopg

from coinsphere.portfolio.imports import importing
from tests.integration.webapi.conftest import NOW, OPTIONS, exact


def day(number: int, hour: int = 10) -> str:
    """An instant of the month before NOW (10 March 2026)."""
    return datetime(2026, 2, number, hour, tzinfo=UTC).isoformat()


def make(person, **fields):
    answer = person.post("/portfolios", {"name": "Main", **fields})
    assert answer.status_code == 201, answer.text
    return exact(answer)["portfolio"]


def trade(  # noqa: PLR0917 - reads as a sentence
    person, portfolio, kind, symbol, amount, price=None, at=None, **fields
):
    body = {
        "portfolioId": portfolio["id"], "type": kind, "tokenSymbol": symbol, "amount": amount, "price": price,
        "timestamp": at or day(1), **fields,
    }  # fmt: skip
    answer = person.post("/transactions", body)
    assert answer.status_code == 201, answer.text
    return exact(answer)["transaction"]


def bring(person, portfolio, content: str, database, form: str = "coinsphere"):
    """Import a file as the worker would; the import as it ended."""
    base = f"/portfolios/{portfolio['id']}/imports"
    answer = person.post(base, {"format": form, "content": content})
    assert answer.status_code == 201, answer.text
    batch = answer.json["import"]["id"]
    assert person.post(f"{base}/{batch}/confirm").status_code == 202
    with psycopg.connect(database.pipeline, autocommit=True, options=OPTIONS) as conn:
        importing.run(conn, batch, lambda: NOW)
    return person.get(f"{base}/{batch}").json["import"]
