"""Reference rates: from a local server that speaks the European Central Bank's dialects, or from a file in its place."""

import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import dagster as dg
import httpx2
import pytest
from click.testing import CliRunner

from coinsphere.db.pool import Database
from coinsphere.errors import Unavailable
from coinsphere.portfolio.errors import UnreadableFile
from coinsphere.portfolio.valuation import reference_rate_seed, reference_rates
from coinsphere.portfolio.valuation.stored_market import StoredMarket
from coinsphere.settings import Settings

CSV = "Date,USD,JPY,SEK,\n2026-03-09,1.25,160.5,11.1,\n2026-03-06,1.2,N/A,11.2,\n"
XML = """<?xml version="1.0" encoding="UTF-8"?>
<gesmes:Envelope xmlns:gesmes="http://www.gesmes.org/xml/2002-08-01"
    xmlns="http://www.ecb.int/vocabulary/2002-08-01/eurofxref">
  <gesmes:subject>Reference rates</gesmes:subject>
  <gesmes:Sender><gesmes:name>European Central Bank</gesmes:name></gesmes:Sender>
  <Cube>
    <Cube time="2026-03-09"><Cube currency="USD" rate="1.25"/><Cube currency="JPY" rate="160.5"/></Cube>
    <Cube time="2026-03-06"><Cube currency="USD" rate="1.2"/></Cube>
  </Cube>
</gesmes:Envelope>
"""


def zipped(content: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("eurofxref-hist.csv", content)
    return out.getvalue()


@dataclass
class Bank:
    """What the bank answers: a status and a body, cut off where it says that there were more."""

    url: str = ""
    status: int = 200
    body: bytes = b""
    missing: int = 0


@pytest.fixture(scope="module")
def served() -> Iterator[Bank]:
    state = Bank()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(state.status)
            self.send_header("Content-Length", str(len(state.body) + state.missing))
            self.end_headers()
            self.wfile.write(state.body)
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_address[1]}/stats/eurofxref/eurofxref-hist.zip"
    Thread(target=server.serve_forever, daemon=True).start()
    yield state
    server.shutdown()
    server.server_close()


@pytest.fixture
def bank(served: Bank) -> Bank:
    served.status, served.body, served.missing = 200, zipped(CSV), 0
    return served


@pytest.mark.parametrize(
    "body", [zipped(CSV), CSV.encode(), XML.encode()], ids=["zip", "csv", "xml"]
)
def test_each_dialect_of_the_bank_is_read(bank: Bank, body: bytes) -> None:
    bank.body = body
    with httpx2.Client(timeout=60) as client:
        found = {
            (rate.currency, rate.day): rate.per_euro
            for rate in reference_rates.fetch(client, bank.url).rates
        }
    assert found["USD", date(2026, 3, 9)] == Decimal("1.25")
    assert found["JPY", date(2026, 3, 9)] == Decimal("160.5")
    assert ("JPY", date(2026, 3, 6)) not in found


@pytest.mark.parametrize(
    ("status", "body", "missing", "error"),
    [
        (500, b"", 0, Unavailable),
        (404, b"gone", 0, Unavailable),
        (302, b"", 0, Unavailable),
        (200, zipped(CSV)[:-30], 30, Unavailable),
        (200, zipped(CSV)[:-30], 0, UnreadableFile),
        (200, XML.encode()[:-60], 0, UnreadableFile),
        (200, b"", 0, UnreadableFile),
        (200, b"Date,USD\n", 0, UnreadableFile),
        (200, b"<!doctype html><html><body>Maintenance</body></html>", 0, UnreadableFile),
        (200, b"<html><body>Maintenance</body></html>", 0, UnreadableFile),
        (200, XML.replace("<gesmes:Env", "<!DOCTYPE a [<!ENTITY b 'c'>]><gesmes:Env").encode(), 0, UnreadableFile),
        (200, b"Date,USD\n2026-02-04,x\n", 0, UnreadableFile),
        (200, b"\xff\xfe\x00", 0, UnreadableFile),
    ],
)  # fmt: skip
def test_what_is_nothing_of_rates_stores_nothing_and_the_file_stands_in(  # noqa: PLR0917 - cases
    bank: Bank, tmp_path: Path, status: int, body: bytes, missing: int, error: type
) -> None:
    bank.status, bank.body, bank.missing = status, body, missing
    file = tmp_path / "eurofxref-hist.zip"
    file.write_bytes(zipped(CSV))
    with httpx2.Client(timeout=60) as client:
        with pytest.raises(error):
            reference_rates.bring(client, bank.url, None)
        found = reference_rates.bring(client, bank.url, file)
    assert found.source == str(file)
    assert found.problem
    assert len(found.rates) == 5


