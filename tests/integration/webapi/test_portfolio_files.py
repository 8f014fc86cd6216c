"""Imports and exports: all of an account comes back to the same state, in little memory, and the audit log tells of it."""

import json
import tracemalloc
from datetime import UTC, datetime, timedelta
from decimal import Decimal as D  # noqa: N817 - short in tables

import psycopg
import pytest

from coinsphere.portfolio.imports import importing
from tests.integration.webapi.books import bring, day, make, trade
from tests.integration.webapi.conftest import NOW, OPTIONS, V1, exact, new_person

LONGEST_NOTE = "=HYPERLINK(\"x\")\n'quoted', line"


def live(person) -> tuple[dict, dict]:
    """Two portfolios with every kind of event, tiny amounts, corrections, a deletion and matched transfers."""
    main = make(person, lotMethod="hifo", currency="EUR")
    vault = make(person, name="Vault", lotMethod="average")
    trade(
        person, main, "opening_balance", "BTC", "0.00014884", "48000.123456789012345678", day(1, 1)
    )
    trade(
        person,
        main,
        "buy",
        "BTC",
        2,
        50_000,
        day(1),
        currency="USD",
        fee="12.5",
        notes=LONGEST_NOTE,
    )
    wrong = trade(person, main, "buy", "BTC", 1, 51_000, day(2), exchange="kraken", txHash="=1+1")
    trade(
        person,
        main,
        "buy",
        "ETH",
        "10.000000000000000001",
        2_000,
        day(2),
        fee="0.01",
        feeToken="BTC",
    )
    trade(person, main, "sell", "BTC", "0.7", 52_000, day(3), fee=20)
    trade(
        person, main, "swap", "ETH", 2, None, day(4), counterTokenSymbol="BTC", counterAmount="0.08"
    )
    for number, kind in enumerate(("reward", "staking", "airdrop", "interest")):
        trade(person, main, kind, "ETH", "0.000000000000000001", None, day(5, number))
    trade(person, main, "deposit", "ETH", 1, None, day(6))
    trade(person, main, "withdrawal", "ETH", "0.25", None, day(6, 12))
    trade(person, main, "transfer_out", "BTC", "0.5", None, day(7), exchange="kraken")
    trade(person, vault, "transfer_in", "BTC", "0.4995", None, day(7, 12), exchange="ledger")
    trade(person, main, "fee", "BTC", "0.001", None, day(8))
    trade(person, main, "gift", "ETH", "0.5", None, day(8, 11))
    gone = trade(person, main, "lost", "ETH", "0.5", None, day(8, 12))
    trade(person, main, "lost", "ETH", "0.125", None, day(8, 13))
    trade(person, vault, "buy", "BTC", "0.1", "0.05", day(9), currency="BTC")
    trade(person, vault, "sell", "BTC", "0.2", 53_000, day(10))
    changed = person.ask(
        "PUT", f"/transactions/{wrong['id']}", json={"price": "51234.5", "amount": "1.5"}
    )
    assert changed.status_code == 200, changed.text
    assert person.ask("DELETE", f"/transactions/{gone['id']}").status_code == 200
    return main, vault


def state(person, portfolio, owner_db) -> dict:
    """All that a portfolio is, but for ids and when it was stored."""
    base = f"/portfolios/{portfolio['id']}"
    found = exact(person.get(base))["portfolio"]
    days = exact(person.get(f"{base}/performance?from=2026-02-01&explain=true"))
    gains = exact(person.get(f"{base}/gains?from=2026-02-01&limit=200"))
    lots = owner_db.execute(
        """
        select t.symbol, l.account, l.acquired_at, l.opened_at, l.quantity, l.cost, l.closed_at
        from app.lots l join market.tokens t on t.id = l.token_id
        where l.portfolio_id = %s order by 1, 3, 4, 5, 6
        """,
        [portfolio["id"]],
    ).fetchall()
    return {
        "held": [
            (each["token"]["symbol"], each["amount"], each["costBasis"], each["averageBuyPrice"], each["currentValue"])
            for each in found["holdings"]
        ],
        "stats": found["stats"],
        "lots": lots,
        "values": days["performance"],
        "returns": days["returns"],
        "explain": days["explain"],
        "gains": sorted(
            str({key: value for key, value in each.items() if key != "transactionId"}) for each in gains["gains"]
        ),
        "total": (gains["totalGain"], gains["unknown"]),
        "issues": sorted(
            each["message"] for each in exact(person.get(f"{base}/issues"))["issues"]
        ),
    }  # fmt: skip


