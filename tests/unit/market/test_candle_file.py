"""Files of candles: what is understood, and what is said of the rest."""

import hashlib
import io
import re
import zipfile
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coinsphere.errors import ImportRefused
from coinsphere.market.imports import candle_file, file_name, timestamps
from coinsphere.market.imports.candle_file import BadRow
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
    assert file_name.symbols(Path(name)) == expected


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
        ("2024-01-02,1_0,20,0.5,1.5,1", "open", "open '1_0' is not a number"),
        ("2024-01-02,1,\uff12,0.5,1.5,1", "high", "high '\uff12' is not a number"),
        ("2024-01-02,1,2,0.5,1.5,1_0", "volume", "volume '1_0' is not a number"),
        ("1704_153600,1,2,0.5,1.5,1", "time", "'1704_153600' is not a time"),
        ("\uff11704153600,1,2,0.5,1.5,1", "time", "is not a time"),
        ("2024-01-02,1,,0.5,1.5,1", "high", "high is empty"),
        ("2024-13-02,1,2,0.5,1.5,1", "time", "'2024-13-02' is not a time"),
        ("2024-01-02,1,2", "row", "the row has 3 cells, not 6"),
        (
            "2024-01-02,1,2,0.5,1,5,1",
            "row",
            "the row has 7 cells, not 6 (a number with a comma stands in quotes)",
        ),
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
    written = [str(seconds * unit) for unit in (1, 1000, 10**6, 10**9)]
    written += [f"{moment:%Y%m%d%H%M%S}", f"{seconds}.0", f"{moment:%Y-%m-%d %H:%M:%S} UTC"]
    written += [moment.isoformat(), moment.replace(tzinfo=None).isoformat(" ")]
    assert {timestamps.parse(text) for text in written} == {moment}


@given(st.text(max_size=30))
def test_no_text_breaks_the_time_parser_otherwise_than_by_its_error(text):
    try:
        moment = timestamps.parse(text)
    except (ValueError, OverflowError):
        return
    assert moment.tzinfo is UTC


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("BTC-EUR.csv", "EUR"),
        ("BTCEUR-1d-2024-01.csv", "EUR"),
        ("Bitstamp_BTCGBP_1h.csv", "GBP"),
        ("ETH_BTC-1d.csv", "BTC"),
        ("ETHBTC-1d.csv", "BTC"),
        ("SOL_KRW-1d.csv", "KRW"),
        ("btc-try.csv", "TRY"),
        ("BTC_1h_JPY.csv", "JPY"),
        ("LINKUSD_PERP-1d-2024-12.csv", "PERP"),
        ("BTCUSD_perp.csv", "PERP"),
        ("LINKUSDT_241227.csv", "241227"),
        ("BTC-1227.csv", "1227"),
        ("BTC-28JUN24-1d.csv", "28JUN24"),
        ("BTC-USDT-SWAP.csv", "SWAP"),
        ("PI_XBTUSD.csv", "PI"),
        ("XBTM24.csv", "XBTM24"),
        ("BTCUSDM.csv", "BTCUSDM"),
        ("BTCPERP-1d.csv", "BTCPERP"),
        ("BTCUSDT.P.csv", r"\.P"),
        ("BTC=F.csv", "BTC=F"),
        ("BTC_COIN-M_1d.csv", "COIN-M"),
        ("BTCUSDT-markPriceKlines-1d.csv", "MARKPRICEKLINES"),
        ("BTCUSDT_premium_index_1d.csv", "PREMIUM_INDEX"),
        ("BTCUSDT-index-1d.csv", "INDEX"),
        ("BTC_funding_rates.csv", "FUNDING_RATES"),
        ("BTC_heikin_ashi_1d.csv", "HEIKIN_ASHI"),
        ("BTC_log_returns.csv", "RETURNS"),
        ("BTCUSD_dominance_1d.csv", "DOMINANCE"),
        ("futures/um/monthly/klines/BTCUSDT-1d-2024-01.csv", "futures"),
        ("premiumIndexKlines/BTCUSDT-1d-2024-01.csv", "premiumIndexKlines"),
    ],
)
def test_a_name_that_speaks_of_no_spot_price_in_dollars_is_refused(name, told):
    with pytest.raises(ImportRefused, match=rf"\b{told}\b" if told.isalnum() else told):
        file_name.require_spot_in_dollars(Path(name), None)


