"""A file as a whole: its dialect, number format and order of dates are decided from all cells, refused, or asked."""

import csv
import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
from babel.dates import format_datetime
from hypothesis import given, settings
from hypothesis import strategies as st

from coinsphere.parsing.number_formats import Mark
from coinsphere.portfolio.errors import UnreadableFile
from coinsphere.portfolio.imports.formats import files
from coinsphere.portfolio.imports.formats.decisions import Answers
from coinsphere.portfolio.imports.formats.row_readers import OWN_COLUMNS
from coinsphere.portfolio.imports.formats.timestamps import Order
from coinsphere.portfolio.model import Kind

D = Decimal
MAPPING = {"date": "Day", "type": "What", "token": "Coin", "amount": "Units", "price": "Each"}


def own(rows: str, **answers) -> files.Content:
    return files.read(
        f"date,type,token,amount,price,currency\n{rows}\n", "coinsphere", None, Answers(**answers)
    )


def days(*cells: str, **answers) -> files.Content:
    rows = "".join(f'"{cell}",buy,BTC,1,5\n' for cell in cells)
    return files.read(f"Day,What,Coin,Units,Each\n{rows}", "generic", MAPPING, Answers(**answers))


def amounts(content: files.Content) -> list[tuple[Decimal, Decimal | None]]:
    return [(each.amount, each.price) for _, each in content.parsed]


def times(content: files.Content) -> list[datetime]:
    return [each.occurred_at for _, each in content.parsed]


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        'date,type,token,amount,price,currency\n2026-01-02,buy,BTC,"0,123","1.234,56",EUR\n',
        "\ufeffdate;type;token;amount;price;currency\n2026-01-02;buy;BTC;0,123;1.234,56;EUR\n",
        "sep=;\ndate;type;token;amount;price;currency\r\n2026-01-02;buy;BTC;0,123 BTC;€1.234,56;EUR\r\n",
        "date\ttype\ttoken\tamount\tprice\tcurrency\n2026-01-02\tbuy\tBTC\t0,123\t1\u202f234,56 €\tEUR\n",
        "date|type|token|amount|price|currency\n2026-01-02|buy|BTC|0.123|1'234.56|EUR\n",
        "date;type;token;amount;price\n2026-01-02;buy;BTC;1,23E-1;EUR 1.234,56\n",
    ],
)
def test_a_decimal_comma_is_one(text: str) -> None:
    found = files.read(text, "coinsphere")
    assert amounts(found) == [(D("0.123"), D("1234.56"))]
    assert found.parsed[0][1].currency == "EUR"
    assert not found.problems
    assert not found.questions


def test_thousands_are_decided_by_the_other_cells_or_asked() -> None:
    row = '2026-01-02,buy,BTC,"1,234",5,EUR'
    for other, amount in (('"0,5"', D("1.234")), ('"1,234.5"', D(1234)), ('"1,234,567"', D(1234))):
        assert amounts(own(f"{row}\n2026-01-02,buy,BTC,{other},5,EUR"))[0] == (amount, 5)
    assert amounts(own(row.replace(",5,", ',"1.000,5",')))[0] == (D("1.234"), D("1000.5"))
    # No thousands begin with 0: this decides by itself.
    assert amounts(own('2026-01-02,buy,BTC,"0,123",5,EUR')) == [(D("0.123"), 5)]
    asked = own(row)
    (question,) = asked.questions
    assert (question.option, question.columns, asked.parsed) == ("numberFormat", ("amount",), [])
    assert amounts(own(row, number_format=Mark.COMMA)) == [(D("1.234"), 5)]
    assert amounts(own(row, number_format=Mark.POINT)) == [(1234, 5)]


def test_a_column_that_writes_numbers_in_two_ways_is_refused_unless_answered() -> None:
    rows = '2026-01-02,buy,BTC,"1,5",5,EUR\n2026-01-02,buy,BTC,1.5,5,EUR'
    with pytest.raises(UnreadableFile, match=r"'amount'.*'1\.5' in line 3.*'1,5' in line 2"):
        own(rows)
    found = own(rows, number_format=Mark.POINT)
    assert amounts(found) == [(D("1.5"), 5)]
    assert [(each.line, each.column) for each in found.problems] == [(2, "amount")]


@pytest.mark.parametrize(
    ("cell", "amount"),
    [
        ("-0.5", "0.5"), ("(0.5)", "0.5"), ("0.5-", "0.5"), ("\u22120.5", "0.5"), ("-$0.5", None), ("- 0.5", "0.5"),
        ("-1 234.5 BTC", "1234.5"), ("-1\u00a0234\u00a0567.5", "1234567.5"), ("-12,34,567.5", "1234567.5"),
        ("-8E-08", "0.00000008"), ("-0.5 ETH", None), ("-0.5.1", None), ("-1_000", None), ("-1 23.5", None),
        ("half", None), ("-٣", None), ("--1", None), ("(-1)", None), ("1e999", None), ("-inf", None),
    ],
)  # fmt: skip
def test_what_a_number_may_look_like(cell: str, amount: str | None) -> None:
    found = own(f'2026-01-02,sell,BTC,"{cell}",5,USD')
    assert [each.amount for _, each in found.parsed] == ([] if amount is None else [D(amount)])
    assert [(each.line, each.column) for each in found.problems] == (
        [] if amount else [(2, "amount")]
    )


