"""Files of candles: what is understood, and what is said of the rest."""

import io
import zipfile
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coinsphere.errors import ImportRefused
from coinsphere.market import candle_file
from coinsphere.market.candle_file import BadRow
from coinsphere.market.model import Interval

TOKEN_ID = UUID(int=1)
HEADER = "date,open,high,low,close,volume\n"
KLINE = "1704067200000,42283.58,42554.57,42261.02,42475.23,1271.68,1704070799999,53957248.9,47134,682.5,28957416.8,0\n"


def read(path: Path, now):
    with candle_file.opened(path) as file:
        return file.interval, list(file.rows(TOKEN_ID, now))


def write(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("BTC.csv", ["BTC"]),
        ("btc.csv", ["BTC"]),
        ("BTCUSDT-1d-2024-01.zip", ["BTCUSDT", "BTC"]),
        ("BTCUSDT_1h.csv", ["BTCUSDT", "BTC"]),
        ("BTC__cryptocompare_quanhua92.csv", ["BTC"]),
        ("USDT__derived.csv", ["USDT"]),
        ("USDC.csv", ["USDC"]),
        ("ETH-USD.csv", ["ETH"]),
    ],
)
def test_the_symbol_is_read_from_the_name(name, expected):
    assert candle_file.symbols(Path(name)) == expected


def test_columns_come_in_any_order_and_case(tmp_path, now):
    text = "Close,LOW,High,open,Timestamp\n1.5,0.5,2,1,1704067200000\n1.6,0.5,2,1.5,1704153600000\n"
    interval, rows = read(write(tmp_path, "BTC.csv", text), now)
    assert interval is Interval.DAY
    line, candle = rows[0]
    assert line == 2
    assert candle[2:8] == (
        datetime(2024, 1, 1, tzinfo=UTC),
        Decimal(1),
        Decimal(2),
        Decimal("0.5"),
        Decimal("1.5"),
        None,
    )
    assert candle.is_final
    assert candle.source == "file:BTC.csv"


@pytest.mark.parametrize("factor", [1, 1000])
@pytest.mark.parametrize(
    "header", ["", "open_time,open,high,low,close,volume,close_time,q,n,b,qb,i\n"]
)
@pytest.mark.parametrize("zipped", [False, True])
def test_binance_dumps_are_read_in_every_form(tmp_path, now, factor, header, zipped):
    stamp = str(1704067200000 * factor)
    text = header + KLINE.replace("1704067200000", stamp)
    path = tmp_path / ("BTCUSDT-1h-2024-01" + (".zip" if zipped else ".csv"))
    if zipped:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("BTCUSDT-1h-2024-01.csv", text)
    else:
        path.write_text(text)
    interval, [(line, candle)] = read(path, now)
    assert interval is Interval.HOUR
    assert line == (2 if header else 1)
    assert candle.opened_at == datetime(2024, 1, 1, tzinfo=UTC)
    assert candle.volume == Decimal("1271.68")


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        ("2024-01-02,x,2,0.5,1.5,1", "open", "open 'x' is not a number"),
        ("2024-01-02,1,,0.5,1.5,1", "high", "high is empty"),
        ("2024-13-02,1,2,0.5,1.5,1", "time", "'2024-13-02' is not a time"),
        ("2024-01-02,1,2", "row", "the row has 3 cells, not 6"),
        ("2024-01-02,1,2,0.5,1,5,1", "row", "the row has 7 cells, not 6 (a number holds no comma)"),
        ("99999999999999999999,1,2,0.5,1.5,1", "time", "is not a time"),
        ('2024-01-02,"1,5",2,0.5,1.5,1', "open", "open '1,5' is not a number"),
    ],
)
def test_a_row_that_cannot_be_read_is_named_by_line_and_column(tmp_path, now, row, column, reason):
    good = "2024-01-01,1,2,0.5,1.5,\n"
    _, rows = read(write(tmp_path, "BTC_1d.csv", HEADER + good + row + "\n"), now)
    assert rows[0][1].volume is None
    line, bad = rows[1]
    assert line == 3
    assert isinstance(bad, BadRow)
    assert bad.column == column
    assert reason in bad.reason


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("BTC.csv", b"", "BTC.csv: is empty"),
        ("BTC.csv", b"day,o,h\n1,2,3\n", "the header must name each of date"),
        ("BTC.csv", b"date,open,open,low,close\n", "lacks or repeats open, high"),
        ("BTC.csv", b"date,open,high,low,close\n\xff\xfe\n", "not a text file in UTF-8"),
        ("BTC.zip", b"no archive at all", "the zip archive is broken"),
        ("BTC_5m.csv", HEADER.encode(), "holds candles of 5m; only 1h and 1d are kept"),
        ("BTC_1M.csv", HEADER.encode(), "holds candles of 1mo"),
        ("BTC.csv", HEADER.encode(), "the interval cannot be told"),
    ],
)
def test_a_file_that_is_unusable_is_refused_with_the_reason(tmp_path, now, name, content, message):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ImportRefused, match=message.replace("(", r"\(")):
        read(path, now)


def test_an_archive_damaged_inside_is_refused(tmp_path, now):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("BTCUSDT-1h.csv", KLINE * 3000)
    content = bytearray(buffer.getvalue())
    content[len(content) // 2] ^= 0xFF
    path = tmp_path / "BTCUSDT-1h.zip"
    path.write_bytes(content)
    with pytest.raises(ImportRefused, match="broken"):
        read(path, now)


def test_the_interval_follows_from_the_spacing(tmp_path, now):
    text = "timestamp,open,high,low,close\n" + "".join(
        f"2024-01-01T{hour:02}:00:00Z,1,2,0.5,1\n" for hour in (0, 1, 2, 5, 6)
    )
    interval, rows = read(write(tmp_path, "BTC.csv", text), now)
    assert interval is Interval.HOUR
    assert rows[-1][1].opened_at == datetime(2024, 1, 1, 6, tzinfo=UTC)


@given(st.integers(1_230_768_000, 4_102_444_800))
def test_every_way_to_write_an_instant_means_the_same(seconds):
    moment = datetime.fromtimestamp(seconds, UTC)
    written = [str(seconds), str(seconds * 1000), str(seconds * 1_000_000)]
    written += [moment.isoformat(), moment.replace(tzinfo=None).isoformat(" ")]
    assert {candle_file.parse_time(text) for text in written} == {moment}


@given(st.text(max_size=30))
def test_no_text_breaks_the_time_parser_otherwise_than_by_its_error(text):
    try:
        moment = candle_file.parse_time(text)
    except (ValueError, OverflowError):
        return
    assert moment.tzinfo is UTC
