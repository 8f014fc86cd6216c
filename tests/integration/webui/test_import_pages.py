"""Files of transactions by pages: what is told of them, what they leave open, and that nothing of them is believed."""

import io
import re
from uuid import UUID

import psycopg
import pytest

from coinsphere.clock import utc_now
from coinsphere.portfolio.imports import importing
from tests.integration.webapi.conftest import OPTIONS
from tests.integration.webui.conftest import Visitor

HOSTILE = '"><script>alert(1)</script>'


@pytest.fixture
def home(member) -> str:
    """The address of a portfolio."""
    member.get("/portfolios")
    made = member.post("/portfolios", {"name": "Mine", "currency": "USD"})
    return made.headers["Location"]


def sent(member: Visitor, home: str, text: str | bytes, **fields: str):
    """The page that a file leads to."""
    member.get(f"{home}/imports")
    content = text if isinstance(text, bytes) else text.encode()
    name = fields.pop("name", "trades.csv")
    answer = member.post(f"{home}/imports", {"file": (io.BytesIO(content), name), **fields})
    if answer.status_code != 303:
        return answer
    return member.get(answer.headers["Location"])


def test_a_file_is_looked_at_booked_and_known(member, home, module_database) -> None:
    text = (
        "date,type,token,amount,price,currency,fee,exchange,notes\n"
        f"2026-01-02T10:00:00Z,buy,BTC,0.5,61000,USD,12.5,kraken,{HOSTILE.replace(chr(34), '')}\n"
        "2026-01-03T10:00:00Z,buy,NOPE,1,2,USD,,,\n"
        "yesterday,buy,BTC,1,2,USD,,,\n"
    )
    looked = sent(member, home, text, name=f"{HOSTILE}.csv")
    assert "Coinsphere" in looked.text
    assert "Buy 0.5 BTC" in looked.text
    assert "$30,512.50" in looked.text, "the cost, with the fee"
    assert "no token has the symbol" in looked.text
    assert "<script>alert" not in looked.text
    address = looked.request.path
    assert member.post(f"{address}/confirm").status_code == 303
    assert "Waits for its turn" in member.get(address).text
    assert member.post(f"{address}/confirm").status_code == 409
    with psycopg.connect(module_database.pipeline, autocommit=True, options=OPTIONS) as conn:
        importing.run(conn, UUID(address.rpartition("/")[2]), utc_now)
    done = member.get(address).text
    assert "1 transaction is in the books" in done
    assert "2 lines were wrong" in done
    again = sent(member, home, text).text
    assert "There is nothing new in it" in again
    listed = member.get(f"{home}/export?format=csv")
    assert listed.mimetype == "text/csv"
    assert "0.5" in listed.text


def test_what_a_file_leaves_open_is_asked(member, home) -> None:
    text = 'date,type,token,amount,price\n03/04/2025,buy,BTC,"1,500",2\n'
    looked = sent(member, home, text)
    assert "How are dates written?" in looked.text
    assert "How are numbers written?" in looked.text
    address = looked.request.path
    assert member.post(f"{address}/confirm").status_code == 409
    assert member.post(f"{address}/answers", {"dateOrder": "wrong"}).status_code == 400
    told = {"dateOrder": "dmy", "numberFormat": "comma"}
    assert member.post(f"{address}/answers", told).status_code == 303
    shown = member.get(address).text
    assert "Buy 1.5 BTC" in shown
    assert "April 2025" in shown
    assert "dates as day, month, year" in shown


def test_a_file_of_nobody_is_mapped(member, home) -> None:
    text = f"Tag;Menge;Münze;{HOSTILE}\n2026-01-02;0,25;BTC;x\n"
    looked = sent(member, home, text)
    assert "Say what its columns stand for" in looked.text
    assert "<script>alert" not in looked.text
    address = looked.request.path
    told = {"format": "generic", "map.date": "Tag", "map.token": "Münze", "map.amount": "Menge"}
    assert member.post(f"{address}/format", told).status_code == 303
    shown = member.get(address).text
    assert "Buy 0.25 BTC" in shown, re.sub(r"<[^>]*>|\s+", " ", shown)
    assert (
        member.post(f"{address}/format", {"format": "generic", "map.date": "Tag"}).status_code
        == 303
    )
    assert "mapping of date, token and amount" in member.get(address).text
    assert member.post(f"{address}/format", {"format": "kraken"}).status_code == 303
    assert "no header with the columns" in member.get(address).text
    assert member.post(f"{address}/format", {"format": "nothing"}).status_code == 409


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"PK\x03\x04rest", "is a workbook"),
        (b"date,type,token,amount\n\xff\xfe,buy,BTC,1\n", "is not text in UTF-8"),
        (b"no table at all", "No line of it looks like a header"),
        (b"", "is needed, and must not be empty"),
    ],
)
def test_what_is_no_table_says_what_it_is(member, home, content, says) -> None:
    looked = sent(member, home, content)
    assert looked.status_code in (200, 400)
    assert says.lower() in looked.text.lower()


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-16-le", "utf-8-sig"])
def test_unicode_text_of_a_spreadsheet_is_read(member, home, encoding) -> None:
    text = "date\ttype\ttoken\tamount\tnotes\n02.01.2026\tbuy\tBTC\t0,25\tMünze\n"
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    looked = sent(member, home, f"{mark}{text}".encode(encoding))
    shown = re.sub(r"<[^>]*>|\s+", " ", looked.text)
    assert "Buy 0.25 BTC" in looked.text, shown
    assert "Münze" in looked.text