def test_one_order_of_dates_for_a_column() -> None:
    assert times(days("03/04/2026", "25/04/2026")) == [at(2026, 4, 3), at(2026, 4, 25)]
    assert times(days("03/04/2026", "04/25/2026")) == [at(2026, 3, 4), at(2026, 4, 25)]
    assert times(days("03/03/2026")) == [at(2026, 3, 3)]
    assert times(days("03.04.2026 10:00")) == [at(2026, 4, 3, 10)]
    (question,) = days("03/04/2026", "05/06/2026").questions
    assert (question.option, question.columns, question.choices) == (
        "dateOrder", ("Day",), (Order.DMY, Order.MDY),
    )  # fmt: skip
    assert times(days("03/04/2026", date_order=Order.MDY)) == [at(2026, 3, 4)]
    for other in ("04/25/2026", "2026-04-25"):
        with pytest.raises(UnreadableFile, match=r"'Day'.*line"):
            days("25/04/2026", other)
    partly = days("25/04/2026", "04/25/2026", date_order=Order.DMY)
    assert times(partly) == [at(2026, 4, 25)]
    assert [(each.line, each.column) for each in partly.problems] == [(3, "Day")]


@pytest.mark.parametrize(
    "cell",
    [
        "2026-02-01T23:04:05Z", "2026-02-02 00:04:05+01:00", "2026-02-01 18:04:05 EST", "1769987045", "1769987045000",
        "1769987045000000", "1769987045000000000", "1 Feb 2026 23:04:05", "Feb 1, 2026, 11:04:05 PM",
        "Sun, 01 Feb 2026 23:04:05 GMT", "20260201T230405Z", "2026/02/01 23:04:05.000", "46054.961168981",
        "Sun Feb 01 2026 23:04:05 GMT+0000 (Coordinated Universal Time)", "01.02.2026, 23:04:05", "2026-02-01 23:04:05 UTC",
        "2026-02-01 18:04:05 America/New_York", "2026-02-01 11:04:05 PM", "2026-02-01 11:04:05 p.\u00a0m.",
        "2026-02-01T23:04:05Z[UTC]", "2026-02-02T00:04:05+01:00[Europe/Berlin]", "2026-02-02T00:04:05[Europe/Berlin]",
        "2026-02-01 20:04:05 America/Argentina/Buenos_Aires", "2026-02-01T23:04:05Z[Europe/Berlin]", "2026-02-02 00:04:05 MEZ",
    ],
)  # fmt: skip
def test_what_a_time_may_look_like(cell: str) -> None:
    assert times(days(cell)) == [at(2026, 2, 1, 23, 4, 5)]


@pytest.mark.parametrize(
    ("header", "hour"),
    [
        ("Day (America/New_York)", 16), ("Day (Etc/GMT+5)", 17), ("Day [America/Argentina/Buenos_Aires]", 15),
        ("Day (dd/mm/yyyy hh:mm)", 12), ("Day (Pacific Time)", None), ("Day (Berlin)", None), ("Local Day", None),
    ],
)  # fmt: skip
def test_a_clock_that_a_header_names_is_heeded_or_asked_for(header: str, hour: int | None) -> None:
    text = f"{header},What,Coin,Units,Each\n2026-07-01 12:00,buy,BTC,1,5\n"
    found = files.read(text, "generic", {**MAPPING, "date": header})
    assert times(found) == ([] if hour is None else [at(2026, 7, 1, hour)])
    assert [each.option for each in found.questions] == (["timeZone"] if hour is None else [])


def test_an_offset_that_the_zone_beside_it_did_not_have_is_refused() -> None:
    found = days("2026-07-01T12:00:00+01:00[Europe/Berlin]")
    assert "clocks of Europe/Berlin" in found.problems[0].message
    assert not found.parsed


@pytest.mark.parametrize(
    ("cell", "told", "currency"),
    [
        ("\uffe5100", "JPY", "JPY"), ("100\u5186", "", "JPY"), ("\u00a5100", "CNY", "CNY"), ("\uffe5100", "", None), ("CN\uffe5100", "", "CNY"),
        ("\uffe1100", "", "GBP"), ("\uffe6100", "", "KRW"), ("\uff04100", "CAD", "CAD"), ("\ufe69100", "", "USD"), ("HK\uff04100", "", "HKD"),
        ("100 z\u0142", "", "PLN"), ("K\u010d 100", "", "CZK"), ("\u20ab100", "", "VND"), ("kr 100", "SEK", "SEK"), ("kr 100", "", None),
        ("100 Ft", "HUF", "HUF"), ("\uffe0100", "USD", None), ("\ufdfc100", "", None),
    ],
)  # fmt: skip
def test_a_currency_s_sign_is_known_in_every_width(
    cell: str, told: str, currency: str | None
) -> None:
    found = files.read(
        f"date,type,token,amount,price,currency\n2026-01-02,buy,BTC,1,{cell},{told}\n", "coinsphere"
    )
    said = [(each.price, each.currency) for _, each in found.parsed]
    assert said == ([] if currency is None else [(100, currency)])


