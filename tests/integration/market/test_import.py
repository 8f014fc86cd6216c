"""`coinsphere market import`, as a person meets it: what is said of each kind of bad file, and what was kept."""

import io
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner, Result

from coinsphere.cli.main import cli
from coinsphere.market.imports import importer

HEADER = "date,open,high,low,close,volume\n"
DAYS = "".join(f"2024-01-{day:02},1.5,2.5,0.5,{day}e-1,1000\n" for day in range(6, 26))
KLINES = "".join(
    f"{1704067200000 + hour * 3600000},1.5,2.5,1,2,7,{1704067200000 + hour * 3600000 + 3599999},9,4,3,2,0\n"
    for hour in range(30)
)

Run = Callable[..., Result]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "candles"
    made.mkdir()
    return made


@pytest.fixture
def run(database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `coinsphere market …` on the test's database, from a folder without settings."""
    monkeypatch.chdir(tmp_path)
    variables = {
        "COINSPHERE_HOME": str(tmp_path),
        "COINSPHERE_DATABASE_URL": database.owner,
        "COINSPHERE_PIPELINE_DATABASE_URL": database.pipeline,
        "COLUMNS": "250",
    }

    def invoke(*arguments: object, **changes: str) -> Result:
        words = ["market", *map(str, arguments)]
        return CliRunner().invoke(cli, words, env=variables | changes)

    return invoke


def zipped(**members: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name.replace("_csv", ".csv"), text)
    return buffer.getvalue()


def stored(conn: psycopg.Connection, symbol: str = "BTC") -> int:
    row = conn.execute(
        "select count(*) from price_data join tokens t on t.id = token_id where symbol = %s",
        [symbol],
    ).fetchone()
    return int(row[0]) if row else 0


def writes(conn: psycopg.Connection) -> list[tuple[object, ...]]:
    return conn.execute(
        "select token_id, opened_at, xmin::text from price_data order by 1, 2"
    ).fetchall()


def test_a_folder_of_every_kind_of_file_and_again_without_a_write(run, folder, owner):
    (folder / "BTC.csv").write_text(HEADER + DAYS)
    (folder / "deeper").mkdir()
    (folder / "deeper" / "ETH-USD.csv").write_bytes(
        b"\xef\xbb\xbf" + (HEADER + DAYS).replace("\n", "\r\n").encode()
    )
    (folder / "SOLUSDT-1h-2024-01.zip").write_bytes(zipped(a_csv=KLINES))
    micro = KLINES.replace("00000,", "00000000,").replace("99999,", "99999999,")
    header = "open_time,open,high,low,close,volume,close_time,q,n,b,qb,ignore\n"
    (folder / "LINKUSDT-1h-2025-01.csv").write_text(header + micro)
    (folder / "._BTC.csv").write_bytes(b"\x00\x05\x16\x07")
    first = run("import", folder)
    assert first.exit_code == 0, first.output
    assert "100 candles written; 0 were there already." in first.output
    assert [stored(owner, symbol) for symbol in ("BTC", "ETH", "SOL", "LINK")] == [20, 20, 30, 30]
    before = writes(owner)
    second = run("import", folder)
    assert (
        "0 candles written; 100 were there already, and stay as they were given first."
        in second.output
    )
    assert writes(owner) == before
    assert owner.execute("select source, location from market.origin").fetchone() == (
        "files",
        str(folder.resolve()),
    )
    rows = owner.execute(
        "select kind, error_code, rows_received, rows_written from ingestions order by id"
    ).fetchall()
    assert [row[:2] for row in rows] == [("import", None)] * 8
    assert sum(row[3] for row in rows) == 100
    close = owner.execute(
        "select close, source, is_final from price_data where opened_at = '2024-01-07' and source = 'file:BTC.csv'"
    ).fetchone()
    assert close == (Decimal("0.7"), "file:BTC.csv", True)


def test_rows_that_contradict_each_other_are_found_however_far_apart_they_stand(
    folder, owner: psycopg.Connection
) -> None:
    """Farther than a batch of the loader; a row that is wrong by itself contradicts none."""
    start = datetime(2020, 1, 1, tzinfo=UTC)
    rows = [f"{start + timedelta(hours=n):%Y-%m-%dT%H:%M:%SZ},1,2,0.5,1.5,1" for n in range(25_000)]
    first, second, third = (row.partition(",")[0] for row in rows[:3])
    rows[1] = f"{second},1,2,-1,1.5,1"
    rows[2] = f"{third},1,2,sNaN,1.5,1"
    rows += [
        f"{first},1,2,0.5,1.6,1",
        f"{first},1.0,2.00,0.50,1.5,1",
        f"{second},1,2,0.5,1.7,1",
        f"{third},1,2,0.5,1.8,1",
    ]
    path = folder / "BTC_1h.csv"
    path.write_text("date,open,high,low,close,volume\n" + "\n".join(rows) + "\n")
    (report,) = importer.import_folder(owner, path).files
    assert [(row.line, row.column) for row in report.rejected] == [
        (3, "low"), (4, "low"), (25_002, "date"),
    ]  # fmt: skip
    assert "something else than an earlier row" in report.rejected[-1].reason
    stored = owner.execute("select close from price_data order by opened_at limit 3").fetchall()
    assert stored == [(Decimal("1.5"),), (Decimal("1.7"),), (Decimal("1.8"),)]
    kept = owner.execute("select count(*) from quarantine where reason like 'says something else%'")
    assert kept.fetchone() == (1,)


BAD_ROWS = [
    ("2024-02-01,-1,2,0.5,1.5,1", "line 22, open: 2024-02-01: open is negative"),
    ("2024-02-01,1,2,0,1.5,1", "line 22, low: 2024-02-01: low is zero"),
    ("2024-02-01,1,1.2,0.5,1.5,1", "line 22, high: 2024-02-01: high is below open or close"),
    ("2024-01-06,1,2,0.5,1.6,1", "line 22, date: 2024-01-06: says something else than an earlier row"),
    ("2031-02-01,1,2,0.5,1.5,1", "line 22, date: 2031-02-01: opens in the future"),
    ("2024-02-01,nan,2,0.5,1.5,1", "line 22, open: 2024-02-01: open is not a finite number"),
    ('2024-02-01,"1.000,5",2000,0.5,1.5,1', "line 22, open: open '1.000,5' is not a number"),
    ("2024-02-01,1,000.5,2000,0.5,1.5,1", "line 22, row: the row has 7 cells, not 6 (a number with a comma stands in quotes)"),
    ("yesterday,1,2,0.5,1.5,1", "line 22, time: 'yesterday' is not a time"),
    ("2024-02-01,1,2,0.5,1.5,1e30", "line 22, volume: 2024-02-01: volume has more digits"),
]  # fmt: skip


@pytest.mark.parametrize(("row", "message"), BAD_ROWS, ids=[message for _, message in BAD_ROWS])
def test_a_bad_row_is_named_kept_in_quarantine_and_stops_no_other(run, folder, owner, row, message):
    path = folder / "BTC.csv"
    path.write_text(HEADER + DAYS + row + "\n")
    result = run("import", path)
    assert result.exit_code == 0, result.output
    assert f"BTC.csv, {message}" in result.output
    assert (
        "20 candles written; 0 were there already; 1 rows rejected (see `coinsphere market quarantine`)."
        in (result.output)
    )
    assert "│ 2024-01-06 │ 2024-01-25 │" in result.output
    assert stored(owner) == 20
    (payload,) = owner.execute("select payload from quarantine").fetchall()
    assert payload
    run("import", path)
    assert owner.execute("select count(*) from quarantine").fetchone() == (1,)
    assert "│ 2024-01-06 │ 2024-01-25 │" in result.output
    assert stored(owner) == 20


BAD_FILES: list[tuple[str, bytes, str]] = [
    ("BTC.csv", b"day,o,h,l,c\n2024-01-06,1,2,1,2\n", "line 1: the header must name each of date"),
    ("BTC.csv", b"", "BTC.csv: is empty"),
    ("BTC.csv", (HEADER + DAYS).encode("utf-16")[:-1], "is not a text file in UTF-8 or UTF-16"),
    ("BTC.csv", (HEADER + DAYS).encode() + b"2024-02-01,\xff,1,1,1,1\n", "is not a text file in UTF-8"),
    ("BTC.csv", (HEADER + DAYS + '"' + "x" * 200_000).encode(), "is not a CSV file"),
    ("BTC.zip", zipped(BTC_csv=HEADER + DAYS)[:-40], "the zip archive is broken"),
    ("BTC.zip", zipped(a_csv=HEADER + DAYS, b_csv=HEADER), "must hold exactly one .csv file, holds 2"),
    ("BTC_1d.zip", zipped(BTC_csv=HEADER + "\n" * 50_000_000), "would unpack to 50,000,0"),
    ("NOPE.csv", (HEADER + DAYS).encode(), "no token has the symbol NOPE"),
    ("BTC_5m.csv", (HEADER + DAYS).encode(), "holds candles of 5m; only 1h and 1d are kept"),
]  # fmt: skip
IDS = [
    "header", "empty", "utf-16", "latin-1", "open quote", "cut zip", "two members", "bomb", "unknown symbol", "interval",
]  # fmt: skip


@pytest.mark.parametrize("bad", BAD_FILES, ids=IDS)
def test_an_unusable_file_is_refused_and_the_others_are_kept(run, folder, owner, bad):
    name, content, message = bad
    (folder / name).write_bytes(content)
    (folder / "ETH.csv").write_text(HEADER + DAYS)
    result = run("import", folder)
    assert result.exit_code == 1
    assert f"refused {name}: " in result.output
    assert message in result.output
    assert "1 of 2 files refused, nothing of them kept." in result.output
    assert (stored(owner), stored(owner, "ETH")) == (0, 20)
    (error,) = owner.execute("select error from ingestions where error_code = 'bad_payload'")
    assert message in error[0]


def test_what_is_no_spot_price_in_dollars_is_refused_by_its_name(run, folder, owner):
    names = {
        "BTC-EUR.csv": "EUR",
        "ETHBTC_1d.csv": "BTC",
        "BTCUSD_PERP-1d.csv": "PERP",
        "PI_XBTUSD.csv": "PI names",
    }
    for name in names:
        (folder / name).write_text(HEADER + DAYS)
    (folder / "ETH_1d.csv").write_text(HEADER.replace("volume", "quote_volume") + DAYS)
    result = run("import", folder)
    assert [line for line in result.stderr.splitlines() if "file 2 of 5" in line]
    for name, told in names.items():
        assert f"refused {name}: " in result.output
        assert told in result.output
    assert "ETH_1d.csv: the volume is not known: only 'quote_volume' is named" in result.output
    assert (stored(owner), stored(owner, "ETH")) == (0, 20)


def test_a_locked_archive_is_refused(run, folder, owner):
    content = bytearray(zipped(BTC_csv=HEADER + DAYS))
    directory = content.index(b"PK\x01\x02")
    content[6] |= 1
    content[directory + 8] |= 1
    (folder / "BTC.zip").write_bytes(content)
    result = run("import", folder)
    assert "BTC.zip: the zip archive cannot be opened" in result.output
    assert "encrypted" in result.output


def test_only_ten_bad_rows_are_shown_and_all_are_counted(run, folder):
    bad = "".join(f"2023-01-{day:02},0,0,0,0,1\n" for day in range(1, 26))
    (folder / "BTC.csv").write_text(HEADER + DAYS + bad)
    result = run("import", folder)
    assert result.output.count("is zero") == 10
    assert "BTC.csv: and 15 more" in result.output


def test_a_wrong_path_is_said(run, tmp_path, folder):
    assert "there is no file or folder" in run("import", tmp_path / "nowhere").output
    assert "holds no .csv or .zip file" in run("import", folder).output


def test_nothing_is_imported_among_simulated_prices(run, folder, owner):
    owner.execute("insert into market.origin (source, seed) values ('simulated', 7)")
    (folder / "BTC.csv").write_text(HEADER + DAYS)
    result = run("import", folder)
    assert result.exit_code == 1
    assert "this database holds simulated prices (seed 7)" in result.output
    assert "make clean-state" in result.output
    assert stored(owner) == 0


def test_a_corrected_file_corrects_its_rows_and_another_file_does_not(run, folder, owner):
    path = folder / "BTC.csv"
    path.write_text(HEADER + DAYS)
    run("import", path)
    (folder / "BTC__other.csv").write_text(HEADER + DAYS.replace(",1.5,", ",1.4,"))
    assert "0 candles written" in run("import", folder / "BTC__other.csv").output
    path.write_text(HEADER + DAYS.replace("2024-01-08,1.5,", "2024-01-08,1.7,"))
    assert "1 candles written" in run("import", path).output
    revisions = owner.execute("select opened_at::date::text, open from price_revisions").fetchall()
    assert revisions == [("2024-01-08", Decimal("1.5"))]


def test_a_database_that_is_away_or_empty_is_said_without_a_stack(run, database):
    from coinsphere.db import migrate

    migrate.downgrade(database.owner, "base")
    result = run("status")
    assert result.exit_code == 1
    assert "run `coinsphere db upgrade`" in result.output
    away = database.pipeline.replace(str(database.server.port), "9")
    result = run("status", COINSPHERE_PIPELINE_DATABASE_URL=away)
    assert "The database cannot be reached: start it with `coinsphere up`" in result.output


def test_status_and_gaps_show_what_is_there(run, folder, owner):
    (folder / "BTC.csv").write_text(HEADER + DAYS.replace("2024-01-10,", "2024-02-10,"))
    assert "not decided yet" in run("status").output
    run("import", folder)
    status = run("status").output
    assert f"Prices come from files in {folder.resolve()}." in status
    assert "No quote is stored." in status
    gaps = run("gaps", "--interval", "1d").output
    assert "2024-01-10" in gaps
    assert "2024-02-09" in gaps
    assert "No candle is missing." in run("gaps", "--interval", "1h").output


@pytest.mark.shared_data
def test_real_files_are_imported_whole(run, owner, shared_data):
    result = run("import", shared_data / "daily")
    assert result.exit_code == 0, result.output
    assert "rejected (see" not in result.output
    assert owner.execute("select count(distinct token_id) from price_data").fetchone() == (26,)
    assert "No candle is missing." in run("gaps").output
    assert "0 candles written" in run("import", shared_data / "daily").output
    hourly = run("import", shared_data / "intraday")
    assert "BTCUSDT_5m.csv: holds candles of 5m" in hourly.output
    assert sum(line.count("BTC ") for line in run("gaps", "--interval", "1h").output.split("\n"))