@pytest.mark.parametrize("form", ["csv", "json"])
def test_all_of_an_account_comes_back_to_the_same_state(  # noqa: PLR0917 - fixtures
    client, prices, work, owner_db, module_database, form
) -> None:
    old, new = new_person(client), new_person(client)
    told = live(old)
    work(old)
    copies = (
        make(new, lotMethod="hifo", currency="EUR"),
        make(new, name="Vault", lotMethod="average"),
    )
    # The end of the transfer first: an order of files is no order of facts.
    for portfolio, copy in reversed(list(zip(told, copies, strict=True))):
        file = old.get(f"/portfolios/{portfolio['id']}/export?format={form}").text
        done = bring(new, copy, file, module_database)
        assert (done["status"], done["problemCount"]) == ("succeeded", 0), done
        again = bring(new, copy, file, module_database)
        assert again["rowsImported"] == 0
    work(new)
    for portfolio, copy in zip(told, copies, strict=True):
        was, came = state(old, portfolio, owner_db), state(new, copy, owner_db)
        assert was["lots"]
        assert was["gains"]
        assert came == was


def test_a_cell_that_a_spreadsheet_would_run_is_guarded_and_comes_back_as_it_was(
    person, prices, module_database
) -> None:
    made, copy = make(person), make(person, name="Copy")
    trade(person, made, "buy", "BTC", 1, 100, notes=LONGEST_NOTE, txHash="@SUM(1)")
    text = person.get(f"/portfolios/{made['id']}/export").text
    assert "\"'=HYPERLINK" in text
    assert ",'@SUM(1)," in text
    bring(person, copy, text, module_database)
    (stored,) = exact(person.get(f"/transactions?portfolioId={copy['id']}"))["transactions"]
    assert (stored["notes"], stored["txHash"]) == (LONGEST_NOTE, "@SUM(1)")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('{"transactions": 1}', "has no list of transactions"),
        ('{"transactions": [1]}', "has no list of transactions"),
        ('{"transactions": [', "is no JSON"),
        ('{"transactions": ' + "[" * 50_000, "is no JSON"),
        ('{"transactions": [{"amount": "1", "amount": "1000"}]}', "'amount' stands twice"),
    ],
)
def test_what_is_no_json_export_is_refused(person, prices, content, says) -> None:
    made = make(person)
    answer = person.post(
        f"/portfolios/{made['id']}/imports", {"format": "coinsphere", "content": content}
    )
    assert answer.status_code == 400
    assert says in answer.json["details"][0]["message"]


COMMAS = 'date,type,token,amount,price,currency,fee,mood\n03/02/2026,buy,BTC,"1,234","50.000,5",USD,"2,5",good\n'