def test_times_of_no_zone_midnight_and_summer() -> None:
    assert times(days("2026-02-01 24:00")) == [at(2026, 2, 2)]
    assert times(days("2026-07-01 12:00", time_zone="Europe/Berlin")) == [at(2026, 7, 1, 10)]
    for cell in (
        "2026-03-29 02:30",
        "2026-10-25 02:30",
        "2026-02-01 25:00",
        "2026-02-01 10:00 IST",
        "2026-02-30",
    ):
        found = days(cell, time_zone="Europe/Berlin")
        assert [(each.line, each.column) for each in found.problems] == [(2, "Day")], cell
    local = {**MAPPING, "date": "Time (local)"}
    text = "Time (local),What,Coin,Units,Each\n2026-02-01 10:00,buy,BTC,1,5\n"
    assert [each.option for each in files.read(text, "generic", local).questions] == ["timeZone"]
    east = {**MAPPING, "date": "Time (UTC+8)"}
    assert times(files.read(text.replace("local", "UTC+8"), "generic", east)) == [at(2026, 2, 1, 2)]


LANGUAGES = ("bg", "cs", "da", "de", "el", "en", "es", "et", "fi", "fr", "hr", "hu", "it", "lt", "nb", "nl", "pl", "pt", "ro",
             "ru", "sk", "sl", "sv", "tr", "uk")  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("form", ["d. MMMM y 'at' HH:mm", "d MMM yyyy HH:mm", "dd-LLLL-yy HH:mm"])
def test_months_are_known_by_name_in_the_language_of_the_whole_file(
    language: str, form: str
) -> None:
    wanted = [datetime(2026, month, 7, 13, 5, tzinfo=UTC) for month in range(1, 13)]
    cells = [format_datetime(each, form.replace("'at'", ""), locale=language) for each in wanted]
    found = days(*cells)
    assert times(found) == wanted, (cells, found.questions, found.problems)
    assert [each for each in found.decisions if each.what.startswith("months as in ")]


def test_a_month_that_languages_know_differently_is_decided_by_other_cells_or_asked() -> None:
    assert times(days("1er mai 2026", "14 juil. 2026", "2 d\u2019août 2026")) == [
        at(2026, 5, 1),
        at(2026, 7, 14),
        at(2026, 8, 2),
    ]
    assert times(days("2. Jänner 2026", "3. März 2026 14:00")) == [
        at(2026, 1, 2),
        at(2026, 3, 3, 14),
    ]
    assert times(days("2 de enero de 2026", "3 abr 2026")) == [at(2026, 1, 2), at(2026, 4, 3)]
    # October for Croats, November for Czechs and Poles.
    assert times(days("3 rujan 2026", "2 listopad 2026")) == [at(2026, 9, 3), at(2026, 10, 2)]
    assert times(days("3 září 2026", "2 listopad 2026")) == [at(2026, 9, 3), at(2026, 11, 2)]
    asked = days("2 listopad 2026")
    (question,) = asked.questions
    assert (question.option, question.columns, asked.parsed) == ("dateLanguage", ("Day",), [])
    assert set(question.choices) == {"cs", "hr", "pl"}
    assert times(days("2 listopad 2026", date_language="hr")) == [at(2026, 10, 2)]
    assert times(days("2 listopad 2026", date_language="pl")) == [at(2026, 11, 2)]
    # There is no 31st of November.
    assert times(days("31 listopad 2026")) == [at(2026, 10, 31)]
    with pytest.raises(
        UnreadableFile, match=r"several languages in the column 'Day'.*dateLanguage"
    ):
        days("2 März 2026", "3 juillet 2026")
    answered = days("2 März 2026", "3 juillet 2026", date_language="fr")
    assert times(answered) == [at(2026, 7, 3)]
    assert [problem.message for problem in answered.problems] == [
        "'2 März 2026' is no date with a month's name in French"
    ]
    with pytest.raises(UnreadableFile, match="'xx': its months are not known"):
        days("2 Mai 2026", date_language="xx")


def test_every_column_is_known_or_named() -> None:
    text = "date,type,token,amount,mood,,free\n2026-01-02,buy,BTC,1,good,,\n"
    asked = files.read(text, "coinsphere")
    assert [(each.option, each.columns) for each in asked.questions] == [
        ("ignoreColumns", ("mood",))
    ]
    found = files.read(text, "coinsphere", None, Answers(ignore_columns=("mood",)))
    assert [each.column for each in found.unread] == ["mood", "column 6", "free"]
    assert len(found.parsed) == 1
    with pytest.raises(UnreadableFile, match="'Amount' twice"):
        files.read("date,type,token,amount,Amount\n2026-01-02,buy,BTC,1,2\n", "coinsphere")


def test_every_row_is_booked_left_out_or_refused() -> None:
    found = files.read(
        "My trades\n\ndate,type,token,amount,price,notes\n"
        '2026-01-02,buy,BTC,1,5,"two\nlines"\n'
        "date,type,token,amount,price,notes\n"
        "2026-01-03,buy,BTC,2,5,1.234,56\n"
        "Total,,,7,,\n"
        "2026-01-04,buy,BTC,1.2",
        "coinsphere",
    )
    assert [line for line, _ in found.parsed] == [4]
    assert [(each.line, each.message) for each in found.left_out] == [(6, "repeats the header")]
    assert [each.line for each in found.problems] == [7, 8, 9]
    assert "has 7 cells, the header 6" in found.problems[0].message
    assert "cut off" in found.problems[-1].message
    assert found.rows == 5


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("PK\x03\x04\x14\0", "workbook"), ("%PDF-1.7", "PDF"), ("<html><table>", "page"), ("\xd0\xcf\x11\xe0", "workbook"),
        ("d\0a\0t\0e\0,\0t\0", "UTF-16"), ('date,type,token,amount\n2026-01-02,buy,"BTC,1\n', "line 2 is no CSV"),
    ],
)  # fmt: skip
def test_what_is_no_table_is_refused_for_what_it_is(text: str, says: str) -> None:
    with pytest.raises(UnreadableFile, match=says):
        files.read(text, "coinsphere")


