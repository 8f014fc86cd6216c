"""Folders as people have them: any order and number of columns, several spellings of time, bad rows and bad files."""

import os
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from ml.data import candle_folder, panel
from ml.errors import BadHistory, TooLittleHistory

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TWO_DAYS = ("2024-01-01,1,2,1,1.5,10", "2024-01-02,1,2,1,1,10")


def _write(folder, name, lines=TWO_DAYS, header="date,open,high,low,close,volume"):
    (folder / name).write_text("\n".join((header, *lines)) + "\n")


def test_files_are_read_and_what_cannot_be_true_is_named(tmp_path):
    rows = [
        "2024-01-01,1,2,1,1.5,10",
        "2024-01-02,1,2,1,0,10",
        "2024-01-03,1,3,1,2,",
        "2026-01-01,1,2,1,1,1",
    ]
    _write(tmp_path, "ABCUSDT_1d.csv", rows)
    made = candle_folder.read(tmp_path, NOW)
    assert made.symbols == ("ABC",)
    assert np.isfinite(made.closes).sum() == 2
    assert np.isnan(made.candles[0, -1, 4])
    assert made.notes == ("ABCUSDT_1d.csv: 2 rows, the first: line 3: close is zero",)


def test_the_same_candles_are_the_same_panel_however_they_are_written(tmp_path):
    digests = set()
    for name, header, rows in (
        ("BTC.csv", "date,open,high,low,close,volume", TWO_DAYS),
        (
            "btc-usd.csv",
            "Volume,Source,CLOSE,Low,high,Open,Date",
            ("10,x,1,1,2,1,2024-01-02T00:00:00Z", "10,y,1.5,1,2,1,2024-01-01T00:00:00Z"),
        ),
        (
            "BTCUSDT-1d.csv",
            "timestamp,open,high,low,close,volume",
            ("1704067200000,1,2,1,1.5,10", "1704153600000,1,2,1,1,10"),
        ),
    ):
        folder = tmp_path / name.split(".", maxsplit=1)[0]
        folder.mkdir()
        _write(folder, name, rows, header)
        digests.add(candle_folder.read(folder, NOW).digest)
    assert len(digests) == 1


def test_a_price_may_have_as_many_digits_as_a_float(tmp_path):
    """A cheap token's prices as pandas writes them have more decimals than the database keeps."""
    _write(tmp_path, "ABC.csv", ["2024-01-01,1.2345678901234567e-08,2e-08,1e-08,1.5e-08,1"])
    made = candle_folder.read(tmp_path, NOW)
    assert made.candles[0, 0, 0] == 1.2345678901234567e-08
    assert not made.notes


def test_every_file_that_is_left_out_is_named(tmp_path):
    _write(tmp_path, "ABC.csv")
    _write(tmp_path, "XYZ_1h.csv", ["2024-01-01T00:00:00Z,1,2,1,1,1"])
    _write(tmp_path, "HEAD.csv", header="when,price")
    _write(tmp_path, "OLD.csv", ["2017-12-30,1,2,1,1,1", "2017-12-31,1,2,1,1,1"])
    (tmp_path / "NONE.csv").write_text("")
    (tmp_path / "BYTES.csv").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "notes.txt").write_text("not a candle")
    (tmp_path / "._ABC.csv").write_text("macOS")
    made = candle_folder.read(tmp_path, NOW)
    assert made.symbols == ("ABC",)
    named = {note.split(":")[0] for note in made.notes[:-1]}
    assert named == {"XYZ_1h.csv", "HEAD.csv", "NONE.csv", "BYTES.csv", "notes.txt"}
    assert made.notes[-1].startswith("2 rows before 2018-01-01")
    everything = candle_folder.read(tmp_path, NOW, first=date.min)
    assert everything.symbols == ("ABC", "OLD")


def test_a_name_that_names_nothing_stops_no_other_file(tmp_path):
    for name in (
        "BTC.csv",
        " .csv",
        "-.csv",
        os.fsdecode(b"ETH_\xff.csv"),
        os.fsdecode(b"\xff.txt"),
    ):
        _write(tmp_path, name)
    made = candle_folder.read(tmp_path, NOW)
    assert made.symbols == ("BTC",)
    assert len(made.notes) == 4
    "".join(made.notes).encode()


def test_two_files_that_disagree_are_refused_by_line(tmp_path):
    _write(tmp_path, "ABC.csv")
    _write(tmp_path, "ABCUSDT.csv", ["2024-01-02,1,2,1,1,11", "2024-01-01,1,2,1,1.6,10"])
    with pytest.raises(
        BadHistory, match=r"ABCUSDT.csv line 3: ABC .* on 2024-01-01 than in ABC.csv line 2"
    ):
        candle_folder.read(tmp_path, NOW)