def test_imports_of_others_do_not_exist(member, home, app) -> None:
    address = sent(member, home, "date,type,token,amount\n2026-01-02,buy,BTC,1\n").request.path
    thief = Visitor(app.test_client())
    thief.register()
    thief.get("/profile")
    assert thief.get(address).status_code == 404
    assert thief.get(f"{home}/export").status_code == 404
    for act in ("confirm", "answers", "format"):
        assert thief.post(f"{address}/{act}", {"format": "kraken"}).status_code == 404
    file = {"file": (io.BytesIO(b"x"), "x.csv")}
    assert thief.post(f"{address}/parts", file).status_code == 404


def test_a_large_file_comes_in_parts(member, home) -> None:
    head = "date,type,token,amount,notes\n2026-01-02,buy,BTC,1,ü".encode()
    member.get(f"{home}/imports")
    # A part may end within a character.
    first = {"file": (io.BytesIO(head[:-1]), "x.csv"), "parts": "1"}
    address = member.post(f"{home}/imports", first).text
    rest = {"file": (io.BytesIO(head[-1:] + b"\n2026-01-03,buy,BTC,2,\n"), "part")}
    assert member.post(f"{address}/parts", rest).status_code == 204
    shown = member.get(address).text
    assert "Buy 1 BTC" in shown
    assert "Buy 2 BTC" in shown
    assert "· ü" in shown


def run(module_database, address: str) -> None:
    with psycopg.connect(module_database.pipeline, autocommit=True, options=OPTIONS) as conn:
        importing.run(conn, UUID(address.rpartition("/")[2]), utc_now)


def booked(member: Visitor, home: str) -> str:
    return member.get(f"{home}/export?format=csv").text


def entries(module_database, home: str) -> list[tuple]:
    """The sum of each account of the portfolio's ledger."""
    with psycopg.connect(module_database.owner, options=OPTIONS) as conn:
        return conn.execute(
            "select account, sum(amount) from app.ledger_entries where portfolio_id = %s group by 1",
            [home.rpartition("/")[2]],
        ).fetchall()


def test_an_import_is_taken_back_whole_and_comes_again(member, home, module_database) -> None:
    wrong = "date,type,token,amount,price\n2026-01-02T10:00:00Z,buy,BTC,5,61000\n2026-01-03T10:00:00Z,buy,ETH,2,3000\n"
    address = sent(member, home, wrong).request.path
    assert member.post(f"{address}/take-back").status_code == 409, "nothing of it is booked yet"
    member.post(f"{address}/confirm")
    run(module_database, address)
    by_hand = {
        "type": "buy",
        "tokenSymbol": "SOL",
        "amount": "3",
        "timestamp": "2026-01-04T10:00:00",
    }
    member.post(f"{home}/transactions/new", by_hand)
    assert "Take 2 transactions back" in member.get(address).text
    answer = member.post(f"{address}/take-back")
    assert answer.headers["Location"] == f"{home}/imports"
    told = member.get(f"{home}/imports").text
    assert "2 transactions are taken back." in told
    assert "BTC" not in booked(member, home)
    assert "SOL" in booked(member, home)
    assert "What it brought counts no more" in member.get(address).text
    assert member.post(f"{address}/take-back").status_code == 409, "once"
    # A mended file brings what stayed the same, too.
    mended = wrong.replace(",5,", ",0.5,")
    again = sent(member, home, mended)
    assert "Book 2 transactions" in again.text
    member.post(f"{again.request.path}/confirm")
    run(module_database, again.request.path)
    shown = booked(member, home)
    assert ",0.5," in shown
    assert ",2," in shown
    assert "There is nothing new in it" in sent(member, home, mended).text
    # What is deleted by hand stays deleted, and the books hold together.
    assert all(total is not None for _, total in entries(module_database, home))


def test_an_import_of_others_is_not_taken_back(member, home, app, redis_url) -> None:
    address = sent(
        member, home, "date,type,token,amount\n2026-01-02T10:00:00Z,buy,BTC,5\n"
    ).request.path
    other = Visitor(app.test_client())
    other.register()
    other.get("/profile")
    assert other.post(f"{address}/take-back").status_code == 404


def test_a_file_of_ledger_live_is_recognised_by_its_header(member, home) -> None:
    looked = sent(
        member,
        home,
        "Operation Date,Status,Currency Ticker,Operation Type,Operation Amount,Operation Fees,Operation Hash,Account Name\n"
        "2026-02-01T09:00:00.000Z,Confirmed,BTC,OUT,0.2001,0.0001,b,Bitcoin 1\n"
        "2026-02-01T09:00:00.000Z,Confirmed,BTC,TELEPORT,0.2001,0.0001,b,Bitcoin 1\n",
    ).text
    assert "Read as a file of Ledger Live" in looked
    assert "is no kind that we know" in looked
    assert "Bitfinex: deposits and withdrawals" in member.get(f"{home}/imports").text