def test_signs_decide_and_contradict() -> None:
    found = own(
        "2026-01-02,transfer,BTC,-1,,\n2026-01-03,transfer,BTC,2,,\n2026-01-04,buy,BTC,-3,5,"
    )
    assert [each.kind for _, each in found.parsed] == [Kind.TRANSFER_OUT, Kind.TRANSFER_IN]
    assert [(each.line, each.column) for each in found.problems] == [(4, "amount")]
    assert [(each.line, each.column) for each in own("2026-01-02,transfer,BTC,1,,").problems] == [
        (2, "type")
    ]
    unlike = own("2026-01-02,buy,BTC,1,€5,USD")
    assert [(each.line, each.column) for each in unlike.problems] == [(2, "price")]


KOINLY_US = (
    "Date,Type,Tag,Sending Wallet,Sent Amount,Sent Currency,Sent Cost Basis,Receiving Wallet,Received Amount,"
    "Received Currency,Received Cost Basis,Fee Amount,Fee Currency,Gain (USD),Net Value (USD),Fee Value (USD),TxSrc,TxDest,"
    "TxHash,Description\n"
)


def test_koinly_of_the_us_is_told_apart() -> None:
    found = files.read(
        KOINLY_US
        + "2026-01-04 10:00:00 UTC,crypto_deposit,Airdrop,,,,,Ledger,10,OP,12,,,0,12,,,,h2,\n"
        + "2026-01-05 10:00:00 UTC,transfer,,Ledger,2,ETH,1,Kraken,1.99,ETH,1,,,0,12,,,,h3,\n"
        + "2026-01-06 10:00:00 UTC,crypto_withdrawal,Stake,Ledger,2,ETH,1,,,,,,,0,12,,,,h4,\n"
        + "2026-01-07 10:00:00 UTC,crypto_withdrawal,Party,Ledger,2,ETH,1,,,,,,,0,12,,,,h4,\n"
        + "2026-01-08 10:00:00 UTC,crypto_deposit,,Ledger,2,ETH,1,,,,,,,0,12,,,,h4,\n",
        "koinly",
    )
    said = [
        (each.kind, each.symbol, each.amount, each.price, each.exchange) for _, each in found.parsed
    ]
    assert said == [
        (Kind.AIRDROP, "OP", 10, D("1.2"), "Ledger"),
        (Kind.TRANSFER_OUT, "ETH", 2, None, "Ledger"),
        (Kind.TRANSFER_IN, "ETH", D("1.99"), None, "Kraken"),
    ]
    assert [(each.line, each.message) for each in found.left_out] == [
        (4, "was staked and is still yours (stake)")
    ]
    assert [(each.line, each.column) for each in found.problems] == [(5, "Tag"), (6, "Type")]


@pytest.mark.parametrize(
    ("label", "kind"),
    [
        ("airdrop", Kind.AIRDROP), ("fork", Kind.AIRDROP), ("mining", Kind.REWARD), ("salary", Kind.REWARD),
        ("lending interest", Kind.INTEREST), ("cashback", Kind.REWARD), ("fee refund", Kind.DEPOSIT), ("loan", Kind.DEPOSIT),
        ("realized gain", Kind.REWARD), ("-gift", Kind.GIFT), ("-donation", Kind.GIFT), ("-lost", Kind.LOST),
        ("-margin fee", Kind.FEE), ("-loan repayment", Kind.WITHDRAWAL), ("-tax", Kind.FEE), ("-airdrop", None),
        ("lost", None), ("-realized gain", Kind.LOST),
    ],
)  # fmt: skip
def test_labels_of_koinly(label: str, kind: Kind | None) -> None:
    sides = ",,1,ETH" if not label.startswith("-") else "1,ETH,,"
    text = "Date,Sent Amount,Sent Currency,Received Amount,Received Currency,Label\n"
    found = files.read(f"{text}2026-01-02,{sides},{label.lstrip('-')}\n", "koinly")
    assert [each.kind for _, each in found.parsed] == ([] if kind is None else [kind])
    assert [(each.line, each.column) for each in found.problems] == ([] if kind else [(2, "Label")])


def test_headers_of_exchanges_of_other_years() -> None:
    (buy,) = files.read(
        "Timestamp,Transaction Type,Asset,Quantity Transacted,EUR Spot Price at Transaction,EUR Subtotal,"
        "EUR Total (inclusive of fees),EUR Fees,Notes\n"
        "2025-09-20T14:48:34Z,Buy,BTC,0.0030,9308.43,28.00,30.00,2.00,Bought 0.0030 BTC for €30.00 EUR\n",
        "coinbase",
    ).parsed
    assert (buy[1].price.quantize(D("0.01")), buy[1].currency, buy[1].fee) == (
        D("9333.33"),
        "EUR",
        2,
    )
    (row,) = files.read(
        '\ufeff"User ID","Time","Account","Operation","Coin","Change","Remark"\n'
        '"1","26-03-25 21:30:41","Spot","Deposit","ETH","1.5",""\n',
        "binance",
    ).parsed
    assert (row[1].occurred_at, row[1].amount) == (at(2026, 3, 25, 21, 30, 41), D("1.5"))


