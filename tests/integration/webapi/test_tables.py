"""Candles and values as Parquet and Arrow, read back by pandas, pyarrow and DuckDB with every digit and in UTC."""

import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pandas as pd
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.integration.webapi.conftest import assert_problem

PARQUET, ARROW = "application/vnd.apache.parquet", "application/vnd.apache.arrow.file"
START = datetime(2026, 1, 1, tzinfo=UTC)
HOURS = 3_000
TINY = Decimal("0.000000012345678901")
"""What a candle opens with in its first hour; each hour one unit of 10^-18 more."""
UNIT = Decimal(1).scaleb(-18)


@pytest.fixture(scope="module", autouse=True)
def candles(module_database):
    with psycopg.connect(module_database.owner, autocommit=True) as conn:
        conn.execute("select market.ensure_price_partitions('2026-01-01', '2026-06-01')")
        conn.execute(
            """
            insert into market.price_data
                (token_id, interval, opened_at, open, high, low, close, volume, source, is_final, observed_at)
            select t.id, '1h', %(start)s + n * interval '1 hour', %(price)s + n * 1e-18, 1, %(price)s, %(price)s,
                nullif(n, 0), 'test', true, %(start)s + (n + 1) * interval '1 hour'
            from market.tokens t, generate_series(0, %(last)s) n
            where t.symbol = 'XRP'
            """,
            {"start": START, "price": TINY, "last": HOURS - 1},
        )
        yield


def in_duckdb(content: bytes, folder: Path) -> duckdb.DuckDBPyConnection:
    """A connection whose table `file` is a file of Parquet, and whose clock is far from UTC."""
    path = folder / "file.parquet"
    path.write_bytes(content)
    conn = duckdb.connect()
    conn.execute("set timezone = 'Asia/Kathmandu'")
    conn.execute(f"create view file as select * from read_parquet('{path}')")
    return conn


def test_a_file_has_every_candle_with_every_digit(person, tmp_path) -> None:
    answer = person.get("/tokens/XRP/history?timeframe=all&interval=1h&format=parquet")
    assert (answer.status_code, answer.mimetype) == (200, PARQUET)
    assert answer.headers["Content-Disposition"] == 'attachment; filename="XRP-1h.parquet"'
    frame = pd.read_parquet(io.BytesIO(answer.data))
    assert len(frame) == HOURS, "more than the thousand points of a picture"
    assert list(frame["open"][:3]) == [TINY, TINY + UNIT, TINY + 2 * UNIT]
    assert frame["opened_at"].iloc[-1] == pd.Timestamp(START + timedelta(hours=HOURS - 1))
    assert str(frame["opened_at"].dtype).endswith("UTC]")
    assert frame["volume"].isna().sum() == 1, "unknown is null, never zero"
    with in_duckdb(answer.data, tmp_path) as conn:
        found = conn.execute(
            "select count(*), sum(open), typeof(any_value(open)), typeof(any_value(opened_at)), epoch_us(min(opened_at))"
            " from file"
        ).fetchone()
    exact = HOURS * TINY + UNIT * (HOURS * (HOURS - 1) // 2)
    assert found is not None
    assert found[0:2] == (HOURS, exact)
    assert found[2:4] == ("DECIMAL(38,18)", "TIMESTAMP WITH TIME ZONE")
    assert found[4] == int(START.timestamp()) * 1_000_000


def test_the_header_accept_chooses_as_format_does(person) -> None:
    path = "/tokens/XRP/history?timeframe=7d"
    plain = person.get(path)
    assert plain.json["dataPoints"] == 7 * 24 + 1
    by_header = person.get(path, headers={"Accept": f"{ARROW}, */*;q=0.1"})
    assert by_header.mimetype == ARROW
    with pa.ipc.open_file(io.BytesIO(by_header.data)) as opened:
        rows = opened.read_all().to_pylist()
    assert [str(row["close"]) for row in rows] == [str(TINY)] * (7 * 24 + 1)
    assert {row["interval"] for row in rows} == {"1h"}
    # The page that was remembered is given again to whom wants JSON, and to no other.
    assert person.get(path, headers={"Accept": PARQUET}).mimetype == PARQUET
    assert person.get(path, headers={"Accept": "text/html"}).json == plain.json
    assert person.get(f"{path}&format=json", headers={"Accept": PARQUET}).json == plain.json


def test_a_file_shows_what_was_believed_then(person, owner_db) -> None:
    moment = owner_db.execute("select clock_timestamp()").fetchone()[0].isoformat()
    owner_db.execute(
        "update market.price_data set close = 0.5, ingested_at = clock_timestamp() where opened_at = %s",
        [START],
    )
    path = "/tokens/XRP/history?timeframe=all&interval=1h&format=parquet"
    closes = [
        pq.read_table(io.BytesIO(person.get(f"{path}{as_of}").data))["close"].to_pylist()
        for as_of in ("", f"&asOf={moment.replace('+', '%2B')}")
    ]
    assert [each[0] for each in closes] == [Decimal("0.5"), TINY]
    assert [len(each) for each in closes] == [HOURS, HOURS]


def test_an_unknown_token_and_an_unknown_form_are_problems(person) -> None:
    assert_problem(person.get("/tokens/NONE/history?format=parquet"), 404)
    assert_problem(person.get("/tokens/XRP/history?format=xlsx"), 400)
    answer = person.get("/tokens/DOGE/history?format=arrow")
    with pa.ipc.open_file(io.BytesIO(answer.data)) as opened:
        assert opened.read_all().num_rows == 0


def test_the_values_of_every_day_are_a_file(person, owner_db, tmp_path) -> None:
    portfolio = person.post("/portfolios", {"name": "mine", "currency": "USD"}).json["portfolio"][
        "id"
    ]
    days = 1_500
    owner_db.execute(
        """
        insert into app.portfolio_values_daily
            (user_id, portfolio_id, day, value, cost, uncosted_assets, inflow, outflow, growth, priced_assets,
             filled_assets, unpriced_assets)
        select %(user)s, %(portfolio)s, date '2026-03-10' - n::integer, %(value)s + n, 5, 0, 0, 0, 1, 1, 0, 0
        from generate_series(1, %(days)s) n
        """,
        {"user": person.id, "portfolio": portfolio, "value": TINY, "days": days},
    )
    path = f"/portfolios/{portfolio}/performance?from=2022-01-01"
    assert len(person.get(path).json["performance"]) < 1_000
    answer = person.get(f"{path}&format=parquet")
    assert (answer.status_code, answer.mimetype) == (200, PARQUET), answer.text
    frame = pd.read_parquet(io.BytesIO(answer.data))
    assert len(frame) == days + 1, "every day, and the present one"
    assert list(frame["is_live"]) == [False] * days + [True]
    assert frame["value"][0] == TINY + days
    with in_duckdb(answer.data, tmp_path) as conn:
        found = conn.execute(
            "select sum(value), min(date), typeof(any_value(date)), any_value(currency) from file where not is_live"
        ).fetchone()
    exact = days * TINY + days * (days + 1) // 2
    assert found == (exact, date(2026, 3, 10) - timedelta(days=days), "DATE", "USD")
    with pa.ipc.open_file(io.BytesIO(person.get(path, headers={"Accept": ARROW}).data)) as opened:
        assert opened.read_all().num_rows == days + 1
    assert_problem(
        person.get("/portfolios/00000000-0000-7000-8000-000000000000/performance?format=arrow"), 404
    )