@pytest.mark.parametrize(
    "name",
    [
        "BTC_bitstamp_1h.csv",
        "BTCUSDT-1d-202401.csv",
        "BTC_20240630.csv",
        "BTC-2024.csv",
        "BTC-USDT.csv",
        "WBTC.csv",
        "STETH-USD.csv",
        "AEUR.csv",
        "PERP.csv",
        "PERPUSDT-1d.csv",
        "INDEX-1d.csv",
        "MOVE_USDT.csv",
        "DOT.csv",
        "Binance_SOLUSDT_d.csv",
        "market/index_of_files/BTC.csv",
    ],
)
def test_a_name_of_a_spot_price_in_dollars_is_none_of_these(name):
    file_name.require_spot_in_dollars(Path(name), None)


@pytest.mark.parametrize(
    ("name", "header", "volume"),
    [
        ("LTCUSD_d.csv", "Volume LTC,Volume USD", Decimal(7)),
        ("BTC_x.csv", "Volume_(BTC),Volume_(Currency)", Decimal(7)),
        ("BTC_x.csv", "Volume BTC,Volume USD", Decimal(7)),
        ("BTC_x.csv", "vol,quote_volume", Decimal(7)),
        ("BTC_x.csv", "base_volume,quote_volume", Decimal(7)),
        ("BTC_x.csv", "volumefrom,volumeto", Decimal(7)),
        ("BTC_x.csv", "Volume BTC,volume", Decimal(7)),
        ("BTC_x.csv", "quote_volume,trades", "only 'quote_volume' is named"),
        ("BTC_x.csv", "Turnover,Volume USDT", "only 'Turnover', 'Volume USDT' is named"),
        ("BTC_x.csv", "volume,vol", "'volume', 'vol' could each be"),
        ("BTC_x.csv", "Volume,Adj Close", "'Volume' of such a file is in its currency"),
        ("BTC_x.csv", "a,b", "no column names it"),
    ],
)
def test_the_volume_in_units_of_the_token_is_found_or_its_absence_said(
    tmp_path, now, name, header, volume
):
    text = f"date,open,high,low,close,{header}\n2024-01-01,1,2,0.5,1.5,7,9\n"
    with candle_file.opened(write(tmp_path, name, text)) as file:
        [(_, candle)] = file.rows(TOKEN_ID, now)
    if isinstance(volume, Decimal):
        assert (candle.volume, file.notes) == (volume, ())
    else:
        assert candle.volume is None
        assert volume in file.notes[0]


def test_another_currency_within_a_file_is_refused_and_a_row_of_another_pair_named(tmp_path, now):
    header = "date,symbol,open,high,low,close,Volume LTC,{}\n"
    row = "2024-01-0{},LTC/{},1,2,0.5,1.5,7,9\n"
    for of_volume, pair in (("Volume USD", "EUR"), ("Volume EUR", "USD")):
        text = header.format(of_volume) + row.format(1, pair)
        with pytest.raises(ImportRefused, match="EUR"):
            read(write(tmp_path, "LTC_d.csv", text), now)
    text = header.format("Volume USD") + row.format(1, "USD") + row.format(2, "EUR")
    _, rows = read(write(tmp_path, "LTC_d.csv", "https://www.example.org\n" + text), now)
    assert rows[0][1].volume == 7
    assert rows[1][1].reason == "'LTC/EUR' is not 'LTC/USD'"