def test_balances_are_followed_row_by_row() -> None:
    header = "txid,refid,time,type,subtype,aclass,asset,amount,fee,balance\n"
    rows = [
        "L1,R1,2026-01-02 03:04:05,deposit,,currency,XXBT,2,0,2",
        "L2,R2,2026-01-03 03:04:05,withdrawal,,currency,XXBT,-1,0.1,0.9",
        "L3,R3,2026-01-03 03:04:05,deposit,,currency,XETH,5,0,5",
        "L4,R4,2026-01-05 03:04:05,deposit,,currency,XXBT,1,0,1.9",
    ]
    for order in (rows, rows[::-1]):
        assert files.read(header + "\n".join(order) + "\n", "kraken").warnings == []
    del rows[1]
    (warning,) = files.read(header + "\n".join(rows) + "\n", "kraken").warnings
    assert (warning.line, warning.column) == (4, "balance")
    assert "3 would be left" in warning.message


def test_balances_of_any_table_are_followed_as_its_rows_are_booked() -> None:
    mapping = {
        "date": "Day", "type": "What", "token": "Coin", "amount": "Units", "fee": "Fee", "fee_token": "Paid in",
        "counter_token": "For", "counter_amount": "Got", "exchange": "Where", "balance": "Left",
    }  # fmt: skip
    rows = [
        "2026-01-02,buy,BTC,2,0.1,BTC,,,a,1.9",
        "2026-01-03,buy,ETH,5,0.01,BTC,,,a,5",
        "2026-01-04,sell,BTC,1,,,,,a,0.89",
        "2026-01-05,deposit,BTC,7,,,,,b,7",
        "2026-01-06,swap,BTC,0.5,,,ETH,8,a,0.39",
        "2026-01-07,staking,ETH,1,,,,,a,",
        "2026-01-08,withdrawal,ETH,4,,,,,a,10",
    ]

    def warned(rows: list[str]) -> list[tuple[int, str | None, str]]:
        content = f"{','.join(mapping.values())}\n" + "\n".join(rows) + "\n"
        found = files.read(content, "generic", mapping)
        assert len(found.parsed) == len(rows), found.problems
        return [
            (each.line, each.column, each.message.split(" would")[0]) for each in found.warnings
        ]

    for order in (rows, rows[::-1]):
        assert warned(order) == []
    says = "does not follow from the row before, after which"
    for lost, line, told, wanted in ((1, 3, "0.89", "0.9"), (4, 7, "10", "2"), (5, 7, "10", "9")):
        rest = rows[:lost] + rows[lost + 1 :]
        assert warned(rest) == [(line, "Left", f"{told} {says} {wanted}")]


@pytest.mark.parametrize(
    ("cell", "price", "currency"),
    [
        ("CHF 100.-", "100", "CHF"), ("1'234.--", "1234", "USD"), ("100.\u2013 CHF", "100", "CHF"), ("US$ 1,000.50", "1000.5", "USD"),
        ("C$5.5", "5.5", "CAD"), ("A$.5", "0.5", "AUD"), ("R$5.5", "5.5", "BRL"), ("(5.5)", "-5.5", "USD"), ("5.50-", "-5.5", "USD"),
    ],
)  # fmt: skip
def test_money_is_read_as_its_country_writes_it(cell, price, currency) -> None:
    ((_, made),) = files.read(
        f'date,type,token,amount,price\n2026-01-02,buy,BTC,1,"{cell}"\n', "coinsphere"
    ).parsed
    assert (made.price, made.currency) == (D(price), currency)


def test_no_cents_are_written_with_a_dash_that_proves_the_mark() -> None:
    text = "date;type;token;amount;price;fee\n2.1.2026;buy;BTC;1,5;1.234,-;2,-- \u20ac\n"
    ((_, made),) = files.read(text.replace("2.1.2026", "02.01.2026"), "coinsphere").parsed
    assert (made.amount, made.price, made.fee, made.currency) == (D("1.5"), 1234, 2, "EUR")


@pytest.mark.parametrize(
    "cell",
    ["1.5K", "1.2M", "1.2 Mio", "Mio 1.2", "2.5bn", "45 Tsd", "3 Lakh", "Rs.500", "Fr.5", "0.1%", "#N/A", "#VALUE!", "5-5", "١٢٣"],
)  # fmt: skip
def test_what_is_no_plain_number_is_refused_and_never_another_number(cell) -> None:
    found = own(f'2026-01-02,buy,BTC,1,"{cell}",')
    assert (found.parsed, [each.column for each in found.problems]) == ([], ["price"])


def test_what_came_back_of_fees_is_told_by_its_sign_among_all_fees() -> None:
    mapping = {**MAPPING, "fee": "Fee"}
    rows = ["1,-0.2", "-1,-0.2", "1,0.05"]
    text = "Day,What,Coin,Units,Each,Fee\n" + "".join(
        f"2026-01-0{day},{'sell' if row[0] == '-' else 'buy'},BTC,{row.replace(',', ',5,')}\n"
        for day, row in enumerate(rows, 1)
    )
    found = files.read(text, "generic", mapping)
    assert [each.fee for _, each in found.parsed] == [D("0.2"), D("0.2")]
    assert [(each.line, each.column) for each in found.problems] == [(4, "Fee")]


