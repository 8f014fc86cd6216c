"""Figures of odd histories, each worked out by hand: BTC closes at 50,000 on 1 February and rises by 100 a day, ETH stays at 2,000."""

from decimal import Decimal as D  # noqa: N817 - short in tables
from typing import Any, NamedTuple

import pytest

from tests.integration.webapi.books import day, make, trade
from tests.integration.webapi.conftest import exact

NO_MONEY = "no money was invested in this period"


class Case(NamedTuple):
    """What happened as `type token amount price day` and more fields; then cost, realised gain, inflow, outflow and returns."""

    story: list[tuple[Any, ...]]
    cost: D | None
    realised: D
    flows: tuple[Any, Any]
    simple: D | str
    time_weighted: D | str


CASES = {
    "sold before it was bought": Case(
        [("sell", "BTC", 1, 55_000, 5), ("buy", "BTC", 1, 50_000, 10)],
        D(50_000), D(0), (105_000, 55_000), D("3.4285714286"), D("7.2"),
    ),
    "more withdrawn than held": Case(
        [("buy", "BTC", 1, 50_000, 1), ("withdrawal", "BTC", 2, None, 2)],
        D(0), D(0), (100_100, 100_200), D("0.0999000999"), D("0.0999000999"),
    ),
    "more given than held": Case(
        [("swap", "BTC", 1, None, 10, {"counterTokenSymbol": "ETH", "counterAmount": "25"})],
        D(50_900), D(0), (50_900, 0), D("-1.7681728880"), D("-1.7681728880"),
    ),
    "a fee in what is not held": Case(
        [("buy", "BTC", 1, 50_000, 2, {"fee": "1", "feeToken": "ETH"})],
        D(52_000), D(0), (52_000, 0), D("3.0769230769"), D("3.0769230769"),
    ),
    "a fee above the sale": Case(
        [("buy", "BTC", 1, 50_000, 1), ("sell", "BTC", "0.1", 1, 5, {"fee": "5"})],
        D(45_000), D("-5004.9"), (D("50004.9"), 0), D("-3.5294541135"), D("-3.5293977326"),
    ),
    "a fee above the purchase": Case(
        [("buy", "BTC", "0.001", 50_000, 1, {"fee": "100"})],
        D(150), D(0), (150, 0), D("-64.2666666667"), D("-64.2666666667"),
    ),
    "closed and opened again": Case(
        [("buy", "BTC", 1, 50_000, 1), ("sell", "BTC", 1, 51_000, 11), ("buy", "BTC", 1, 52_000, 21)],
        D(52_000), D(1_000), (102_000, 51_000), D("2.5490196078"), D("5.1384615385"),
    ),
    "all in one instant": Case(
        [("buy", "BTC", 1, 50_000, 3), ("sell", "BTC", 1, 50_500, 3), ("buy", "BTC", 2, 50_400, 3)],
        D(100_800), D(500), (150_800, 50_500), D("4.575596817"), D("6.8437126824"),
    ),
    "given for nothing and sold": Case(
        [("airdrop", "BTC", 1, 0, 1), ("sell", "BTC", 1, 50_000, 5)],
        D(0), D(50_000), (0, 50_000), NO_MONEY, NO_MONEY,
    ),
    "of a grain of dust": Case(
        [("buy", "BTC", "0.000000000000000001", 50_000, 1)],
        D("5E-14"), D(0), (D("5E-14"), 0), D("7.2"), D("7.2"),
    ),
    "a quadrillion": Case(
        [("buy", "BTC", "1000000000000000", 50_000, 1)],
        D("5E19"), D(0), (D("5E19"), 0), D("7.2"), D("7.2"),
    ),
    "paid in a currency without a rate": Case(
        [("buy", "BTC", 1, 40_000, 1, {"currency": "GBP"})],
        None, D(0), (50_000, 0), D("7.2"), D("7.2"),
    ),
    "partly given away, partly lost": Case(
        [("buy", "BTC", 1, 50_000, 1), ("gift", "BTC", "0.25", None, 2), ("lost", "BTC", "0.5", None, 3)],
        D(12_500), D(-25_000), (50_000, 12_525), D("-48.15"), D("-64.2666666667"),
    ),
}  # fmt: skip


def tell(person, portfolio, story) -> None:
    for kind, symbol, amount, price, number, *more in story:
        trade(person, portfolio, kind, symbol, amount, price, day(number), **(more[0] if more else {}))  # fmt: skip


def figure(told: dict[str, Any]) -> Any:
    return told["reason"] if told["percentage"] is None else told["percentage"]


@pytest.mark.parametrize("name", CASES)
def test_figures_are_as_worked_out_by_hand(person, prices, work, name) -> None:
    case = CASES[name]
    made = make(person)
    tell(person, made, case.story)
    work(person)
    base = f"/portfolios/{made['id']}"
    assert exact(person.get(base))["portfolio"]["stats"]["totalCost"] == case.cost
    assert exact(person.get(f"{base}/gains?from=2026-01-01"))["totalGain"] == case.realised
    found = exact(person.get(f"{base}/performance?from=2026-02-01&to=2026-03-09"))["returns"]
    assert (found["inflow"], found["outflow"]) == case.flows
    assert (figure(found["simple"]), figure(found["timeWeighted"])) == (
        case.simple,
        case.time_weighted,
    )
    assert found["moneyWeighted"]["percentage"] is None


def test_what_has_no_price_is_not_worth_nothing(person, prices, work) -> None:
    """A day on which nothing held has a price has no value, and no returns: not a zero, nor "no money was invested"."""
    made = make(person)
    trade(person, made, "buy", "XRP", 10, 2, day(1))
    work(person)
    base = f"/portfolios/{made['id']}/performance?from=2026-02-01&to=2026-03-09"
    for shown in ("", "&currency=EUR"):
        found = exact(person.get(base + shown))
        assert {(each["value"], each["unpricedAssets"]) for each in found["performance"]} == {
            (None, 1)
        }
        assert (found["returns"], found["unavailable"]) == (
            None,
            "nothing that was held in this period has a price",
        )
    trade(person, made, "buy", "BTC", 1, 51_000, day(11))
    work(person)
    found = exact(person.get(base))
    assert [each["value"] for each in found["performance"][8:11]] == [None, None, 51_000]
    assert found["returns"]["simple"]["percentage"] == D("5.0980392157")


def test_a_currency_that_is_changed_midway_changes_every_figure_with_it(
    person, prices, work
) -> None:
    made = make(person)
    tell(person, made, CASES["closed and opened again"].story)
    work(person)
    assert person.ask("PUT", f"/portfolios/{made['id']}", json={"currency": "EUR"}).status_code == 200  # fmt: skip
    work(person)
    base = f"/portfolios/{made['id']}"
    assert exact(person.get(base))["portfolio"]["stats"]["totalCost"] == 41_600
    assert exact(person.get(f"{base}/gains?from=2026-01-01"))["totalGain"] == 800
    found = exact(person.get(f"{base}/performance?from=2026-02-01&to=2026-03-09"))["returns"]
    assert (found["inflow"], found["endValue"]) == (81_600, 42_880)
    assert found["timeWeighted"]["percentage"] == D("5.1384615385")