@pytest.mark.parametrize(
    ("column", "cell", "why"),
    [
        ("currency", "EUR", "in 'EUR', and only US dollars"),
        ("Währung", "€", "in '€', and only US dollars"),
        ("vs_currency", "jpy", "in 'JPY', and only US dollars"),
        ("quote_asset", "BTC", "in 'BTC', and only US dollars"),
        ("timezone", "KST", "times are those of 'KST', and only UTC"),
        ("tz", "America/New_York", "times are those of 'AMERICA/NEW_YORK'"),
        ("symbol", "LTCUSD_PERP", "PERP names a future"),
        ("instrument", "LTC-USDT-SWAP", "SWAP names a future"),
        ("pair", "LTC/USDT:USDT", "names a future"),
        ("symbol", "ETHUSDT", "rows are of 'ETHUSDT', and the file's name says LTC"),
        ("pair", "XXLTCZEUR", "EUR"),
        (
            "unix",
            "1704034800",
            "two columns tell different times, 2024-01-01 00:00 and 2023-12-31 15:00",
        ),
    ],
)
def test_what_rows_say_of_themselves_beside_figures_is_heeded(tmp_path, now, column, cell, why):
    text = f"date,open,high,low,close,{column}\n2024-01-01,1,2,0.5,1.5,{cell}\n"
    with pytest.raises(ImportRefused, match=re.escape(why)):
        read(write(tmp_path, "LTC_d.csv", text), now)


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("currency", "usd"),
        ("quote", "USDT"),
        ("quote", "953957248.9"),
        ("timezone", "UTC"),
        ("symbol", "LTC"),
        ("market", "Kraken"),
        ("pair", "XLTCZUSD"),
        ("ticker", "BINANCE:LTCUSDT"),
        ("symbol", "tLTCUSD"),
        ("unix", "1704067200000"),
        ("currency", ""),
    ],
)
def test_what_rows_say_of_themselves_may_be_what_is_kept(tmp_path, now, column, cell):
    text = f"date,open,high,low,close,{column}\n2024-01-01,1,2,0.5,1.5,{cell}\n"
    _, rows = read(write(tmp_path, "LTC_d.csv", text), now)
    assert [row for _, row in rows if isinstance(row, BadRow)] == []


def test_a_row_of_another_currency_than_the_first_is_named(tmp_path, now):
    text = "date,open,high,low,close,currency\n2024-01-01,1,2,0.5,1.5,USD\n2024-01-02,1,2,0.5,1.5,EUR\n"
    _, (_, (_, bad)) = read(write(tmp_path, "LTC_d.csv", text), now)
    assert (bad.column, bad.reason) == ("currency", "'EUR' is not 'USD'")


@pytest.mark.parametrize(
    ("name", "step", "count", "is_refused"),
    [
        ("BTC_1d.csv", 1, 3, True),
        ("BTC_1h.csv", 24, 3, True),
        ("BTC_1d.csv", 168, 3, True),
        ("BTC_1h.csv", 1, 3, False),
        ("BTC_1h.csv", 24, 2, False),
    ],
)
def test_a_name_that_the_rows_deny_is_refused(  # noqa: PLR0917 - parameters
    tmp_path, now, name, step, count, is_refused
):
    """Days called hours would fill an hour of each day with the whole day's candle; a gap denies nothing."""
    days = [datetime(2024, 1, 1, tzinfo=UTC) + timedelta(hours=step * at) for at in range(count)]
    path = write(
        tmp_path, name, HEADER + "".join(f"{day.isoformat()},1,2,0.5,1.5,7\n" for day in days)
    )
    if is_refused:
        with pytest.raises(ImportRefused, match=r"its name says candles of .* and its rows are"):
            read(path, now)
    else:
        assert len(read(path, now)[1]) == count