def test_a_status_decides_whether_a_row_happened() -> None:
    text = "Day,What,Coin,Units,Each,Order Status\n" + "".join(
        f"2026-01-02,buy,BTC,{number},5,{status}\n"
        for number, status in enumerate(("Completed", "CANCELED", "partially_filled", "Pending", "Failed", "", "Partially canceled"), 1)
    )  # fmt: skip
    asked = files.read(text, "generic", MAPPING)
    assert [(each.option, each.columns) for each in asked.questions] == [
        ("ignoreColumns", ("Order Status",))
    ]
    found = files.read(text, "generic", {**MAPPING, "status": "Order Status"})
    assert [amount for amount, _ in amounts(found)] == [1, 3, 6]
    assert [each.line for each in found.left_out] == [3, 5, 6]
    assert [(each.line, each.column) for each in found.problems] == [(8, "Order Status")]
    ignored = files.read(text, "generic", MAPPING, Answers(ignore_columns=("Order Status",)))
    assert len(ignored.parsed) == 7
    done = "\n".join(line for line in text.splitlines() if line.endswith(("Status", "Completed")))
    assert len(files.read(f"{done}\n", "generic", MAPPING).parsed) == 1


def test_koinly_what_was_received_has_no_minus_and_a_fee_alone_is_one() -> None:
    header = "ID,Date (UTC),Type,Tag,From Wallet (read-only),From Amount,From Currency,To Amount,To Currency,Fee Amount,Fee Currency,Deleted"
    rows = ["1,2026-01-02,crypto_withdrawal,,A,0,ETH,,,0.002,ETH,false", "2,2026-01-02,,,A,,,-5,OP,,,", "3,2026-01-02,,,A,-5,OP,,,,,",
            "4,2026-01-02,,,A,7,OP,,,,,true", "5,2026-01-02,,,A,,,,,,,"]  # fmt: skip
    found = files.read("\n".join([header, *rows, ""]), "koinly")
    assert [(each.kind, each.amount, each.symbol) for _, each in found.parsed] == [
        (Kind.FEE, D("0.002"), "ETH"),
        (Kind.TRANSFER_OUT, 5, "OP"),
    ]
    assert [(each.line, each.column) for each in found.problems] == [
        (3, "To Amount"),
        (6, "From Amount"),
    ]
    assert [each.line for each in found.left_out] == [5]


def test_what_stands_beside_a_fee_is_its_token_and_never_the_prices_currency() -> None:
    """As `Fee` of Binance's trades: 0.001BNB."""
    mapping = {**MAPPING, "fee": "Fee"}
    rows = [
        "1,0.5BNB",
        "1 EUR,0.5 BNB",
        "1,0.5 USDT",
        "1 EUR,0.5 EUR",
        "1,0.5 EUR",
        "1 EUR,0.5 CHF",
    ]
    text = "Day,What,Coin,Units,Each,Fee\n" + "".join(
        f"2026-01-02,buy,BTC,1,{row}\n" for row in rows
    )
    found = files.read(text, "generic", mapping)
    assert [(each.currency, each.fee, each.fee_symbol) for _, each in found.parsed] == [
        ("USD", D("0.5"), "BNB"), ("EUR", D("0.5"), "BNB"), ("USD", D("0.5"), "USDT"), ("EUR", D("0.5"), None), ("EUR", D("0.5"), None),
    ]  # fmt: skip
    assert [(each.line, each.column) for each in found.problems] == [(7, "Fee")]


def test_a_swap_goes_the_way_that_its_signs_tell() -> None:
    mapping = {"date": "Day", "type": "What", "token": "Coin", "amount": "Units", "counter_token": "For", "counter_amount": "Got"}  # fmt: skip
    signed = [
        "trade,BTC,-1,ETH,20",
        "convert,ETH,20,BTC,-1",
        "swap,BTC,1,ETH,20",
        "swap,BTC,-1,ETH,-20",
    ]
    for rows, swaps, wrong in ((signed, 2, [4, 5]), (signed[2:3], 1, [])):
        text = "Day,What,Coin,Units,For,Got\n" + "".join(f"2026-01-02,{row}\n" for row in rows)
        found = files.read(text, "generic", mapping)
        told = [
            (each.symbol, each.amount, each.counter_symbol, each.counter_amount)
            for _, each in found.parsed
        ]
        assert told == [("BTC", 1, "ETH", 20)] * swaps
        assert [(each.line, each.column) for each in found.problems] == [
            (line, "Got") for line in wrong
        ]


def test_a_clock_may_say_that_it_is_one() -> None:
    assert times(days("2. Mai 2026 13:05 Uhr")) == [at(2026, 5, 2, 13, 5)]


def test_go_writes_the_zone_twice() -> None:
    assert times(days("2026-03-05 10:11:12 +0100 CET")) == [at(2026, 3, 5, 9, 11, 12)]