@pytest.mark.parametrize(
    ("body", "left", "says"),
    [
        (CSV[:-9], 3, "1 cell is left out: the line of 2026-03-06 is cut off"),
        (CSV.replace("160.5", "x"), 4, "'x' of JPY on 2026-03-09 is no rate"),
        (CSV.replace("2026-03-09", "soon"), 2, "3 cells are left out: 'soon' is no day"),
        (CSV.replace("11.1", "1e999"), 4, "more digits than we keep"),
        (CSV.replace("11.1", "0.0000000000000000001"), 4, "more digits than we keep"),
        (XML.replace("1.25", "NaN"), 2, "NaN of USD on 2026-03-09 is not positive"),
        (XML.replace("1.25", "-1"), 2, "-1 of USD on 2026-03-09 is not positive"),
        (XML.replace('"JPY"', '"jpy"'), 2, "'jpy' is no currency"),
        (XML.replace("2026-03-06", "soon"), 2, "'soon' is no day"),
        (CSV.replace("2026-03-06", "2026-03-09"), 3, "2 cells are left out"),
    ],
)
def test_a_cell_that_is_no_rate_takes_no_other_with_it(
    bank: Bank, pipeline, body: str, left: int, says: str
) -> None:
    bank.body = zipped(body) if body.startswith("Date") else body.encode()
    with httpx2.Client(timeout=60) as client:
        found = reference_rates.bring(client, bank.url, None)
    assert (len(found.rates), found.source) == (left, bank.url)
    assert says in (found.problem or "")
    assert reference_rates.store(pipeline, found.rates) == left


def test_a_bank_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with httpx2.Client(timeout=60) as client:
        with pytest.raises(Unavailable):
            reference_rates.bring(client, "http://127.0.0.1:9/none.zip", None)
        with pytest.raises(Unavailable, match="neither an address nor a file"):
            reference_rates.bring(client, "", None)
        with pytest.raises(UnreadableFile, match="cannot be read"):
            reference_rates.bring(client, "", tmp_path / "none.csv")


def test_a_weekend_has_the_rate_of_friday_and_a_day_before_all_rates_none(
    bank: Bank, pipeline
) -> None:
    with httpx2.Client(timeout=60) as client:
        found = reference_rates.bring(client, bank.url, None).rates
    assert reference_rates.store(pipeline, found) == 5
    assert reference_rates.store(pipeline, found) == 0
    market = StoredMarket(pipeline)
    euros = {day: market.per_dollar("EUR", date(2026, 3, day)) for day in (5, 6, 7, 8, 9)}
    assert euros[5] is None
    assert euros[6] == euros[7] == euros[8]
    assert round(euros[6], 10) == Decimal("0.8333333333")
    assert euros[9] == Decimal("0.8")
    corrected = [rate._replace(per_euro=Decimal("1.6")) for rate in found if rate.currency == "USD"]
    assert reference_rates.store(pipeline, corrected) == 2
    assert StoredMarket(pipeline).per_dollar("EUR", date(2026, 3, 9)) == Decimal("0.625")


@pytest.mark.parametrize(("day", "is_fresh"), [(10, True), (16, True), (17, False)])
def test_the_asset_stores_them_and_a_check_says_when_they_are_old(
    bank: Bank, database, tmp_path: Path, day: int, is_fresh: bool
) -> None:
    result = materialized(bank.url, database, tmp_path, datetime(2026, 3, day, tzinfo=UTC))
    assert result.success
    (check,) = result.get_asset_check_evaluations()
    assert check.passed is is_fresh
    assert check.severity is dg.AssetCheckSeverity.WARN
    (made,) = result.get_asset_materialization_events()
    assert made.materialization.metadata["dagster/row_count"].value == 5


