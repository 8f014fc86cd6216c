"""Transactions as Parquet and Arrow, read back by pandas and pyarrow with every digit."""

import io
from decimal import Decimal

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from coinsphere import arrow_files
from coinsphere.portfolio.imports import exporting
from tests.integration.webapi.conftest import assert_problem

TINY, LARGE = "0.000000012345678901", "123456789012.123456789012345678"


def test_transactions_come_back_with_every_digit(person) -> None:
    portfolio = person.post("/portfolios", {"name": "mine"}).json["portfolio"]["id"]
    for number, amount in enumerate((TINY, LARGE), 1):
        body = {
            "portfolioId": portfolio, "tokenSymbol": "BTC", "type": "deposit", "amount": amount,
            "timestamp": f"2026-03-0{number}T12:00:00Z",
        }  # fmt: skip
        assert person.post("/transactions", body).status_code == 201
    path = f"/portfolios/{portfolio}/export?format="
    answer = person.get(f"{path}parquet")
    assert answer.mimetype == "application/vnd.apache.parquet"
    frame = pd.read_parquet(io.BytesIO(answer.data))
    assert list(frame["amount"]) == [Decimal(TINY), Decimal(LARGE)]
    assert list(frame["token"]) == ["BTC", "BTC"]
    assert str(frame["date"].dtype).endswith("UTC]")
    assert frame["price"].isna().all(), "unknown is null, never zero"
    schema = pq.read_schema(io.BytesIO(answer.data))
    assert schema.field("amount").type == pa.decimal128(38, 18)
    with pa.ipc.open_file(io.BytesIO(person.get(f"{path}arrow").data)) as opened:
        assert opened.read_all().to_pylist() == pq.read_table(io.BytesIO(answer.data)).to_pylist()
    by_header = person.get(path.removesuffix("?format="), headers={"Accept": answer.mimetype})
    assert by_header.mimetype == answer.mimetype
    text = person.get(path.removesuffix("?format="), headers={"Accept": "application/json"}).text
    assert text.count("\n") == len(frame) + 1


@pytest.mark.parametrize("form", ["parquet", "arrow"])
def test_a_number_too_great_for_the_format_is_a_problem_of_the_request(
    person, owner_db, monkeypatch, form
) -> None:
    """What the ledger stores fits; a column that grows one day must not become a fault of the server."""
    portfolio = person.post("/portfolios", {"name": "mine"}).json["portfolio"]["id"]
    body = {
        "portfolioId": portfolio, "tokenSymbol": "BTC", "type": "deposit", "amount": LARGE,
        "timestamp": "2026-03-01T12:00:00Z",
    }  # fmt: skip
    assert person.post("/transactions", body).status_code == 201
    stored = exporting.rows
    grown = lambda *of: (each._replace(amount=each.amount * 10**12) for each in stored(*of))  # noqa: E731
    monkeypatch.setattr(exporting, "rows", grown)
    path = f"/portfolios/{portfolio}/export?format="
    answer = person.get(f"{path}{form}")
    assert_problem(answer, 400)
    assert [each["path"] for each in answer.json["details"]] == ["format"]
    assert "csv and json have it whole" in answer.json["error"]
    told = (
        "select count(*) from app.audit_logs where action = 'portfolio.exported' and actor_id = %s"
    )
    assert owner_db.execute(told, [person.id]).fetchone() == (0,)
    assert "123456789012123456789012" in person.get(f"{path}csv").text


def test_rows_are_written_in_portions_and_what_is_too_great_is_refused() -> None:
    out = io.BytesIO()
    columns = (("n", arrow_files.DECIMAL),)
    count = arrow_files.write(((Decimal(n),) for n in range(25_000)), columns, out, "parquet")
    read = pq.ParquetFile(io.BytesIO(out.getvalue()))
    assert (count, read.num_row_groups, read.metadata.num_rows) == (25_000, 3, 25_000)
    with pytest.raises(arrow_files.TooGreat):
        arrow_files.write([(Decimal(10) ** 21,)], columns, io.BytesIO(), "parquet")