def test_a_file_of_the_newest_first_is_turned_round() -> None:
    rows = ["2026-01-03,sell,BTC,1,9,", "2026-01-02,sell,BTC,1,150,", "2026-01-02,buy,BTC,1,140,"]
    assert [line for line, _ in own("\n".join(rows)).parsed] == [4, 3, 2]
    assert [line for line, _ in own("\n".join(rows[1:])).parsed] == [2, 3]


# A table in any dialect

EVENTS = st.lists(
    st.tuples(
        st.dates(date(2019, 1, 1), date(2026, 2, 28)),
        st.integers(0, 86_399),
        st.sampled_from(["buy", "sell"]),
        st.decimals("0.001", "9999999", places=3),
        st.decimals("0.01", "99999", places=2),
    ),
    min_size=1,
    max_size=8,
)
DIALECTS = st.tuples(
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from([(".", ","), (",", "."), (",", " "), (".", "'"), (",", "\u00a0"), (".", ""), (",", "")]),
    st.sampled_from(["%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%y", "%y-%m-%d", "%d %b %Y", "%Y%m%d"]),
    st.sampled_from(["", " UTC", "+02:00", "-0330"]),
    st.sampled_from(["{}", "{} BTC", "BTC {}"]),
)  # fmt: skip
SHIFTS = {"": 0, " UTC": 0, "+02:00": 120, "-0330": -210}


def _written(number: Decimal, marks: tuple[str, str]) -> str:
    decimal, group = marks
    return f"{number:,f}".translate({ord("."): decimal, ord(","): group})


def _rendered(events, dialect) -> str:
    delimiter, marks, form, zone, unit = dialect
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerow(["Day", "What", "Coin", "Units", "Each"])
    for day, second, side, amount, price in events:
        there = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(
            seconds=second, minutes=SHIFTS[zone]
        )
        clock = "%H%M%S" if form == "%Y%m%d" else " %H:%M:%S"
        shown = there.strftime(form + clock) + ("" if form == "%Y%m%d" else zone)
        if form == "%Y%m%d":
            shown = (there - timedelta(minutes=SHIFTS[zone])).strftime("%Y%m%d%H%M%S")
        writer.writerow(
            [shown, side, "BTC", unit.format(_written(amount, marks)), _written(price, marks)]
        )
    return out.getvalue()


def _told(events) -> list[tuple]:
    return [
        (
            datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=second),
            side,
            amount,
            price,
        )
        for day, second, side, amount, price in events
    ]


@settings(max_examples=400, deadline=None)
@given(EVENTS, DIALECTS)
def test_a_table_in_any_dialect_says_the_same_or_is_asked(events, dialect) -> None:
    """Never another number or another day: what the cells leave open is asked, and the answer reads all of it."""
    text = _rendered(events, dialect)
    found = files.read(text, "generic", MAPPING)
    asked = {question.option for question in found.questions}
    assert asked <= {"numberFormat", "dateOrder"}
    if asked:
        order = {"%d": Order.DMY, "%m": Order.MDY, "%y": Order.YMD, "%Y": Order.YMD}[dialect[2][:2]]
        mark = Mark.POINT if dialect[1][0] == "." else Mark.COMMA
        found = files.read(text, "generic", MAPPING, Answers(number_format=mark, date_order=order))
    assert not found.problems
    said = sorted(
        (each.occurred_at, str(each.kind), each.amount, each.price) for _, each in found.parsed
    )
    assert said == sorted(_told(events))


@pytest.mark.parametrize(
    ("column", "title", "right"),
    [
        ("price", "Price (EUR)", (D(2), "EUR", D("0.5"), None)),
        ("price", "Preis in €", (D(2), "EUR", D("0.5"), None)),
        ("price", "gbp_price", (D(2), "GBP", D("0.5"), None)),
        ("price", "Price (avg)", (D(2), "USD", D("0.5"), None)),
        ("fee", "Fee (BNB)", (D(2), "USD", D("0.5"), "BNB")),
        ("fee", "fee_eur", (D(2), "EUR", D("0.5"), None)),
        ("amount", "Amount (BTC)", (D(2), "USD", D("0.5"), None)),
        ("amount", "Amount (ETH)", "is in ETH, not in BTC"),
        ("amount", "Amount EUR", "is in EUR, not in BTC"),
        ("amount", "amount (mBTC)", "counts in 'mBTC'"),
        ("amount", "Satoshi", "counts in 'Satoshi'"),
        ("price", "price (cents)", "counts in 'cents'"),
        ("price", "price per 1000", "counts in 'per 1000'"),
        ("price", "Price per unit (total incl. fee)", (D(2), "USD", D("0.5"), None)),
        ("fee", "fee_pct", "counts in 'pct'"),
        ("fee", "Fee %", "counts in '%'"),
        ("fee", "fee (gwei)", "counts in 'gwei'"),
    ],
)
def test_what_the_title_of_a_mapped_column_counts_in_is_heeded(column, title, right) -> None:
    named = {"date": "date", "token": "token", "amount": "amount", "price": "price", "fee": "fee"}
    mapping = named | {column: title}
    text = ",".join(mapping.values()) + "\n2026-01-02,BTC,1,2,0.5\n"
    if isinstance(right, str) and right.startswith("counts"):
        with pytest.raises(UnreadableFile, match=right):
            files.read(text, "generic", mapping)
        return
    found = files.read(text, "generic", mapping)
    if isinstance(right, str):
        assert [(each.column, each.message) for each in found.problems] == [(title, right)]
        return
    ((_, made),) = found.parsed
    assert (made.price, made.currency, made.fee, made.fee_symbol) == right