def test_a_token_without_candles_is_named_with_the_reason(tmp_path):
    _write(tmp_path, "ABC.csv")
    _write(tmp_path, "XYZ.csv", ["2024-01-01,,,,1.5,10"])
    with pytest.raises(LookupError, match=r"no daily candles of XYZ; XYZ.csv: .*open is empty"):
        candle_folder.read(tmp_path, NOW, ["abc", "xyz"])
    (tmp_path / "ABC.csv").unlink()
    with pytest.raises(TooLittleHistory, match="open is empty"):
        candle_folder.read(tmp_path, NOW)
    with pytest.raises(TooLittleHistory):
        panel.from_rows({}, price_source="a", location="a")


@pytest.mark.parametrize(
    ("name", "symbol"),
    [("BTCUSDT.csv", "BTC"), ("TUSD.csv", "TUSD"), ("FDUSD.csv", "FDUSD"), ("OPUSD.csv", "OP")],
)
def test_a_stablecoin_is_not_taken_for_a_pair(tmp_path, name, symbol):
    _write(tmp_path, name)
    assert candle_folder.read(tmp_path, NOW).symbols == (symbol,)
    assert candle_folder.read(tmp_path, NOW, [symbol]).symbols == (symbol,)


def test_an_early_start_reads_early_days():
    assert candle_folder.first_day(date(2022, 1, 1)) == panel.FIRST_DAY
    assert candle_folder.first_day(panel.FIRST_DAY + timedelta(days=181)) == date.min


def test_what_is_no_spot_price_in_dollars_is_left_out_by_name(tmp_path):
    """One file each of another currency, a contract and a broken download; the others are read."""
    for name in (
        "SOL_KRW-1d.csv",
        "ETH_BTC-1d.csv",
        "LINKUSD_PERP-1d.csv",
        "XBTUSDM-1d.csv",
        "ADA.csv",
    ):
        _write(tmp_path, name)
    _write(tmp_path, "WBTC.csv")
    (tmp_path / "ADA.csv.CHECKSUM").write_text("0" * 64 + "  ADA.csv\n")
    made = candle_folder.read(tmp_path, NOW)
    assert made.symbols == ("WBTC",)
    said = "\n".join(made.notes)
    assert len(made.notes) == 5
    for word in (
        "prices in KRW",
        "prices in BTC",
        "PERP names",
        "XBTUSDM names",
        "ADA.csv.CHECKSUM",
    ):
        assert word in said


def test_a_volume_in_dollars_is_none_of_the_token_and_that_is_said(tmp_path):
    _write(
        tmp_path,
        "BTC-USD.csv",
        [f"{row},5" for row in TWO_DAYS],
        "Date,Open,High,Low,Close,Volume,Adj Close",
    )
    made = candle_folder.read(tmp_path, NOW)
    assert np.isnan(made.candles[0, :, 4]).all()
    assert (
        "BTC-USD.csv: the volume is not known: 'Volume' of such a file is in its currency"
        in made.notes[0]
    )


def _days(levels, start=date(2024, 1, 1)):
    """Rows of days that open where the last one closed, but for a level that is given as a pair (open, close)."""
    rows, last = [], None
    for offset, level in enumerate(levels):
        opened, close = level if isinstance(level, tuple) else (last or level, level)
        high, low = max(opened, close) * 1.01, min(opened, close) * 0.99
        rows.append(f"{start + timedelta(days=offset)},{opened},{high},{low},{close},1")
        last = close
    return rows


@pytest.mark.parametrize("factor", [1 / 1000, 1 / 100, 1 / 2, 4, 1000])
def test_a_change_of_unit_makes_two_series_and_is_named(tmp_path, factor):
    levels = [100, 105, (105 * factor, 106 * factor), 107 * factor]
    _write(tmp_path, "SOL.csv", _days(levels))
    made = candle_folder.read(tmp_path, NOW)
    assert made.symbols == ("SOL", "SOL until 2024-01-02")
    with np.errstate(invalid="ignore"):
        moves = np.abs(np.diff(np.log(made.closes), axis=1))
    assert np.nanmax(moves) < 0.1
    assert "SOL: closed at 105 on 2024-01-02 and opened at" in made.notes[0]


def test_a_crash_that_was_traded_through_is_one_series_and_is_named(tmp_path):
    _write(tmp_path, "INJ.csv", _days([100, 48, 1.9, 0.0076, 0.008]))
    made = candle_folder.read(tmp_path, NOW)
    assert made.symbols == ("INJ",)
    assert [note.split(";")[0] for note in made.notes] == [
        "INJ: went from 48 to 1.9 within 2024-01-03",
        "INJ: went from 1.9 to 0.0076 within 2024-01-04",
    ]


def test_missing_days_are_no_change_of_unit(tmp_path):
    rows = _days([100, 100]) + _days([(40, 41), 41], date(2024, 3, 1))
    _write(tmp_path, "ABC.csv", rows)
    made = candle_folder.read(tmp_path, NOW)
    assert (made.symbols, made.notes) == (("ABC",), ())