def test_the_time_of_the_opening_is_the_one_that_counts(tmp_path, now):
    """CoinMarketCap has four times in a row."""
    text = "timeOpen,timeClose,timestamp,open,high,low,close,volume,marketCap\n"
    text += "2024-01-01T00:00:00.000Z,2024-01-01T23:59:59.999Z,2024-01-01T23:59:59.999Z,1,2,0.5,1.5,7,9\n"
    _, [(_, candle)] = read(write(tmp_path, "BTC.csv", text), now)
    assert candle.opened_at == datetime(2024, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("cells", "first"),
    [
        (("25.12.2024", "26.12.2024"), datetime(2024, 12, 25, tzinfo=UTC)),
        (("01.02.2024", "02.02.2024"), datetime(2024, 2, 1, tzinfo=UTC)),
        (("03/04/2024", *(["04/04/2024"] * 60), "25/04/2024"), datetime(2024, 4, 3, tzinfo=UTC)),
        (("3/4/2024 0:00", "4/13/2024 0:00"), datetime(2024, 3, 4, tzinfo=UTC)),
        (("12/31/2024 12:00 AM", "12/30/2024 12:00 AM"), datetime(2024, 12, 31, tzinfo=UTC)),
        (("2024/1/2", "2024/1/3"), datetime(2024, 1, 2, tzinfo=UTC)),
        (("202412250000", "202412260000"), datetime(2024, 12, 25, tzinfo=UTC)),
        (("20241225000000", "20241226000000"), datetime(2024, 12, 25, tzinfo=UTC)),
        (("2024122500", "2024122501"), datetime(2024, 12, 25, tzinfo=UTC)),
        (("1735084800000000000", "1735171200000000000"), datetime(2024, 12, 25, tzinfo=UTC)),
        (("1735084800.0", "1735171200.0"), datetime(2024, 12, 25, tzinfo=UTC)),
    ],
)
def test_how_a_column_of_times_is_written_is_proved_by_all_its_cells(tmp_path, now, cells, first):
    text = HEADER + "".join(f"{cell},1,2,0.5,1.5,7\n" for cell in cells)
    _, rows = read(write(tmp_path, "BTC_1d.csv", text), now)
    assert not [row for _, row in rows if isinstance(row, BadRow)]
    assert rows[0][1].opened_at == first


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        (("03/04/2024", "04/04/2024"), "whether '03/04/2024' has the day or the month first"),
        (("13/04/2024", "04/14/2024"), "some have the day first, some the month"),
        (("25-Dez-24", "26-Dez-24"), "the times cannot be read, the first is '25-Dez-24'"),
        (("45292", "45293"), "the times cannot be read, the first is '45292'"),
        (("1.73508E+12", "1.73517E+12"), "the times cannot be read, the first is '1.73508E.12'"),
    ],
)
def test_times_that_cannot_be_read_are_what_the_refusal_names(tmp_path, now, cells, why):
    text = HEADER + "".join(f"{cell},1,2,0.5,1.5,7\n" for cell in cells)
    with pytest.raises(ImportRefused, match=why):
        read(write(tmp_path, "BTC.csv", text), now)


@pytest.mark.parametrize(
    ("beside", "content", "why"),
    [
        (".CHECKSUM", "{sha256}  BTC_1h.zip", None),
        (".sha256", "{sha256}", None),
        (".md5", "{md5} *BTC_1h.zip", None),
        (
            ".CHECKSUM",
            "{sha256}  OTHER.zip\n{other}  BTC_1h.zip",
            "is not what BTC_1h.zip.CHECKSUM says",
        ),
        (".CHECKSUM", "{other}", "is not what"),
        (".checksum", "{other}", "is not what"),
        (".CHECKSUM", "{sha256}  OTHER.zip", "holds no checksum of it"),
        (".CHECKSUM", "", "holds no checksum of it"),
        (".CHECKSUM", "<html>", "holds no checksum of it"),
    ],
)
def test_a_file_is_what_the_checksum_beside_it_says(tmp_path, now, beside, content, why):
    path = tmp_path / "BTC_1h.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("BTC_1h.csv", KLINE)
    held = path.read_bytes()
    (tmp_path / f"BTC_1h.zip{beside}").write_text(
        content.format(
            sha256=hashlib.sha256(held).hexdigest(),
            md5=hashlib.md5(held, usedforsecurity=False).hexdigest(),
            other="0" * 64,
        )
    )
    if why is None:
        assert len(read(path, now)[1]) == 1
    else:
        with pytest.raises(ImportRefused, match=why):
            read(path, now)


COIN_MARKET_CAP = (
    "timeOpen;timeClose;timeHigh;timeLow;name;open;high;low;close;volume;marketCap;timestamp\n"
    '"2024-01-01T00:00:00.000Z";"2024-01-01T23:59:59.999Z";"2024-01-01T21:00:00.000Z";"2024-01-01T03:00:00.000Z";"2781";'
    '42280.23;44175.44;42214.97;44167.33;18426978443.48;865000000000.1;"2024-01-01T23:59:59.999Z"\n'
)


