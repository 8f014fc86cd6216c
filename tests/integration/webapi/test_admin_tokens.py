"""Listed tokens: edited, deactivated, deleted if nothing refers to them, by route and by command, and told in the audit log."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import psycopg
import pytest
from click.testing import CliRunner
from psycopg.rows import dict_row

from coinsphere.cli.main import cli
from coinsphere.db import seeds
from coinsphere.db.pool import Database
from coinsphere.market.candles import store as candle_store
from coinsphere.market.model import Candle, Interval
from coinsphere.market.reference import tokens as token_store
from orchestration.forecasting import tokens as forecasting
from tests.integration.webapi.conftest import NOW, OPTIONS, Person, assert_problem, quote

_GOES_ALONG = """
    select conrelid::regclass::text, confdeltype::text from pg_constraint
    where contype = 'f' and confrelid = 'market.tokens'::regclass and confdeltype not in ('a', 'r')
"""


@dataclass
class Listed:
    """A token that an administrator made."""

    by: Person
    id: str
    symbol: str

    @property
    def path(self) -> str:
        return f"/admin/tokens/{self.id}"

    def change(self, **fields):
        return self.by.ask("PATCH", self.path, json=fields)

    def delete(self):
        return self.by.ask("DELETE", self.path)


@pytest.fixture
def listed(administrator) -> Listed:
    symbol = f"T{uuid4().hex[:8].upper()}"
    body = {"symbol": symbol, "name": "Made", "blockchain": "Ethereum", "decimals": 18}
    made = administrator.post("/tokens", body).json["token"]
    return Listed(administrator, made["id"], symbol)


@pytest.fixture
def run(api_settings, monkeypatch, tmp_path):
    """Runs `coinsphere tokens` with the API's role and keys."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COINSPHERE_API_DATABASE_URL", api_settings.dsn)
    monkeypatch.setenv("COINSPHERE_HOME", str(api_settings.home))
    return lambda *args: CliRunner().invoke(cli, ["tokens", *args], env={"COLUMNS": "250"})


def told(owner_db, action: str, target: str) -> list[dict]:
    rows = owner_db.execute(
        "select details from app.audit_logs where action = %s and target = %s order by id",
        [action, target],
    )
    return [row[0] for row in rows]


@pytest.fixture
def pipeline_database(module_database):
    with Database(module_database.pipeline, size=1) as database:
        yield database


def candle(token_id: str) -> Candle:
    at = NOW.replace(hour=0, minute=0) - timedelta(days=3)
    prices = (Decimal(1),) * 4
    return Candle(
        UUID(token_id), Interval.DAY, at, *prices, None, "binance", is_final=True, observed_at=NOW
    )


def test_what_is_named_changes_and_nothing_else(listed, owner_db) -> None:
    changed = listed.change(symbol="pol2", name="Polygon", decimals=None, coingeckoId="pol-2")
    assert changed.status_code == 200
    token = listed.by.get(listed.path).json["token"]
    assert token == changed.json["token"]
    assert (token["symbol"], token["name"], token["decimals"]) == ("POL2", "Polygon", None)
    assert (token["blockchain"], token["coingeckoId"], token["isActive"]) == (
        "Ethereum",
        "pol-2",
        True,
    )
    (details,) = told(owner_db, "token.changed", listed.id)
    assert details == {
        "symbol": f"{listed.symbol} -> POL2",
        "name": "Made -> Polygon",
        "coingecko_id": "none -> pol-2",
        "decimals": "18 -> none",
    }


@pytest.mark.parametrize(
    "fields",
    [{}, {"symbol": None}, {"isActive": None}, {"isActive": "no"}, {"price": 1}, {"decimals": 37}],
)
def test_a_change_that_makes_no_sense_is_refused(listed, fields: dict) -> None:
    assert_problem(listed.change(**fields), 400)


def test_what_another_token_has_is_taken(listed, owner_db) -> None:
    problem = assert_problem(listed.change(name="Mine", coingeckoId="bitcoin"), 409)
    assert problem["type"].endswith("token-taken")
    assert listed.by.get(listed.path).json["token"]["name"] == "Made"
    assert told(owner_db, "token.changed", listed.id) == []


