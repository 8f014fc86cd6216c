"""Portfolios over the API: what is held, what it cost, what it was worth, and that nobody else sees it."""

from datetime import date, timedelta
from decimal import Decimal

import psycopg
import pytest

from coinsphere.db.pool import Database
from coinsphere.portfolio.imports import importing
from coinsphere.portfolio.jobs import syncs as portfolio_syncs
from tests.integration.webapi.books import day, make, trade
from tests.integration.webapi.conftest import NOW, OPTIONS, V1, assert_problem, exact, new_person
from webapi.portfolios import schemas
from webapi.portfolios.composition import schemas as composition_schemas
from webapi.portfolios.gains import schemas as gain_schemas
from webapi.portfolios.performance import schemas as performance_schemas
from webapi.portfolios.risk import schemas as risk_schemas
from webapi.shared import schemas as shared_schemas
from webapi.transactions import schemas as transaction_schemas

D = Decimal


def test_what_is_bought_is_held_at_once_at_the_current_quote(person, prices) -> None:
    made = make(person)
    trade(person, made, "buy", "BTC", "0.00014884", 50_000, fee="0.01")
    found = exact(person.get(f"/portfolios/{made['id']}"))["portfolio"]
    schemas.PortfolioOut.model_validate(found)
    (held,) = found["holdings"]
    assert held["amount"] == D("0.00014884")
    assert held["currentValue"] == D("0.00014884") * 60_000 == D("8.9304")
    assert held["costBasis"] == D("0.00014884") * 50_000 + D("0.01") == D("7.452")
    assert held["unrealizedPnL"] == held["profitLoss"] == D("1.4784")
    assert found["stats"]["totalValue"] == D("8.9304")
    assert found["transactionCount"] == 1
    assert found["transactions"][0]["total"] == D("7.442")
    (listed,) = exact(person.get("/portfolios"))["portfolios"]
    assert listed["holdings"] == found["holdings"]


def test_a_unit_of_1e18_survives(person, prices) -> None:
    made = make(person)
    sent = trade(person, made, "buy", "ETH", "0.000000000000000001", "0.000000012345678901")
    assert sent["amount"] == D("1E-18")
    assert b'"amount":0.000000000000000001' in person.get(f"/transactions/{sent['id']}").data
    exported = person.get(f"/portfolios/{made['id']}/export").text
    assert ",0.000000000000000001,0.000000012345678901," in exported


def test_a_fee_in_money_may_name_its_currency_but_no_other(person, prices) -> None:
    made = make(person)
    stored = trade(person, made, "buy", "BTC", 1, 100, fee=2, feeToken="USD")
    assert (stored["fee"], stored["feeToken"], stored["currency"]) == (2, None, "USD")
    (held,) = exact(person.get(f"/portfolios/{made['id']}"))["portfolio"]["holdings"]
    assert held["costBasis"] == 102
    address = f"/transactions/{stored['id']}"
    in_euros = {"feeToken": "EUR", "currency": "EUR"}
    assert person.ask("PUT", address, json=in_euros).status_code == 200
    problem = assert_problem(person.ask("PUT", address, json={"feeToken": "USD"}), 400)
    assert problem["details"][0]["path"] == "feeToken"
    assert "which is EUR" in problem["detail"] + problem["error"]