@pytest.mark.parametrize("above", ["", "sep=;\n", '"https://example.com";\n'])
@pytest.mark.parametrize("sign", [";", "\t", "|", ","])
def test_any_sign_may_part_cells(tmp_path, now, above, sign):
    """CoinMarketCap writes semicolons; Excel, by its country's custom."""
    text = above + COIN_MARKET_CAP.replace(";", sign) + "broken\n"
    _, [(line, candle), (next_line, bad)] = read(write(tmp_path, "BTC.csv", text), now)
    assert (candle.opened_at, candle.close) == (
        datetime(2024, 1, 1, tzinfo=UTC),
        Decimal("44167.33"),
    )
    assert (candle.volume, isinstance(bad, BadRow)) == (None, True)
    assert (line, next_line) == (2 + bool(above), 3 + bool(above))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8", "utf-8-sig"])
@pytest.mark.parametrize("is_zipped", [False, True])
def test_a_file_may_be_in_utf_16_with_a_mark_or_without(tmp_path, now, encoding, is_zipped):
    content = (HEADER + "2024-01-01,1,2,0.5,1.5,7\n").encode(encoding)
    path = tmp_path / ("BTC_1d.zip" if is_zipped else "BTC_1d.csv")
    if is_zipped:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("BTC_1d.csv", content)
    else:
        path.write_bytes(content)
    _, [(_, candle)] = read(path, now)
    assert candle.close == Decimal("1.5")


@pytest.mark.parametrize(
    ("title", "is_read"),
    [
        ("open ($)", True), ("open (\uff04)", True), ("open \u20ac", False), ("open\uffe5", False), ("open (\u00a3)", False), ("open \u00a2", False),
    ],
)  # fmt: skip
def test_the_sign_of_another_currency_in_a_title_is_heeded(tmp_path, now, title, is_read):
    """Signs were taken off titles with brackets and spaces: euros were stored as dollars."""
    path = write(tmp_path, "ETH_1d.csv", f"date,{title},high,low,close\n2024-01-01,1,2,0.5,1.5\n")
    if is_read:
        assert read(path, now)[1][0][1].close == Decimal("1.5")
    else:
        with pytest.raises(ImportRefused, match="only US dollars are kept"):
            read(path, now)


def test_a_point_that_may_be_one_of_thousands_is_asked_for(tmp_path, now):
    """With semicolons, 42.280 is a price of forty-two thousand in Germany."""
    rows = ("2024-01-01;42.280;44.175;42.214;44.167\n", "2024-01-02;0.280;1.175;0.214;0.5\n")
    head = "date;open;high;low;close\n"
    with pytest.raises(ImportRefused, match="between thousands"):
        read(write(tmp_path, "BTC_1d.csv", head + rows[0]), now)
    _, [(_, candle), _] = read(write(tmp_path, "BTC_1d.csv", head + "".join(rows)), now)
    assert candle.close == Decimal("44.167")
    _, [(_, candle)] = read(write(tmp_path, "BTC_1d.csv", (head + rows[0]).replace(";", ",")), now)
    assert candle.close == Decimal("44.167")


@pytest.mark.parametrize("zone", ["Z[UTC]", "+00:00[Etc/UTC]", "Z[Europe/Berlin]"])
def test_an_instant_may_name_its_zone_beside_its_offset(tmp_path, now, zone):
    text = f"date,open,high,low,close\n2024-01-01T00:00:00{zone},1,2,0.5,1.5\n"
    _, [(_, candle)] = read(write(tmp_path, "BTC_1d.csv", text), now)
    assert candle.opened_at == datetime(2024, 1, 1, tzinfo=UTC)


PLAIN = ("2024-01-01", "42283.58", "42554.57", "42261.02", "42475.23", "1271.685")
GERMAN = ("2024-01-01", "42.283,58", "42.554,57", "42.261,02", "42.475,23", "1.271,685")