@pytest.mark.parametrize("token_id", [str(UUID(int=1)), "BTC", "%00"])
def test_an_unknown_token_is_not_found(administrator, token_id: str) -> None:
    for method, options in (("GET", {}), ("PATCH", {"json": {"name": "x"}}), ("DELETE", {})):
        assert_problem(administrator.ask(method, f"/admin/tokens/{token_id}", **options), 404)


def test_a_deactivated_token_keeps_its_last_price_and_leaves_everything_else(
    listed, person, owner_db, module_database, work
) -> None:
    quote(owner_db, listed.symbol, "5", cap=Decimal(10))
    portfolio = person.post("/portfolios", {"name": "p"}).json["portfolio"]["id"]
    trade = {
        "portfolioId": portfolio,
        "tokenSymbol": listed.symbol,
        "type": "buy",
        "amount": 2,
        "price": 4,
        "timestamp": "2026-03-01T00:00:00Z",
    }
    assert person.post("/transactions", trade).status_code == 201
    work(person)
    assert person.get(f"/tokens/{listed.symbol}").json["token"]["isActive"] is True

    assert listed.change(isActive=False).json["token"]["isActive"] is False
    shown = person.get(f"/portfolios/{portfolio}").json["portfolio"]
    # Its last price is shown with its age, and counts in no sum; none is zero where nothing else is held.
    (held,) = shown["holdings"]
    assert (held["currentValue"], held["token"]["currentPrice"], held["profitLoss"]) == (10, 5, 2)
    assert held["token"]["priceUpdatedAt"] is not None
    assert (shown["totalValue"], shown["unpriced"], shown["stale"]) == (None, [], [listed.symbol])
    assert (shown["stats"]["totalCost"], shown["stats"]["profitLoss"]) == (8, None)
    everything = person.get("/portfolios").json
    assert everything["leftOut"][0]["stale"] == [listed.symbol]
    quote(owner_db, "BTC", "60000")
    person.post("/transactions", {**trade, "tokenSymbol": "BTC", "amount": 1, "price": 50_000})
    work(person)
    shown = person.get(f"/portfolios/{portfolio}").json["portfolio"]
    assert (shown["totalValue"], shown["stats"]["profitLoss"]) == (60_000, 10_000)
    made_of = person.get(f"/portfolios/{portfolio}/allocation").json
    assert [each["symbol"] for each in made_of["allocations"]] == ["BTC"]
    assert (made_of["totalValue"], made_of["stale"]) == (60_000, [listed.symbol])
    # The days' series goes on at its last close, and does not fall because nobody trades it any more.
    live = person.get(f"/portfolios/{portfolio}/performance").json["performance"][-1]
    assert (live["isLive"], live["value"]) == (True, 60_010)
    assert person.get(f"/tokens/{listed.symbol}").json["token"]["isActive"] is False
    assert listed.symbol not in [token["symbol"] for token in person.get("/tokens").json["tokens"]]
    with psycopg.connect(module_database.pipeline, options=OPTIONS) as conn:
        assert listed.symbol not in {token.symbol for token in token_store.active(conn)}

    problem = assert_problem(listed.delete(), 409, says="can be deactivated")
    assert {"usedBy": "app.transactions", "rows": 1} in problem["uses"]
    assert {"usedBy": "app.holdings", "rows": 1} in problem["uses"]
    assert told(owner_db, "token.deleted", listed.id) == []
    assert listed.change(isActive=True).status_code == 200
    assert person.get(f"/tokens/{listed.symbol}").json["token"]["isActive"] is True


def test_a_deactivated_token_is_trained_on_no_longer(listed, pipeline_database) -> None:
    listed.change(isActive=False)
    outcome = forecasting.for_each(
        pipeline_database, [listed.symbol, "BTC"], lambda each: each.symbol
    )
    assert outcome.done == {"BTC": "BTC"}
    assert outcome.skipped == {listed.symbol: "deactivated"}


