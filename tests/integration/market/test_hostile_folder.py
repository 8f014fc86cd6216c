"""A folder in which every file is hostile in another way: each stops itself alone, and says why."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from rich.console import Console

from coinsphere.cli.market.commands import show_import
from coinsphere.market.imports import importer
from coinsphere.market.reference import tokens
from coinsphere.market.sources.files import FilesSource

HEADER = "date,open,high,low,close,volume\n"
GOOD = "".join(f"2024-01-{day:02},1.5,2.5,0.5,1.5,1000\n" for day in range(6, 16))
ROWS = (
    *("2024-02-01,sNaN,2,1,1,1", "2024-02-02,NaN,2,1,1,1", "2024-02-03,1,Infinity,1,1,1"),
    *(
        "2024-02-04,1,2,-Infinity,1,1",
        "2024-02-05,1,1e999999,1,1,1",
        "2024-02-06,1,2,1e-999999,1,1",
    ),
    *("2024-02-07,1,2,1,1,sNaN", "2024-02-08,1,2,1,1,1e999999", "2024-02-09,1,2,1,1,-5"),
    *("2024-02-10,0,0,0,0,0", "2024-02-11,1,1.5,2,1,1", "2024-02-30,1,2,1,1,1"),
    *("0001-01-01T00:00:00+14:00,1,2,1,1,1", "9999-12-31,1,2,1,1,1", f"{'1' * 5000},1,2,1,1,1"),
    *(f"2024-02-12,{'1' * 5000},2,1,1,1", "2024-02-13,1\0,2,1,1,1", "2024-02-15,1,2,1,1"),
    *('2024-02-16,"1,5",2,1,1,1', f"{'9' * 23},1,2,1,1,1", "-1e400,1,2,1,1,1"),
)
"""Each is no candle of the year 2024."""
NAMES = (b" .csv", b"-.csv", b"_.csv", b"BTC_\xff.csv", b"\xff\xfe.csv", b"\xed\xa0\x80.csv")
WHOLE = {
    "LTC.csv": (HEADER + GOOD).encode("utf-16")[:-1],
    "XRP.csv": bytes(range(256)) * 50,
    "ADA.csv": b"",
    "A\nB.csv": (HEADER + GOOD).encode(),
    f"{'A' * 240}.csv": (HEADER + GOOD).encode(),
    "DOGE.csv": (HEADER + GOOD).replace(",", "^").encode(),
    "LINK.csv": (HEADER + '"' + GOOD * 2000).encode(),
    "SOL.zip": b"PK\5\6" + bytes(18),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "candles"
    (made / "zuletzt").mkdir(parents=True)
    (made / "zuletzt" / "BTC.csv").write_text(HEADER + GOOD)
    (made / "ETH.csv").write_text(HEADER + GOOD + "\n".join(ROWS) + "\n")
    for name in NAMES:
        Path(os.fsdecode(os.fsencode(made) + b"/" + name)).write_text(HEADER + GOOD)
    for name, content in WHOLE.items():
        (made / name).write_bytes(content)
    (made / "AVAX.csv").mkdir()
    (made / "DOT.csv").symlink_to(made / "DOT.csv")
    (made / "UNI.csv").symlink_to("/proc/self/mem")
    os.mkfifo(made / "XLM.csv")
    return made


def test_every_file_stops_itself_alone(owner, folder: Path) -> None:
    report = importer.import_folder(owner, folder)
    kept = {each.path.name: each for each in report.files if each.refused is None}
    assert set(kept) == {"BTC.csv", "ETH.csv"}
    assert kept["BTC.csv"].written == kept["ETH.csv"].written == 10
    assert kept["ETH.csv"].rejected_rows == len(ROWS)
    assert all(each.reason for each in kept["ETH.csv"].rejected)
    assert report.refused == len(NAMES) + len(WHOLE) + 1
    for each in report.files:
        assert each.refused is None or each.refused.startswith(each.name)
    console = Console(record=True, width=200)
    show_import(console, report)
    console.export_text().encode()


def test_a_folder_read_live_gives_what_is_sound(owner, folder: Path) -> None:
    now = datetime(2024, 1, 17, tzinfo=UTC)
    source = FilesSource(folder, lambda: now)
    asked = [tokens.by_symbol(owner, symbol) for symbol in ("ADA", "BTC", "ETH", "LTC")]
    quotes = source.quotes(asked)
    assert [quote.token_id for quote in quotes] == [asked[1].id, asked[2].id]
    told = "\n".join(str(each) for each in source.take_problems())
    assert all(name in told for name in ("ADA.csv", r"BTC_\udcff.csv", "ETH.csv", "LTC.csv"))