@pytest.mark.parametrize(
    ("sign", "rows"),
    [
        (";", [GERMAN]),
        ("\t", [GERMAN]),
        (",", [[f'"{cell}"' for cell in GERMAN]]),
        (";", [[cell.replace(".", "") for cell in GERMAN]]),
        (";", [[cell.replace(".", " ") for cell in GERMAN]]),
        (",", [[f'"{float(cell):,}"' if "." in cell else cell for cell in PLAIN]]),
        # A volume of thousands is told by the prices.
        (";", [[*GERMAN[:5], "1.271"], [*GERMAN[:5], "12"]]),
        # What no price of the first fifty rows tells, a later one does.
        (";", [("2024-01-01", *["42.283"] * 4, "7"), *[("2024-01-01", *["42.283"] * 4, "7")] * 60, GERMAN]),
    ],
)  # fmt: skip
def test_prices_have_the_mark_that_all_of_them_prove(tmp_path, now, sign, rows):
    text = "\n".join(sign.join(row) for row in [HEADER.strip().split(","), *rows]) + "\n"
    _, read_rows = read(write(tmp_path, "BTC_1d.csv", text), now)
    candles = [candle for _, candle in read_rows]
    assert len(candles) == len(rows)
    assert {candle.close for candle in candles} <= {Decimal("42475.23"), Decimal(42283)}
    volumes = {Decimal("1271.685"), Decimal(1271), Decimal(12), Decimal(7)}
    assert {candle.volume for candle in candles} <= volumes


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        (["42.283;42.554;42.261;42.475;1.271"], "between thousands"),
        (["42.283;42.554;42.261;42.475;1", "0,5;0,5;0,5;0,5;1", "0.5;0.5;0.5;0.5;1"], "in two ways: '0.5' in line 4, '0,5' in line 3"),
        (["1,234;1,234;1,234;1,234;5"], "between thousands"),
        (["0,5;0,6;0,4;0,5;1.234;"], "has 7 cells"),
    ],
)  # fmt: skip
def test_numbers_that_nothing_tells_are_refused(tmp_path, now, cells, reason):
    text = "\n".join(
        [
            HEADER.strip().replace(",", ";"),
            *(f"2024-01-0{n};{row}" for n, row in enumerate(cells, 1)),
        ]
    )
    path = write(tmp_path, "BTC_1d.csv", text + "\n")
    try:
        _, rows = read(path, now)
    except ImportRefused as error:
        assert reason in str(error)  # noqa: PT017 - the other way is a refused row
    else:
        assert [row.reason for _, row in rows if reason in row.reason]


def test_a_cell_that_tells_by_itself_costs_its_row_alone(tmp_path, now):
    """A comma among points, where no cell can be read in both ways."""
    text = (
        HEADER
        + '2024-01-01,1,2,0.5,1.5,1\n2024-01-02,"1,5",2,0.5,1.5,1\n2024-01-03,1,2,0.5,1.5,$1\n'
    )
    _, rows = read(write(tmp_path, "BTC_1d.csv", text), now)
    assert [isinstance(row, BadRow) for _, row in rows] == [False, True, True]


@pytest.mark.parametrize(
    ("name", "member", "reason"),
    [
        ("BTCUSDT-1d.zip", "ETHUSDT-1d.csv", "another token"),
        ("BTC_1d.zip", "ETH_1d.csv", "another token"),
        ("BTC_1d.zip", "ethusd_1d.csv", "another token"),
        ("BTC_1d.zip", "BTC-EUR_1d.csv", "prices in EUR"),
        ("BTCUSDT-1d.zip", "BTCUSDT_241227-1d.csv", "future"),
        ("BTCUSDT-1d.zip", "futures/um/BTCUSDT-1d.csv", "future"),
        ("BTC_1d.zip", "XBTUSD_1d.csv", None),
        ("BTC_1d.zip", "candles_1d.csv", None),
        ("BTC_1d.zip", "OHLCV.csv", None),
        ("BTC_1d.zip", "download.csv", None),
        ("Binance_BTCUSDT_d.zip", "a/BTCUSDT.csv", None),
    ],
)
def test_an_archive_holds_the_token_of_its_name(tmp_path, now, name, member, reason):
    """The prices of the ETH within were stored as BTC's."""
    path = tmp_path / name
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, HEADER + "2024-01-01,1,2,0.5,1.5,1\n2024-01-02,1,2,0.5,1.5,1\n")
    if reason is None:
        assert len(read(path, now)[1]) == 2
    else:
        with pytest.raises(ImportRefused, match=reason):
            read(path, now)