def test_without_the_bank_and_without_a_file_the_run_goes_on(
    bank: Bank, database, tmp_path: Path
) -> None:
    bank.status = 503
    result = materialized(bank.url, database, tmp_path, datetime(2026, 3, 10, tzinfo=UTC))
    assert result.success
    (made,) = result.get_asset_materialization_events()
    assert "no reference rates" in made.materialization.metadata["problem"].value
    assert made.materialization.metadata["source"].value == reference_rate_seed.SEED


def test_a_simulated_market_carries_on_from_the_dated_set_until_the_bank_comes(
    pipeline, owner
) -> None:
    """Offline there are rates of every weekday since 2009, marked as what they are; the bank's take their place."""
    owner.execute("insert into market.origin (source, seed) values ('simulated', 7)")
    today = date(2026, 11, 27)
    assert reference_rate_seed.store(pipeline, today) > 100_000
    assert reference_rate_seed.store(pipeline, today) == 0
    marked = "select source, min(day), max(day) from market.exchange_rates group by 1 order by 1"
    assert pipeline.execute(marked).fetchall() == [
        ("ecb-seed", date(2009, 1, 2), reference_rate_seed.DAY),
        ("simulated", date(2026, 11, 2), today),
    ]
    market = StoredMarket(pipeline)
    assert all(market.now_per_dollar(each, today) for each in ("EUR", "GBP", "CHF", "JPY"))
    assert market.per_dollar("EUR", reference_rate_seed.DAY) != market.per_dollar("EUR", today)
    assert Decimal("0.7") < market.per_dollar("EUR", today) < Decimal("1.1")
    reference_rates.store(
        pipeline, [reference_rates.Rate("USD", date(2026, 11, 26), Decimal("1.1"))]
    )
    assert (
        pipeline.execute("select 1 from market.exchange_rates where source = 'simulated'").rowcount
        == 0
    )
    owner.execute("delete from market.exchange_rates")
    owner.execute("delete from market.origin")


def test_a_market_of_real_prices_has_the_dated_set_and_nothing_made_up(pipeline, owner) -> None:
    assert reference_rate_seed.store(pipeline, date(2009, 1, 31)) > 0
    assert reference_rates.newest(pipeline) == date(2009, 1, 30)
    assert pipeline.execute("select distinct source from market.exchange_rates").fetchall() == [
        (reference_rate_seed.SEED,)
    ]


def materialized(url: str, database, home: Path, now: datetime) -> dg.ExecuteInProcessResult:
    from orchestration.portfolios import assets, checks

    with Database(database.pipeline, size=2) as opened:
        return dg.materialize(
            [assets.exchange_rates, checks.check_exchange_rates],
            resources={
                "settings": Settings(
                    home=home, database_url=database.pipeline, exchange_rates_url=url
                ),
                "database": opened,
                "clock": dg.ResourceDefinition.hardcoded_resource(lambda: now),
            },
        )


def test_the_command_takes_the_bank_or_a_file(
    bank: Bank, database, tmp_path: Path, monkeypatch
) -> None:
    from coinsphere.cli.users.portfolio import portfolio

    monkeypatch.setenv("COINSPHERE_HOME", str(tmp_path))
    monkeypatch.setenv("COINSPHERE_PIPELINE_DATABASE_URL", database.pipeline)
    monkeypatch.setenv("COINSPHERE_EXCHANGE_RATES_URL", bank.url)
    first = CliRunner().invoke(portfolio, ["rates"], catch_exceptions=False)
    assert first.output == "5 of 5 rates are new; the newest are of 2026-03-09.\n"
    file = tmp_path / "rates.xml"
    file.write_text(XML.replace("2026-03-09", "2026-03-10"))
    bank.status = 500
    second = CliRunner().invoke(portfolio, ["rates", str(file)], catch_exceptions=False)
    assert second.output == "2 of 3 rates are new; the newest are of 2026-03-10.\n"