def test_what_a_file_leaves_open_is_asked_and_answered(person, prices, module_database) -> None:
    made = make(person)
    base = f"/portfolios/{made['id']}/imports"
    answer = person.post(base, {"format": "coinsphere", "content": COMMAS})
    assert answer.status_code == 201, answer.text
    path = f"{base}/{answer.json['import']['id']}"
    asked = answer.json["preview"]
    assert [each["option"] for each in asked["findings"]["questions"]] == [
        "dateOrder",
        "ignoreColumns",
    ]
    assert (asked["transactions"], asked["examples"], asked["rows"]) == (0, [], 1)
    refused = person.post(f"{path}/confirm")
    assert refused.status_code == 409
    assert "questions" in refused.text
    assert person.ask("PATCH", path, json={"dateOrder": "mmd"}).status_code == 400
    left = person.ask("PATCH", path, json={"dateOrder": "dmy"}).json["preview"]["findings"]
    assert [each["option"] for each in left["questions"]] == ["ignoreColumns"]
    shown = exact(person.ask("PATCH", path, json={"ignoreColumns": ["mood"]}))["preview"]
    (example,) = shown["examples"]
    assert (example["timestamp"], example["amount"], example["price"], example["fee"], example["cost"]) == (
        "2026-02-03T00:00:00Z", D("1.234"), D("50000.5"), D("2.5"), D("61703.117"),
    )  # fmt: skip
    assert shown["findings"]["unread"] == [{"column": "mood", "reason": "as answered"}]
    told = {
        each["column"]: (each["what"], each["because"]) for each in shown["findings"]["decisions"]
    }
    assert told["amount"] == ("decimal comma", "as in the other columns")
    assert told["date"][0].startswith("times without a zone")
    assert person.post(f"{path}/confirm").status_code == 202
    assert person.ask("PATCH", path, json={"dateOrder": "mdy"}).status_code == 409
    with psycopg.connect(module_database.pipeline, autocommit=True, options=OPTIONS) as conn:
        importing.run(conn, answer.json["import"]["id"], lambda: NOW)
    done = person.get(path).json["import"]
    assert (done["status"], done["rowsImported"], done["findings"]["unread"][0]["column"]) == (
        "succeeded", 1, "mood",
    )  # fmt: skip


def test_the_preview_shows_what_will_be_booked_by_the_files_own_names(
    person, prices, module_database
) -> None:
    made = make(person)
    content = (
        "Date,Sent Amount,Sent Currency,Received Amount,Received Currency,Fee Amount,Fee Currency,Label,Description\n"
        "2026-02-01 10:00:00 UTC,1,BTC,20,ETH,0.01,ETH,,one for the other\n"
        "2026-02-02 10:00:00 UTC,100,USD,,,,,,\n"
        "2026-02-03 10:00:00 UTC,,,1,NOTOKEN,,,airdrop,\n"
        "2026-02-04 10:00:00 UTC,2,ETH,,,,,stake,\n"
    )
    base = f"/portfolios/{made['id']}/imports"
    shown = exact(person.post(base, {"format": "koinly", "content": content}))["preview"]
    (example,) = shown["examples"]
    assert (example["type"], example["counterTokenSymbol"], example["counterAmount"]) == (
        "swap",
        "ETH",
        20,
    )
    assert (example["fee"], example["feeToken"], example["notes"]) == (
        D("0.01"),
        "ETH",
        "one for the other",
    )
    assert [(each["line"], each["column"]) for each in shown["problems"]] == [
        (4, "Received Currency")
    ]
    assert [(each["line"], each["message"][:12]) for each in shown["findings"]["leftOut"]] == [
        (3, "moves a curr"), (5, "was staked a"),
    ]  # fmt: skip
    done = bring(person, made, content, module_database, "koinly")
    assert (done["rowsImported"], done["problemCount"], done["findings"]["leftOutCount"]) == (
        1,
        1,
        2,
    )


def test_what_a_price_is_in_is_a_currency_or_a_token(person, prices, module_database) -> None:
    """`EURO` and `RS` are none: their price would be in nothing, and the cost unknown for ever."""
    made = make(person)
    rows = "".join(
        f"2026-02-01,buy,BTC,1,{price},{currency}\n"
        for price, currency in (("5", "EURO"), ("Rs 5", ""), ("5", "INR"), ("0.5", "ETH"), ("5 CHF", ""))
    )  # fmt: skip
    file = f"date,type,token,amount,price,currency\n{rows}"
    done = bring(person, made, file, module_database)
    assert [(each["line"], each["column"]) for each in done["problems"]] == [
        (2, "currency"),
        (3, "currency"),
    ]
    told = exact(person.get(f"/transactions?portfolioId={made['id']}"))["transactions"]
    assert {each["currency"] for each in told} == {"INR", "ETH", "CHF"}