def test_an_unused_token_is_deleted_with_its_quote(listed, person, owner_db) -> None:
    quote(owner_db, listed.symbol, "5")
    owner_db.execute(
        "insert into ingestions (kind, source, token_id, started_at, finished_at, rows_received, rows_written,"
        " rows_quarantined, error_code) values ('candles', 'coingecko', %s, now(), now(), 0, 0, 0, 'not_listed')",
        [listed.id],
    )
    assert person.get(f"/tokens/{listed.symbol}").status_code == 200
    assert listed.by.get(listed.path).json["uses"] == []
    assert listed.delete().json == {"message": f"{listed.symbol} deleted"}
    assert_problem(listed.by.get(listed.path), 404)
    assert_problem(person.get(f"/tokens/{listed.symbol}"), 404)
    assert_problem(listed.delete(), 404)
    assert told(owner_db, "token.deleted", listed.id) == [{"symbol": listed.symbol}]


def test_whatever_refers_to_a_token_keeps_it_tables_of_later_migrations_too(
    listed, owner_db
) -> None:
    owner_db.execute("""
        create table market.later (
            token_id uuid not null references market.tokens, other_id uuid references market.tokens
        )
    """)
    try:
        owner_db.execute("insert into market.later select id, %s from tokens limit 2", [listed.id])
        problem = assert_problem(listed.delete(), 409, says="2 rows of market.later")
        assert problem["uses"] == [{"usedBy": "market.later", "rows": 2}]
    finally:
        owner_db.execute("drop table market.later")
    assert listed.delete().status_code == 200


def test_only_what_a_provider_tells_again_goes_with_a_token(owner_db) -> None:
    found = owner_db.execute(_GOES_ALONG)
    assert dict(found.fetchall()) == {
        "alert_reference_prices": "c",
        "ingestions": "n",
        "quotes": "c",
        "token_metadata": "c",
    }


def test_what_venues_agreed_on_keeps_a_token_and_is_kept(listed, owner_db) -> None:
    minutes = (
        "insert into market.consensus (token_id, valid_at, price, agreed_at, state, venues, usual_move, method,"
        " constituents) select %s, at, 5, at, 'ok', 3, 0, 1, '[]' from unnest(%s::timestamptz[]) as at"
    )
    owner_db.execute(minutes, [listed.id, [NOW - timedelta(minutes=1), NOW]])
    problem = assert_problem(listed.delete(), 409, says="2 rows of market.consensus")
    assert problem["uses"] == [{"usedBy": "market.consensus", "rows": 2}]
    kept = owner_db.execute("select count(*) from consensus where token_id = %s", [listed.id])
    assert kept.fetchone() == (2,)


def test_candles_keep_a_token_those_on_their_way_too(listed, owner_db, module_database) -> None:
    owner_db.execute("insert into origin (source) values ('live')")
    bitcoin = owner_db.execute("select id::text from tokens where symbol = 'BTC'").fetchone()[0]
    with psycopg.connect(module_database.pipeline, options=OPTIONS) as conn:
        # The month's partition is there: making one would lock all readers out.
        candle_store.load(conn, [candle(bitcoin)], lambda: NOW)
    with psycopg.connect(module_database.pipeline, options=OPTIONS) as conn, conn.transaction():
        assert candle_store.load(conn, [candle(listed.id)], lambda: NOW).written == 1
        # Not committed yet: the deletion waits, and gives up before it loses them.
        assert_problem(listed.delete(), 503)
    assert_problem(listed.delete(), 409, says="market.price_data")


