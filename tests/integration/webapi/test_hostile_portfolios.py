"""Portfolios of hostile shapes, and every route that reads them: no 5xx, no number that is none, sums that agree.

Tiny, huge, instant, circular, closed, oversold, without a price, without a rate, from the first day of Bitcoin to now.
COINSPHERE_EXAMPLES sets how many portfolios are tried.
"""

import json
import os
from decimal import Decimal, localcontext
from typing import Any, NamedTuple
from urllib.parse import quote as escaped

import psycopg
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from coinsphere.portfolio.model import EXACT
from tests.integration.webapi.books import make
from tests.integration.webapi.conftest import NOW, OPTIONS, V1, new_person, quote

D = Decimal
EXAMPLES = int(os.environ.get("COINSPHERE_EXAMPLES", "30"))
TINY, HUGE = "0.000000000000000001", "1000000000000000000"
MOMENTS = [
    "2009-01-03T10:00:00Z", "2016-02-29T10:00:00Z", "2026-02-01T10:00:00Z", "2026-02-20T10:00:00Z", "2026-03-09T10:00:00Z",
    "2026-03-10T10:00:00Z", "2026-03-09T00:00:00Z", "2026-03-08T23:59:59.999999Z", "2026-03-09T10:00:00.000001Z",
]  # fmt: skip
QUERIES = [
    "",
    "?days=20000&explain=true&benchmark=BTC:0.5,ETH:0.5",
    "?from=2009-01-01&to=2026-03-10&currency=EUR",
    "?days=400&currency=CHF",
    "?days=1&currency=BTC&explain=true",
]


class Event(NamedTuple):
    """A transaction as it is sent; what contradicts itself is refused, and that is well."""

    kind: str
    token: str
    amount: str
    price: str | None
    moment: str
    counter: str
    fee: str | None = None

    def body(self, portfolio: str) -> dict[str, Any]:
        made = {
            "portfolioId": portfolio, "type": self.kind, "tokenSymbol": self.token, "amount": self.amount,
            "price": self.price, "timestamp": self.moment,
        }  # fmt: skip
        if self.fee is not None:
            made |= {"fee": self.fee, "feeTokenSymbol": "LTC"}
        if self.kind == "swap":
            made |= {"counterTokenSymbol": self.counter, "counterAmount": self.amount}
        return made


class Shape(NamedTuple):
    """A portfolio and what happened in it."""

    currency: str
    method: str
    events: list[Event]


tokens = st.sampled_from(["BTC", "ETH", "DOGE", "ADA", "XRP", "SHIB", "SOL"])
kinds = st.sampled_from(
    ["buy", "buy", "sell", "sell", "swap", "deposit", "withdrawal", "airdrop", "lost", "transfer_in", "transfer_out", "gift",
     "fee", "interest", "opening_balance"]
)  # fmt: skip
events = st.builds(
    Event, kinds, tokens, st.sampled_from([TINY, "0.1", "1", "1", HUGE]),
    st.sampled_from([None, "0", TINY, "100", "50000", HUGE]), st.sampled_from(MOMENTS), tokens,
    st.sampled_from([None, None, TINY, "0.5", HUGE]),
)  # fmt: skip
shapes = st.builds(
    Shape,
    st.sampled_from(["USD", "EUR", "CHF", "BTC", "XRP"]),
    st.sampled_from(["fifo", "lifo", "hifo", "average"]),
    st.lists(events, max_size=5),
)


@pytest.fixture(scope="module", autouse=True)
def market(prices, module_database):
    """Beside the usual prices one of the smallest, one of nearly the largest that moved by all of it, and one of neither."""
    with psycopg.connect(module_database.owner, autocommit=True, options=OPTIONS) as conn:
        quote(conn, "DOGE", TINY, change=D("-99.999999999999999999"), at=NOW)
        quote(conn, "SHIB", "0.000000000001", change=D("1E-18"), at=NOW)
        quote(conn, "SOL", "1000000000", change=D("-0.000000000000000001"), at=NOW)
        quote(conn, "ADA", "9" * 19, change=D("99999999999999999999"), at=NOW)


@pytest.fixture(scope="module")
def owner_of_all(app):
    return new_person(app.test_client())


@pytest.fixture
def routes(app) -> list[str]:
    """Every GET of the portfolios that names nothing but a portfolio."""
    found = [
        rule.rule.removeprefix(V1)
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ()) and rule.rule.startswith(f"{V1}/portfolios")
    ]
    return sorted(each for each in found if each.count("<") == each.count("<portfolio_id>"))


def read(person, path: str) -> Any:
    """The body, every number of which is one."""
    answer = person.get(path)
    assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:300]}"
    if answer.mimetype != "application/json":
        return None

    def refuse(name: str) -> None:
        raise AssertionError(f"{path}: {name}")

    return json.loads(answer.data, parse_float=D, parse_int=D, parse_constant=refuse)