def test_the_token_of_no_fee_takes_nothing_away(person, prices, module_database) -> None:
    """Many programs name it in every row; the import failed, and with it all that was booked for its owner from then on."""
    made = make(person)
    file = "date,type,token,amount,price,fee,fee_token\n" + "".join(
        f"2026-02-0{day},buy,BTC,1,{price},{fee}\n"
        for day, price, fee in ((1, 50_000, ",BNB"), (2, 50_000, "0,NOTOKEN"), (3, 50_000, "0.5,ETH"))
    )  # fmt: skip
    done = bring(person, made, file, module_database)
    assert (done["status"], done["rowsImported"], done["problemCount"]) == ("succeeded", 3, 0)
    # By hand, too.
    trade(person, made, "buy", "BTC", 1, 50_000, day(4), feeToken="SOL")
    trade(person, made, "buy", "SOL", 1, 10, day(4, 11))
    held = exact(person.get(f"/portfolios/{made['id']}"))["portfolio"]["holdings"]
    assert {each["token"]["symbol"]: each["amount"] for each in held} == {"BTC": 4, "SOL": 1}


HELD = "2026-01-31,buy,BTC,1,100\n"
SOLD = "2026-02-01,sell,BTC,1,150\n"
BOUGHT = "2026-02-01,buy,BTC,1,140\n"


@pytest.mark.parametrize("way", ["file", "newest first", "by hand"])
def test_within_one_day_the_order_of_the_file_or_of_entry_decides(
    person, prices, module_database, way
) -> None:
    """Sold at 150 what cost 100, then bought at 140: the last to come is the first to go, but it was not there yet."""
    for later, gain in ((SOLD + BOUGHT, 50), (BOUGHT + SOLD, 10)):
        made = make(person, lotMethod="lifo")
        rows = (HELD + later).splitlines()
        if way == "by hand":
            for at, kind, symbol, amount, price in (row.split(",") for row in rows):
                first = trade(person, made, kind, symbol, amount, price, f"{at}T00:00:00Z")
            # A correction keeps its place.
            assert (
                person.ask(
                    "PUT", f"/transactions/{first['id']}", json={"notes": "again"}
                ).status_code
                == 200
            )
        else:
            text = "\n".join(rows if way == "file" else rows[::-1])
            done = bring(person, made, f"date,type,token,amount,price\n{text}\n", module_database)
            assert (done["rowsImported"], done["problemCount"]) == (3, 0), done
        copy = make(person, name="Copy", lotMethod="lifo")
        bring(person, copy, person.get(f"/portfolios/{made['id']}/export").text, module_database)
        for portfolio in (made, copy):
            gains = exact(person.get(f"/portfolios/{portfolio['id']}/gains?from=2026-01-01"))
            assert gains["totalGain"] == gain, (way, later)


def _peak(person, path: str) -> tuple[int, int]:
    """Most memory that an export took, and its length."""
    tracemalloc.start()
    try:
        answer = person.get(path, buffered=False)
        length = sum(len(part) for part in answer.response)
        answer.close()
        return tracemalloc.get_traced_memory()[1], length
    finally:
        tracemalloc.stop()


def test_an_export_of_many_transactions_takes_no_more_memory(person, prices, owner_db) -> None:
    made = make(person)
    person.get(f"/portfolios/{made['id']}/export")
    owner_db.execute(
        """
        with new as (
            select gen_random_uuid() as id, '2026-02-01'::timestamptz + n * interval '1 second' as at
            from generate_series(1, 30000) as n
        )
        insert into app.transactions
            (id, user_id, fact_id, version, portfolio_id, type, token_id, amount, price, currency, occurred_at, source, notes)
        select new.id, %s, new.id, 1, %s, 'buy', t.id, 1, 1, 'USD', at, 'manual', repeat('note ', 20)
        from new, market.tokens t where t.symbol = 'BTC'
        """,
        [person.id, made["id"]],
    )
    for form in ("csv", "json"):
        peak, length = _peak(person, f"/portfolios/{made['id']}/export?format={form}")
        assert length > 6_000_000
        # One portion of rows, and a megabyte of the file.
        assert peak < 5_000_000, (form, peak)