@pytest.mark.parametrize(
    "title", ["Total", "Subtotal (EUR)", "total_price", "Gesamtbetrag", "Proceeds"]
)
def test_a_total_is_no_price_of_one(title) -> None:
    """0.1 BTC for 5,000 in all was booked at 5,000 for one."""
    mapping = {"date": "date", "token": "token", "amount": "amount", "price": title}
    with pytest.raises(UnreadableFile, match="price of one unit"):
        files.read(f"date,token,amount,{title}\n2026-01-02,BTC,0.1,5000\n", "generic", mapping)


def test_of_a_kind_that_has_a_minus_every_row_has_one() -> None:
    """A sale that was taken back was booked as another sale."""
    mapping = {"date": "date", "type": "type", "token": "token", "amount": "amount"}
    rows = (
        "2026-01-02,buy,BTC,2",
        "2026-01-03,sell,BTC,-1",
        "2026-01-04,sell,BTC,1",
        "2026-01-05,fee,BTC,0.1",
    )
    found = files.read("\n".join(["date,type,token,amount", *rows, ""]), "generic", mapping)
    assert [(each.kind, each.amount) for _, each in found.parsed] == [
        (Kind.BUY, D(2)), (Kind.SELL, D(1)), (Kind.FEE, D("0.1")),
    ]  # fmt: skip
    ((line, message),) = [(each.line, each.message) for each in found.problems]
    assert (line, "did it come back?" in message) == (4, True)


def test_a_currency_that_is_not_mapped_is_asked_about_before_prices_are_taken_for_dollars() -> None:
    mapping = {"date": "date", "token": "token", "amount": "amount", "price": "price"}
    text = "date,token,amount,price,Currency\n2026-01-02,BTC,1,2,{}\n2026-01-03,BTC,1,2,USD\n"
    (question,) = files.read(text.format("EUR"), "generic", mapping).questions
    assert (question.option, question.columns) == ("ignoreColumns", ("Currency",))
    assert files.read(text.format("USD"), "generic", mapping).questions == []
    answered = files.read(
        text.format("EUR"), "generic", mapping, Answers(ignore_columns=("Currency",))
    )
    assert len(answered.parsed) == 2
    found = files.read(text.format("EUR"), "generic", mapping | {"currency": "Currency"})
    assert [each.currency for _, each in found.parsed] == ["EUR", "USD"]


def test_all_our_columns_can_be_mapped() -> None:
    text = (
        ",".join(name.title() for name in OWN_COLUMNS)
        + "\n2026-01-02,buy,BTC,1,5,EUR,1,,,,x,h,n,id,manual\n"
    )
    found = files.read(text, "generic", {name: name.title() for name in OWN_COLUMNS})
    assert [each.fee for _, each in found.parsed] == [1]


@pytest.mark.parametrize(
    ("title", "cells", "is_asked"),
    [
        ("Side", ("BUY", "SELL"), True), ("Direction", ("out", "in"), True), ("D/C", ("Dr", "Cr"), True), ("Side", ("", "sell"), True),
        ("Time", ("03:04:05", "14:00"), True), ("Uhrzeit", ("3:04 PM", ""), True), ("Venue", ("Kraken", "OKX"), False),
        ("Note", ("sell", "what I wrote"), False), ("Lasted", ("5", "12"), False),
    ],
)  # fmt: skip
def test_a_column_that_may_turn_or_time_a_row_is_asked_about(title, cells, is_asked) -> None:
    mapping = {"date": "Day", "token": "Coin", "amount": "Units"}
    rows = "".join(f"2026-01-0{at},BTC,1,{cell}\n" for at, cell in enumerate(cells, 1))
    found = files.read(f"Day,Coin,Units,{title}\n{rows}", "generic", mapping)
    assert [each.columns for each in found.questions] == ([(title,)] if is_asked else [])


def test_a_side_beside_a_type_and_a_clock_beside_an_instant_tell_nothing_new() -> None:
    text = "Day,What,Coin,Units,Side,Clock\n2026-01-02 03:04,buy,BTC,1,buy,03:04\n"
    mapping = {"date": "Day", "type": "What", "token": "Coin", "amount": "Units"}
    assert times(files.read(text, "generic", mapping)) == [at(2026, 1, 2, 3, 4)]


def test_marks_that_nobody_sees_around_a_cell_are_none_of_it() -> None:
    """Windows writes U+200E around dates, web pages leave U+200B, U+FEFF and U+2069."""
    cells = (
        "\u200e2026-01-02",
        "buy\u200b",
        "\ufeffBTC\u2069",
        "\u200f1.5\u200e",
        "\u202d\u202c5",
        "EUR\u00a0",
    )
    found = files.read(
        f"\u200edate,type,token\u200b,amount,price,currency\n{','.join(cells)}\n", "coinsphere"
    )
    assert amounts(found) == [(D("1.5"), 5)]
    assert (found.parsed[0][1].symbol, found.parsed[0][1].currency) == ("BTC", "EUR")


@pytest.mark.parametrize("cell", ["99999", "00001", "20000.5"])
def test_a_day_s_number_is_of_a_year_of_tokens(cell: str) -> None:
    (problem,) = days(cell).problems
    assert "is no date" in problem.message