def test_a_seed_that_was_deleted_or_renamed_does_not_come_back(administrator, owner_db) -> None:
    page = administrator.get("/admin/tokens?q=dogecoin").json["tokens"]
    doge = Listed(administrator, page[0]["id"], "DOGE")
    page = administrator.get("/admin/tokens?q=litecoin").json["tokens"]
    litecoin = Listed(administrator, page[0]["id"], "LTC")
    assert doge.delete().status_code == 200
    assert litecoin.change(coingeckoId="another-litecoin").status_code == 200
    assert seeds.apply(owner_db) == 0
    assert administrator.get("/admin/tokens?q=DOGE").json["tokens"] == []
    assert [
        each["coingeckoId"] for each in administrator.get("/admin/tokens?q=LTC").json["tokens"]
    ] == ["another-litecoin"]
    # Whoever wants it back lists it.
    body = {
        "symbol": "DOGE",
        "name": "Dogecoin",
        "blockchain": "Dogecoin",
        "coingeckoId": "dogecoin",
    }
    assert administrator.post("/tokens", body).status_code == 201


def test_pages_of_the_list_are_the_list(listed) -> None:
    listed.change(isActive=False)
    seen, cursor = [], ""
    while cursor is not None:
        page = listed.by.get(f"/admin/tokens?limit=7{cursor}").json
        seen += [(each["symbol"], each["id"]) for each in page["tokens"]]
        cursor = page["nextCursor"] and f"&cursor={page['nextCursor']}"
    assert seen == sorted(set(seen))
    assert (listed.symbol, listed.id) in seen
    inactive = listed.by.get("/admin/tokens?active=false").json["tokens"]
    assert listed.id in [each["id"] for each in inactive]
    assert not any(each["isActive"] for each in inactive)
    assert_problem(listed.by.get("/admin/tokens?cursor=WzEsMl0"), 400)


def test_the_commands_do_the_same(run, owner_db) -> None:
    made = run("add", "cmd", "By command", "--blockchain", "Base", "--decimals", "6")
    assert made.exit_code == 0, made.output
    (token,) = owner_db.cursor(row_factory=dict_row).execute(
        "select id::text, decimals, is_active from tokens where symbol = 'CMD'"
    )
    assert (token["decimals"], token["is_active"]) == (6, True)
    assert token["id"] in made.output
    edited = run("edit", "CMD", "--name", "Renamed", "--unknown", "decimals")
    assert edited.output == "CMD: name: By command -> Renamed; decimals: 6 -> none\n"
    assert "is_active: True -> False" in run("deactivate", "cmd").output
    assert "Renamed" in run("list", "--search", "cmd").output
    assert run("deactivate", "CMD").output == "CMD: nothing to change\n"
    assert [each["by"].split()[0] for each in told(owner_db, "token.created", token["id"])] == [
        "operator"
    ]
    assert len(told(owner_db, "token.changed", token["id"])) == 3

    run("add", "CMD", "Its double", "--blockchain", "Base")
    doubled = run("activate", "CMD")
    assert doubled.exit_code == 1
    assert token["id"] in doubled.output
    assert run("delete", token["id"]).output == "CMD is deleted.\n"
    assert len(told(owner_db, "token.deleted", token["id"])) == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["add", "XX", "No chain"], "blockchain: Field required"),
        (["add", "X X", "Odd", "--blockchain", "Base"], "symbol"),
        (["add", "BTC2", "Taken", "--blockchain", "x", "--coingecko-id", "bitcoin"], "already"),
        (["edit", "ETH"], "a field is needed"),
        (["edit", "ETH", "--unknown", "symbol"], "symbol cannot be null"),
        (["edit", "ETH", "--coingecko-id", "bitcoin"], "already"),
        (["deactivate", "NOSUCH"], "There is no token NOSUCH"),
        (["delete", str(UUID(int=3))], "There is no token"),
    ],
)
def test_a_command_says_what_is_wrong(run, arguments: list[str], says: str) -> None:
    failed = run(*arguments)
    assert failed.exit_code == 1
    assert says in failed.output


def test_a_command_deletes_nothing_that_is_used(run, person) -> None:
    body = {"alertType": "price", "tokenSymbol": "XRP", "condition": "above", "threshold": 1}
    assert person.post("/alerts", body).status_code == 201
    failed = run("delete", "XRP")
    assert failed.exit_code == 1
    assert "app.alerts" in failed.output
    assert "coinsphere tokens deactivate" in failed.output