def test_exports_imports_and_links_are_told_in_the_audit_log(
    person, client, prices, owner_db, module_database
) -> None:
    made, copy = make(person), make(person, name="Copy")
    trade(person, made, "buy", "BTC", 1, 100)
    file = person.get(f"/portfolios/{made['id']}/export").text
    bring(person, copy, file, module_database)
    share = person.post(f"/portfolios/{made['id']}/shares", {}).json["share"]
    assert client.get(f"{V1}/shared/{share['secret']}").status_code == 200
    assert person.ask("DELETE", f"/portfolios/{made['id']}/shares/{share['id']}").status_code == 200
    told = owner_db.execute(
        "select action, actor_id::text, target, details from app.audit_logs where action like 'portfolio.%%' order by seq desc limit 5"
    ).fetchall()[::-1]
    assert [each[:3] for each in told] == [
        ("portfolio.exported", person.id, made["id"]),
        ("portfolio.import_confirmed", person.id, copy["id"]),
        ("portfolio.shared", person.id, share["id"]),
        ("portfolio.share_opened", None, share["id"]),
        ("portfolio.share_revoked", person.id, share["id"]),
    ]
    assert told[0][3] == {"format": "csv", "transactions": 1}
    # The secret opens the link: it stands nowhere.
    assert share["secret"] not in json.dumps([each[3] for each in told])


def test_a_link_hides_amounts_also_in_what_follows_from_them(person, client, prices, work) -> None:
    """Exact parts would tell 3 BTC and 7 ETH as 3 to 7 at known prices; growth and parts are rounded."""
    made = make(person)
    trade(person, made, "buy", "BTC", "0.31415926", 50_000, day(1))
    trade(person, made, "buy", "ETH", "2.71828182", 2_000, day(1))
    work(person)
    share = person.post(f"/portfolios/{made['id']}/shares", {}).json["share"]
    answer = client.get(f"{V1}/shared/{share['secret']}", headers={"Cookie": "session=x"})
    body = exact(answer)
    assert {part["amount"] for part in body["allocations"]} == {None}
    assert {point["value"] for point in body["performance"]} == {None}
    assert all(part["percentage"].as_tuple().exponent >= -2 for part in body["allocations"])
    assert all(point["growth"].as_tuple().exponent >= -4 for point in body["performance"])
    assert sum(part["percentage"] for part in body["allocations"]) == 100
    for number in ("314159", "271828", "18849", "6795"):
        assert number not in answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
    assert "RateLimit" in answer.headers
    assert "Set-Cookie" not in answer.headers
    assert person.email not in answer.text
    assert person.id not in answer.text
    tag = answer.headers["ETag"]
    assert person.ask("DELETE", f"/portfolios/{made['id']}/shares/{share['id']}").status_code == 200
    gone = client.get(f"{V1}/shared/{share['secret']}", headers={"If-None-Match": tag})
    assert gone.status_code == 404


def test_a_link_ends_at_its_time(person, client, prices, clock) -> None:
    made = make(person)
    ends = datetime(2026, 3, 10, 13, tzinfo=UTC)
    share = person.post(f"/portfolios/{made['id']}/shares", {"expiresAt": ends.isoformat()}).json[
        "share"
    ]
    path = f"{V1}/shared/{share['secret']}"
    assert client.get(path).status_code == 200
    before = clock[0]
    clock[0] = ends + timedelta(seconds=1)
    try:
        assert client.get(path).status_code == 404
    finally:
        clock[0] = before