PLAIN = {"export": "?format=csv", "issues": "", "imports": "", "shares": ""}


def walk(person, routes: list[str], portfolio: str) -> None:
    for route in routes:
        name = route.rpartition("/")[2]
        for query in [PLAIN[name]] if name in PLAIN else QUERIES if "<" in route else [""]:
            read(person, route.replace("<portfolio_id>", portfolio) + query)


def require_sums(person, portfolio: str) -> None:
    """What is held adds up to the total, and its parts to the whole; nothing that is unknown counts as nothing."""
    found = read(person, f"/portfolios/{portfolio}")["portfolio"]
    known = [each["currentValue"] for each in found["holdings"] if each["currentValue"] is not None]
    unknown = len(found["holdings"]) - len(known)
    if known or not unknown:
        assert found["totalValue"] == sum(known)
    else:
        assert found["totalValue"] is None
    assert bool(unknown) == bool(found["unpriced"] or found["missingRates"])
    costs = [each["costBasis"] for each in found["holdings"] if each["costBasis"] is not None]
    assert found["stats"]["totalCost"] == (sum(costs) if costs or not found["holdings"] else None)
    parts = [
        each["percentage"]
        for each in read(person, f"/portfolios/{portfolio}/allocation")["allocations"]
    ]
    if parts and None not in parts:
        assert abs(sum(parts) - 100) < D("1e-12")


ENDS = ("0001-01-01", "1969-12-31", "2008-12-31", "2009-01-01", "9999-12-31")


def test_no_day_of_the_calendar_breaks_a_report(owner_of_all, routes, work, cache) -> None:
    """A report looks at the day before its first one, which the first day of the calendar does not have."""
    person = owner_of_all
    portfolio = make(person, currency="EUR")["id"]
    bought = Event("buy", "BTC", "1", "100", "2026-02-01T10:00:00Z", "").body(portfolio)
    assert person.post("/transactions", bought).status_code == 201
    work(person)
    for route in routes:
        path = route.replace("<portfolio_id>", portfolio)
        for first in ("", *ENDS):
            for last in ("", *ENDS):
                cache.flushdb()
                answer = person.get(f"{path}?{first and f'from={first}&'}{last and f'to={last}'}")
                assert answer.status_code in (200, 400), (
                    f"{path} {first} {last}: {answer.text[:300]}"
                )


def figures(person, portfolio: str) -> list[Any]:
    base = f"/portfolios/{portfolio}"
    whole = read(person, base)["portfolio"]
    over = read(person, f"{base}/performance?days=20000")
    return [
        whole["totalValue"],
        whole["stats"],
        whole["holdings"],
        over["returns"],
        over["performance"],
    ]


def add(person, shape: Shape, work) -> str:
    portfolio = make(person, currency=shape.currency, lotMethod=shape.method)["id"]
    for each in shape.events:
        answer = person.post("/transactions", each.body(portfolio))
        assert answer.status_code in {201, 400}, answer.text
        event(f"{each.kind}: {answer.status_code}")
    work(person)
    return portfolio


def require_all(person, routes, work, cache, given_shapes: list[Shape]) -> None:
    cache.flushdb()  # The limit of requests is not what is tried here.
    for known in read(person, "/portfolios")["portfolios"]:
        assert person.ask("DELETE", f"/portfolios/{known['id']}").status_code == 200
    first = add(person, given_shapes[0], work)
    before = figures(person, first)
    made = [first, *(add(person, shape, work) for shape in given_shapes[1:])]
    has_transfers = any("transfer" in each.kind for shape in given_shapes for each in shape.events)
    if not has_transfers:
        assert figures(person, first) == before
    for portfolio in made:
        walk(person, routes, portfolio)
        require_sums(person, portfolio)
    for currency in ("USD", "EUR", "CHF"):
        account = read(person, f"/portfolios?currency={currency}")
        parts = [each["totalValue"] for each in account["portfolios"]]
        known_parts = [part for part in parts if part is not None]
        assert account["totalValue"] == (sum(known_parts) if known_parts else None)
        left_out = {each["portfolioId"] for each in account["leftOut"]}
        assert {
            each["id"] for each in account["portfolios"] if each["totalValue"] is None
        } <= left_out
    link = person.post(f"/portfolios/{first}/shares", {}).json["share"]["secret"]
    read(person, f"/shared/{escaped(link)}")


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(shapes, min_size=1, max_size=3))
def test_every_route_holds(owner_of_all, routes, work, cache, given_shapes: list[Shape]) -> None:
    with localcontext(EXACT):
        require_all(owner_of_all, routes, work, cache, given_shapes)