def test_old_names_and_types_are_understood(person, prices) -> None:
    made = make(person)
    body = {
        "portfolioId": made["id"], "assetSymbol": "btc", "type": "receive", "amount": 1, "pricePerUnit": 100,
        "date": day(2),
    }  # fmt: skip
    answer = person.post("/transactions", body)
    assert answer.status_code == 201, answer.text
    stored = exact(answer)["transaction"]
    assert (stored["type"], stored["tokenSymbol"], stored["price"]) == ("transfer_in", "BTC", 100)
    again = person.post("/transactions", {**body, "type": "transfer"})
    assert again.json["transaction"]["type"] == "transfer_out"


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"amount": 0}, "amount"),
        ({"amount": "NaN"}, "amount"),
        ({"amount": "1e-19"}, "amount"),
        ({"price": -1}, "price"),
        ({"type": "bye"}, "type"),
        ({"timestamp": "2031-01-01T00:00:00Z"}, "timestamp"),
        ({"timestamp": "1999-01-01T00:00:00Z"}, "timestamp"),
        ({"type": "swap"}, "counterToken"),
        ({"fee": 2, "feeToken": "BTC", "amount": 1}, "fee"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_a_wrong_transaction_names_its_field_and_stores_nothing(
    person, prices, change, path
) -> None:
    made = make(person)
    body = {
        "portfolioId": made["id"], "type": "buy", "tokenSymbol": "BTC", "amount": 1, "price": 1,
        "timestamp": day(1), **change,
    }  # fmt: skip
    problem = assert_problem(person.post("/transactions", body), 400)
    assert problem["details"][0]["path"].startswith(path)
    assert exact(person.get("/transactions"))["pagination"]["total"] == 0


def test_a_correction_keeps_the_id_and_the_old_version(person, prices) -> None:
    made = make(person)
    stored = trade(person, made, "buy", "BTC", 1, 100)
    changed = person.ask("PUT", f"/transactions/{stored['id']}", json={"amount": "2"})
    assert changed.status_code == 200, changed.text
    assert exact(changed)["transaction"]["version"] == 2
    versions = exact(person.get(f"/transactions/{stored['id']}/history"))["versions"]
    assert [(each["version"], each["amount"]) for each in versions] == [(2, 2), (1, 1)]
    (held,) = exact(person.get(f"/portfolios/{made['id']}"))["portfolio"]["holdings"]
    assert (held["amount"], held["costBasis"]) == (2, 200)
    assert person.ask("DELETE", f"/transactions/{stored['id']}").status_code == 200
    assert exact(person.get(f"/portfolios/{made['id']}"))["portfolio"]["holdings"] == []
    assert_problem(person.get(f"/transactions/{stored['id']}"), 404)
    assert len(person.get(f"/transactions/{stored['id']}/history").json["versions"]) == 2


def test_nobody_sees_or_touches_what_is_somebody_elses(person, other, prices) -> None:
    made = make(person)
    stored = trade(person, made, "buy", "BTC", 1, 100)
    (held,) = exact(person.get("/holdings"))["holdings"]
    theirs = make(other)
    attempts = [
        ("GET", f"/portfolios/{made['id']}", None), ("PUT", f"/portfolios/{made['id']}", {"name": "x"}),
        ("DELETE", f"/portfolios/{made['id']}", None), ("POST", f"/portfolios/{made['id']}/set-active", None),
        ("POST", f"/portfolios/{made['id']}/sync", None), ("GET", f"/portfolios/{made['id']}/performance", None),
        ("GET", f"/portfolios/{made['id']}/export", None), ("GET", f"/portfolios/{made['id']}/issues", None),
        ("POST", f"/portfolios/{made['id']}/shares", {}), ("GET", f"/transactions/{stored['id']}", None),
        ("PUT", f"/transactions/{stored['id']}", {"amount": 2}), ("DELETE", f"/transactions/{stored['id']}", None),
        ("GET", f"/transactions/{stored['id']}/history", None), ("GET", f"/transactions/{stored['id']}/lots", None),
        ("GET", f"/holdings/{held['id']}", None), ("DELETE", f"/holdings/{held['id']}", None),
        ("POST", "/transactions", {"portfolioId": made["id"], "type": "buy", "tokenSymbol": "BTC", "amount": 1}),
        ("POST", f"/portfolios/{made['id']}/holdings", {"tokenSymbol": "BTC", "amount": 1}),
    ]  # fmt: skip
    for method, path, body in attempts:
        assert_problem(other.ask(method, path, json=body), 404)
    assert exact(other.get(f"/transactions?portfolioId={made['id']}"))["transactions"] == []
    assert exact(other.get("/portfolios"))["count"] == 1
    assert theirs["id"] != made["id"]
    assert exact(person.get(f"/portfolios/{made['id']}"))["portfolio"]["transactionCount"] == 1


def test_without_its_own_check_a_query_still_sees_nothing_of_others(
    person, other, prices, module_database
) -> None:
    """Row-level security: the second wall, and it does not stay on a pooled connection."""
    from coinsphere.db.owner import act_for

    made = make(person)
    trade(person, made, "buy", "BTC", 1, 100)
    everything = "select count(*) from app.transactions where portfolio_id = %s"
    with Database(module_database.api, size=1) as database:
        for user_id, seen in ((other.id, 0), (person.id, 1)):
            with database.connection() as conn:
                act_for(conn, user_id)
                assert conn.execute(everything, [made["id"]]).fetchone() == (seen,)
        with database.connection() as conn:
            assert conn.execute(everything, [made["id"]]).fetchone() == (0,)


def test_a_worked_example_ten_transactions_two_transfers_a_reward_three_currencies(
    person, prices, work
) -> None:
    """The arithmetic by hand. FIFO, currency USD, one euro is 1.25 dollars.

    1  1 Feb  buy 1 BTC at 50,000, fee 50              lot A: 1 BTC, 50,050
    2  2 Feb  buy 1 BTC at 40,000 EUR = 50,000 USD     lot B: 1 BTC, 50,000
    3  3 Feb  buy 10 ETH at 2,000, fee 0.1 ETH         lot C: 9.9 ETH, 20,000
    4  4 Feb  staking 0.1 ETH, close 2,000             lot D: 0.1 ETH, 200 (income)
    5  5 Feb  transfer 0.5 BTC to the other portfolio  half of A: 25,025 leaves
    6  5 Feb  0.4995 BTC arrive there                  0.0005 BTC were the fee
    7  6 Feb  sell 1 BTC at 52,000, fee 20             A's 0.4995… see below
    8  7 Feb  swap 2 ETH for 0.08 BTC, ETH at 2,000    gives 4,000, gain 0 less
    9  8 Feb  fee 0.01 BTC
    10 9 Feb  buy 0.1 BTC at 0.05 BTC-denominated … 1 ETH = 2,000 → price 25 ETH = 50,000
    """
    main, vault = make(person), make(person, name="Vault", currency="USD")
    trade(person, main, "buy", "BTC", 1, 50_000, day(1), fee=50)
    trade(person, main, "buy", "BTC", 1, 40_000, day(2), currency="EUR")
    trade(person, main, "buy", "ETH", 10, 2_000, day(3), fee="0.1", feeToken="ETH")
    trade(person, main, "staking", "ETH", "0.1", None, day(4))
    trade(person, main, "transfer_out", "BTC", "0.5", None, day(5), exchange="kraken")
    trade(person, vault, "transfer_in", "BTC", "0.4995", None, day(5, 11))
    sale = trade(person, main, "sell", "BTC", 1, 52_000, day(6), fee=20)
    trade(
        person, main, "swap", "ETH", 2, None, day(7), counterTokenSymbol="BTC", counterAmount="0.08"
    )
    trade(person, main, "fee", "BTC", "0.01", None, day(8))
    trade(person, main, "buy", "BTC", "0.1", 25, day(9), currency="ETH")

    # The transfer took 0.4995 and its fee 0.0005 of lot A: 0.5 left of 50,050 -> 25,025. The sale takes that and half
    # of lot B: cost 25,025 + 25,000 = 50,025; proceeds 51,980; gain 1,955.
    lots = exact(person.get(f"/transactions/{sale['id']}/lots"))["lots"]
    assert [(lot["quantity"], lot["cost"], lot["proceeds"]) for lot in lots] == [
        (D("0.5"), 25_025, 25_990), (D("0.5"), 25_000, 25_990),
    ]  # fmt: skip
    assert sum(lot["gain"] for lot in lots) == 1_955

    found = exact(person.get(f"/portfolios/{main['id']}"))["portfolio"]
    btc, eth = found["holdings"]
    # BTC: 1 + 1 - 0.5 - 1 + 0.08 - 0.01 + 0.1 = 0.67. Cost: of B 0.5 less the fee's 0.01 -> 24,500; the swap's 4,000;
    # the last 0.1 at 25 ETH of 2,000 -> 5,000: 33,500.
    assert (btc["amount"], btc["costBasis"]) == (D("0.67"), 33_500)
    # ETH: 9.9 + 0.1 - 2 = 8. Two of lot C's 9.9 went: 20,000 x 2 / 9.9 = 4,040.40…
    spent = (D(20_000) * 2 / D("9.9")).quantize(D("1e-18"))
    assert (eth["amount"], eth["costBasis"]) == (8, 20_200 - spent)
    assert found["totalValue"] == D("0.67") * 60_000 + 8 * 2_500
    stored = exact(person.get(f"/portfolios/{vault['id']}"))["portfolio"]["holdings"][0]
    assert (stored["amount"], stored["costBasis"]) == (D("0.4995"), D("0.4995") * 50_050)

    work(person)
    report = exact(person.get(f"/portfolios/{main['id']}/performance?from=2026-02-01&explain=true"))
    performance_schemas.PerformanceOut.model_validate(report)
    # Realised: the sale 1,955; the transfer's fee -0.0005 x 50,050 = -25.025; the swap 4,000 - 4,040.40…; the fee -500.
    assert report["realisedGain"] == 1_955 - D("25.025") + (4_000 - spent) - 500
    points = {point["date"]: point for point in report["performance"]}
    # On 10 February BTC closed at 50,900 and ETH at 2,000.
    assert points["2026-02-10"]["value"] == D("0.67") * 50_900 + 16_000
    assert points["2026-02-10"]["cost"] == 33_500 + 20_200 - spent
    returns = report["returns"]
    # In: 50,050 + 50,000 + 20,000 + 5,000 = 125,050; out: the transfer 0.4995 x 50,400 and the sale's 51,980.
    assert returns["inflow"] == 125_050
    assert returns["outflow"] == D("0.4995") * 50_400 + 51_980
    assert returns["gain"] == returns["endValue"] + returns["outflow"] - 125_050
    chained = D(1)
    for each in report["explain"]["subPeriods"]:
        if each["percentage"] is not None:
            chained *= each["result"] / each["invested"]
    assert abs((chained - 1) * 100 - returns["timeWeighted"]["percentage"]) < D("1e-9")
    assert exact(person.get(f"/portfolios/{main['id']}/issues"))["issues"] == []


def test_more_sold_than_held_is_an_issue_that_the_missing_purchase_settles(person, prices) -> None:
    made = make(person)
    trade(person, made, "sell", "BTC", 2, 100, day(5))
    (issue,) = exact(person.get(f"/portfolios/{made['id']}/issues"))["issues"]
    assert issue["kind"] == "negative_balance"
    assert "2 BTC more left on 2026-02-05 10:00 UTC than was held" in issue["message"]
    assert exact(person.get(f"/portfolios/{made['id']}"))["portfolio"]["holdings"] == []
    trade(person, made, "buy", "BTC", 2, 90, day(4))
    assert exact(person.get(f"/portfolios/{made['id']}/issues"))["issues"] == []
    (settled,) = exact(person.get(f"/portfolios/{made['id']}/issues?state=resolved"))["issues"]
    assert settled["id"] == issue["id"]
    gains = exact(person.get(f"/portfolios/{made['id']}/gains"))
    gain_schemas.GainsOut.model_validate(gains)
    assert (gains["totalGain"], gains["unknown"]) == (20, 0)


def test_an_unknown_price_and_an_unknown_cost_are_named_and_never_zero(
    person, prices, work
) -> None:
    made = make(person)
    trade(person, made, "deposit", "BTC", 1, None, day(2))
    trade(person, made, "buy", "PEPE", 1_000, "0.001", day(2))
    work(person)
    found = exact(person.get(f"/portfolios/{made['id']}"))["portfolio"]
    assert found["unpriced"] == ["PEPE"]
    assert found["uncosted"] == ["BTC"]
    assert found["totalValue"] == 60_000
    values = {held["token"]["symbol"]: held["currentValue"] for held in found["holdings"]}
    assert values == {"BTC": 60_000, "PEPE": None}
    kinds = [
        issue["kind"] for issue in person.get(f"/portfolios/{made['id']}/issues").json["issues"]
    ]
    assert sorted(kinds) == ["missing_cost", "unpriced_asset"]
    point = exact(person.get(f"/portfolios/{made['id']}/performance?days=5"))["performance"][0]
    assert point["unpricedAssets"] == 1


def test_transfers_can_be_rejected_and_confirmed(person, prices) -> None:
    one, two = make(person), make(person, name="Two")
    trade(person, one, "buy", "BTC", 1, 100, day(1))
    out = trade(person, one, "transfer_out", "BTC", 1, None, day(2))
    arrival = trade(person, two, "transfer_in", "BTC", 1, None, day(2, 12))
    ends = {"outTransactionId": out["id"], "inTransactionId": arrival["id"]}

    def cost():
        return exact(person.get(f"/portfolios/{two['id']}"))["portfolio"]["holdings"][0][
            "costBasis"
        ]

    assert cost() == 100
    assert (
        person.post(
            f"/portfolios/{one['id']}/transfers", {**ends, "decision": "rejected"}
        ).status_code
        == 200
    )
    assert cost() is None
    assert person.post(f"/portfolios/{one['id']}/transfers", ends).status_code == 200
    assert cost() == 100


def test_a_holding_by_hand_is_an_opening_balance(person, prices) -> None:
    made = make(person)
    body = {"tokenSymbol": "ETH", "amount": "1.5", "averageBuyPrice": 1000}
    answer = person.post(f"/portfolios/{made['id']}/holdings", body)
    assert answer.status_code == 201, answer.text
    held = exact(answer)["holding"]
    assert (held["amount"], held["averageBuyPrice"], held["costBasis"]) == (D("1.5"), 1000, 1500)
    changed = person.ask("PUT", f"/holdings/{held['id']}", json={"amount": 2})
    assert exact(changed)["holding"]["costBasis"] == 2000
    trade(person, made, "buy", "ETH", 1, 10)
    assert_problem(
        person.ask("DELETE", f"/holdings/{held['id']}"), 409, says="follows from transactions"
    )


def test_another_currency_and_method_book_everything_anew(person, prices, work) -> None:
    made = make(person)
    trade(person, made, "buy", "BTC", 1, 100, day(1))
    trade(person, made, "buy", "BTC", 1, 300, day(2))
    trade(person, made, "sell", "BTC", 1, 400, day(3))
    changes = {"lotMethod": "hifo", "currency": "EUR"}
    assert person.ask("PUT", f"/portfolios/{made['id']}", json=changes).status_code == 200
    work(person)
    found = exact(person.get(f"/portfolios/{made['id']}"))["portfolio"]
    # HIFO keeps the 100-dollar lot: 80 euros; the quote of 60,000 dollars is 48,000 euros.
    assert found["stats"]["totalCost"] == 80
    assert found["totalValue"] == 48_000
    assert exact(person.get(f"/portfolios/{made['id']}/gains"))["totalGain"] == 80
    assert_problem(person.ask("PUT", f"/portfolios/{made['id']}", json={"currency": "XXY"}), 400)


def test_answers_carry_an_entity_tag(person, prices) -> None:
    made = make(person)
    path = f"/portfolios/{made['id']}"
    first = person.get(path)
    assert person.get(path, headers={"If-None-Match": first.headers["ETag"]}).status_code == 304
    trade(person, made, "buy", "BTC", 1, 100)
    assert person.get(path, headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


def test_reports_of_a_history(person, prices, work) -> None:
    made = make(person)
    trade(person, made, "buy", "BTC", 1, 50_000, day(1))
    trade(person, made, "buy", "ETH", 1, 2_000, day(1))
    work(person)
    allocation = exact(person.get(f"/portfolios/{made['id']}/allocation"))
    composition_schemas.AllocationOut.model_validate(allocation)
    assert [part["symbol"] for part in allocation["allocations"]] == ["BTC", "ETH"]
    assert sum(part["percentage"] for part in allocation["allocations"]) == 100
    risk = person.get(f"/portfolios/{made['id']}/risk").json
    risk_schemas.PortfolioRiskOut.model_validate(risk)
    # It only rose.
    assert risk["maxDrawdown"]["percentage"] == 0
    assert risk["valueAtRisk95"] == 0
    assert risk["correlations"]["BTC"]["ETH"] is None
    parts = exact(person.get(f"/portfolios/{made['id']}/contributions?from=2026-02-01"))
    composition_schemas.ContributionsOut.model_validate(parts)
    gains = {part["symbol"]: part["gain"] for part in parts["contributions"]}
    # BTC closed at 53,600 on 9 March.
    assert gains == {"BTC": 3_600, "ETH": 0}
    compared = exact(
        person.get(
            f"/portfolios/{made['id']}/performance?from=2026-02-02&benchmark=BTC:0.5,ETH:0.5"
        )
    )
    assert abs(compared["benchmark"]["percentage"] - D("3.6")) < D("1e-9")


def test_the_series_has_at_most_a_thousand_points(person, prices, work) -> None:
    made = make(person)
    trade(person, made, "buy", "BTC", 1, 1, "2015-01-01T00:00:00Z")
    work(person)
    report = exact(person.get(f"/portfolios/{made['id']}/performance?days=20000"))
    assert 500 < report["dataPoints"] <= 1_000
    days = [date.fromisoformat(point["date"]) for point in report["performance"]]
    assert days[0] == date(2015, 1, 1)
    assert days[-2:] == [NOW.date() - timedelta(days=1), NOW.date()]


def test_an_import_is_looked_at_confirmed_and_has_one_effect(
    person, prices, module_database
) -> None:
    made = make(person)
    rows = [
        "date,type,token,amount,price,notes",
        "2026-02-01T10:00:00Z,buy,BTC,0.5,50000,first",
        "2026-02-01T10:00:00Z,buy,BTC,0.5,50000,first",
        "2026-02-02T10:00:00Z,buy,NOPE,1,1,",
        "2026-02-03T10:00:00Z,buy,BTC,one,1,",
    ]
    base = f"/portfolios/{made['id']}/imports"

    def bring() -> dict:
        answer = person.post(base, {"format": "coinsphere", "content": "\n".join(rows[:3]) + "\n"})
        assert answer.status_code == 201, answer.text
        batch = answer.json["import"]["id"]
        part = person.post(f"{base}/{batch}/parts", {"content": "\n".join(rows[3:]) + "\n"})
        assert part.status_code == 200
        preview = person.get(f"{base}/{batch}").json["preview"]
        assert [(each["line"], each["column"]) for each in preview["problems"]] == [
            (4, "token"),
            (5, "amount"),
        ]
        assert person.post(f"{base}/{batch}/confirm").status_code == 202
        with psycopg.connect(module_database.pipeline, autocommit=True, options=OPTIONS) as conn:
            importing.run(conn, batch, lambda: NOW)
        return person.get(f"{base}/{batch}").json["import"]

    first, second = bring(), bring()
    assert (first["status"], first["rowsImported"], first["problemCount"]) == ("succeeded", 2, 2)
    assert (second["rowsImported"], second["rowsKnown"]) == (0, 2)
    assert exact(person.get(f"/portfolios/{made['id']}"))["portfolio"]["holdings"][0]["amount"] == 1


def test_a_link_shows_what_it_may_until_it_is_revoked(person, client, prices, work) -> None:
    made = make(person)
    trade(person, made, "buy", "BTC", 1, 50_000, day(1))
    work(person)
    share = person.post(f"/portfolios/{made['id']}/shares", {}).json["share"]
    shown = client.get(f"{V1}/shared/{share['secret']}")
    assert shown.status_code == 200, shown.text
    body = exact(shown)
    shared_schemas.SharedOut.model_validate(body)
    assert body["allocations"][0]["percentage"] == 100
    assert body["allocations"][0]["amount"] is None
    assert body["totalValue"] is None
    assert ":60000" not in shown.text
    assert b'secret":null' in person.get(f"/portfolios/{made['id']}/shares").data
    assert person.ask("DELETE", f"/portfolios/{made['id']}/shares/{share['id']}").status_code == 200
    assert_problem(client.get(f"{V1}/shared/{share['secret']}"), 404)
    assert_problem(client.get(f"{V1}/shared/nonsense"), 404)


def test_a_sync_is_a_job_that_can_be_looked_at(person, prices, module_database) -> None:
    made = make(person)
    answer = person.post(f"/portfolios/{made['id']}/sync")
    assert answer.status_code == 202
    assert answer.json["message"] == "Sync initiated"
    path = f"/portfolios/{made['id']}/sync/{answer.json['jobId']}"
    assert person.get(path).json["status"] == "queued"
    with psycopg.connect(module_database.pipeline, autocommit=True, options=OPTIONS) as conn:
        portfolio_syncs.run(conn, answer.json["jobId"], lambda: NOW)
    assert person.get(path).json["status"] == "succeeded"


def test_lists_go_on_by_cursor(person, prices) -> None:
    made = make(person)
    body = {
        "portfolioId": made["id"],
        "transactions": [
            {"type": "buy", "tokenSymbol": "BTC", "amount": n + 1, "price": 1, "timestamp": day(1)} for n in range(5)
        ],
    }  # fmt: skip
    answer = person.post("/transactions/bulk", body)
    assert answer.status_code == 201, answer.text
    assert answer.json["count"] == 5
    seen, cursor = [], ""
    while cursor is not None:
        page = exact(person.get(f"/transactions?limit=2{cursor and f'&cursor={cursor}'}"))
        transaction_schemas.TransactionsOut.model_validate(page)
        assert page["pagination"]["total"] == 5
        seen += [each["id"] for each in page["transactions"]]
        cursor = page["nextCursor"]
    assert len(seen) == len(set(seen)) == 5
    assert_problem(person.get("/transactions?cursor=bm9uZQ"), 400)


def test_deleting_a_portfolio_takes_all_of_it_and_leaves_the_others_sound(
    person, prices, work, owner_db
) -> None:
    one, two = make(person), make(person, name="Two")
    trade(person, one, "buy", "BTC", 1, 100, day(1))
    trade(person, one, "transfer_out", "BTC", 1, None, day(2))
    trade(person, two, "transfer_in", "BTC", 1, None, day(2, 12))
    assert person.ask("DELETE", f"/portfolios/{one['id']}").status_code == 200
    work(person)
    (held,) = exact(person.get("/holdings"))["holdings"]
    assert (held["portfolioId"], held["costBasis"]) == (two["id"], None)
    for table in ("transactions", "lots", "lot_uses", "positions", "portfolio_values_daily"):
        left = owner_db.execute(
            f"select count(*) from app.{table} where portfolio_id = %s", [one["id"]]
        )
        assert left.fetchone() == (0,), table


def test_deleting_a_user_leaves_nothing_behind(client, prices, owner_db, work) -> None:
    person = new_person(client)
    made = make(person)
    trade(person, made, "buy", "BTC", 1, 100)
    work(person)
    owner_db.execute("delete from app.users where id = %s", [person.id])
    for table in (
        "transactions",
        "ledger_entries",
        "lots",
        "positions",
        "portfolio_values_daily",
        "valuation_marks",
    ):
        left = owner_db.execute(f"select count(*) from app.{table} where user_id = %s", [person.id])
        assert left.fetchone() == (0,), table
