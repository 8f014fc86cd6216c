"""Golden cases, worked out by hand: the arithmetic stands beside each."""

from decimal import Decimal

import pytest

from coinsphere.portfolio.lots.book_records import Arrival, Entry
from coinsphere.portfolio.lots.cost_basis import Book
from coinsphere.portfolio.model import IssueKind, LotMethod, Rules, Use
from tests.unit.portfolio.conftest import (
    BNB,
    BTC,
    ETH,
    MAIN,
    VAULT,
    FakeMarket,
    at,
    booked,
    fact,
)

D = Decimal
THREE = [fact("buy", 1, 100, 0), fact("buy", 1, 300, 1), fact("buy", 1, 200, 2)]


@pytest.mark.parametrize(
    ("method", "cost", "left"),
    [
        ("fifo", 100 + 150, 350),  # all of the first, half of the second
        ("lifo", 200 + 150, 250),  # all of the third, half of the second
        ("hifo", 300 + 100, 200),  # all of the 300, half of the 200
        ("average", 300, 300),  # 1.5 of 3 that cost 600
    ],
)
def test_which_lots_a_sale_uses(method, cost, left) -> None:
    book = booked([*THREE, fact("sell", "1.5", 400, 3)], method=method)
    sold = [use for use in book.records.uses if use.kind is Use.SALE]
    assert sum(use.cost for use in sold) == cost
    assert sum(use.proceeds for use in sold) == 600
    assert sum(lot.cost for lot in book.open_lots(MAIN)) == left
    assert book.records.positions[-1][2:] == (D("1.5"), left, 0)


def test_a_cost_that_does_not_divide_is_conserved_to_the_last_digit() -> None:
    """3 at 33 and a fee of 1 cost 100: a third of it has no end, so the last part takes what is left."""
    sales = [fact("sell", 1, 40, day) for day in (1, 2, 3)]
    book = booked([fact("buy", 3, 33, 0, fee=1), *sales])
    parts = [use.cost for use in book.records.uses]
    assert parts[0] == D("33.333333333333333333")
    assert sum(parts) == 100
    assert book.records.closed == {1: at(3)}


def test_the_smallest_unit_is_booked() -> None:
    book = booked([fact("buy", "1e-18", 60_000), fact("sell", "1e-18", 70_000, 1)])
    assert book.records.lots[0].cost == D("6e-14")
    assert book.records.uses[0].proceeds - book.records.uses[0].cost == D("1e-14")


def test_fees_in_money_in_the_token_and_in_a_third_one() -> None:
    market = FakeMarket({BNB: D(500)})
    # 2 at 100 and 10 of fee: 210. Half of them: 105; 150 less 5 of fee: 145, gain 40.
    book = booked([fact("buy", 2, 100, fee=10), fact("sell", 1, 150, 1, fee=5)])
    assert (book.records.uses[0].cost, book.records.uses[0].proceeds) == (105, 145)
    # 0.5 of the 2 went as a fee: 1.5 for 200.
    book = booked([fact("buy", 2, 100, fee="0.5", fee_token_id=BTC)])
    assert (book.records.lots[0].quantity, book.records.lots[0].cost) == (D("1.5"), 200)
    # 0.01 BNB of 500 are 5: they add to the cost, and are spent at what they are worth.
    paid = [
        fact("buy", 1, 3000, 0, token_id=BNB),
        fact("buy", 2, 100, 1, fee="0.01", fee_token_id=BNB),
    ]
    assert booked(paid[1:], market=market).records.lots[0].cost == 205
    (use,) = booked(paid, token=BNB, market=market).records.uses
    assert (use.kind, use.quantity, use.cost, use.proceeds) == (Use.FEE, D("0.01"), 30, 5)


def test_income_costs_what_it_was_worth() -> None:
    market = FakeMarket({BTC: D(50)})
    book = booked([fact("staking", "0.1"), fact("airdrop", "0.1", 70, 1)], market=market)
    assert [lot.cost for lot in book.records.lots] == [5, 7]
    assert [flow.income for flow in book.records.flows] == [5, 7]
    unknown = booked([fact("reward", 1)])
    assert unknown.records.lots[0].cost is None
    assert [found.kind for found in unknown.records.findings] == [IssueKind.MISSING_COST]


def test_a_swap_sells_at_market_and_buys_for_the_same() -> None:
    market = FakeMarket({BTC: D(1000)})
    swap = fact("swap", 1, None, 1, counter_token_id=ETH, counter_amount=20, fee=2)
    given = booked([fact("buy", 1, 600), swap], market=market)
    (use,) = given.records.uses
    assert (use.kind, use.proceeds - use.cost) == (Use.SWAP, 400)
    (lot,) = booked([swap], token=ETH, market=market).records.lots
    assert (lot.quantity, lot.cost) == (20, 1002)


def test_what_is_given_lost_or_spent() -> None:
    facts = [
        fact("buy", 4, 100),
        fact("gift", 1, None, 1),
        fact("lost", 1, None, 2),
        fact("fee", 1, None, 3),
    ]
    gift, lost, fee = booked(facts).records.uses
    assert (gift.kind, gift.proceeds) == (Use.GIFT, None)
    assert (lost.kind, lost.proceeds, lost.cost) == (Use.LOST, 0, 100)
    assert (fee.kind, fee.proceeds, fee.cost) == (Use.FEE, 0, 100)


def test_more_sold_than_held_is_a_finding_and_never_a_negative_lot() -> None:
    book = booked([fact("buy", 1, 100), fact("sell", 3, 200, 1), fact("buy", 5, 10, 2)])
    part, missing = book.records.uses
    assert (part.cost, part.proceeds) == (100, 200)
    assert (missing.lot_number, missing.quantity, missing.cost, missing.proceeds) == (
        None,
        2,
        None,
        400,
    )
    (found,) = book.records.findings
    assert (found.kind, found.amount) == (IssueKind.NEGATIVE_BALANCE, 2)
    assert book.records.positions[-1].amount == 5


def transferred(*, currency: str = "USD", method: str = "fifo") -> Book:
    rules = {
        MAIN: Rules(MAIN, "USD", LotMethod(method)),
        VAULT: Rules(VAULT, currency, LotMethod(method)),
    }
    market = FakeMarket(rates={"USD": D(1), "EUR": D("0.8")})
    out = fact("transfer_out", "1.5", None, 2, fee="0.1", fee_token_id=BTC)
    entries = [
        Entry(fact("buy", 1, 100), at(0)),
        Entry(fact("buy", 1, 300, 1), at(1)),
        Entry(out, at(2), Arrival(fact("transfer_in", 1).fact_id, VAULT, None, D("1.49"))),
    ]
    book = Book(BTC, rules, market)
    book.book(entries)
    return book


def test_an_own_transfer_carries_lots_with_their_cost_and_date() -> None:
    book = transferred()
    moved = book.open_lots(VAULT)
    # 1 of the first and 0.49 of the second; 0.01 lost on the way and 0.1 of fee are spent of the second.
    assert [(lot.quantity, lot.cost, lot.acquired_at) for lot in moved] == [
        (1, 100, at(0)),
        (D("0.49"), 147, at(1)),
    ]
    (left,) = book.open_lots(MAIN)
    assert (left.quantity, left.cost) == (D("0.4"), 120)
    (fee,) = [use for use in book.records.uses if use.kind is Use.FEE]
    assert (fee.quantity, fee.cost, fee.proceeds) == (D("0.11"), 33, 0)


def test_a_transfer_into_another_currency_converts_the_cost() -> None:
    assert [lot.cost for lot in transferred(currency="EUR").open_lots(VAULT)] == [80, D("117.6")]


def test_at_average_cost_transfers_mix_with_what_is_there() -> None:
    (lot,) = transferred(method="average").open_lots(VAULT)
    assert (lot.quantity, lot.cost) == (D("1.49"), 298)


def test_accounts_are_kept_apart_where_the_user_wants_it() -> None:
    facts = [
        fact("buy", 1, 100, exchange="kraken"),
        fact("buy", 1, 300, 1, exchange="Binance"),
        fact("sell", 1, 400, 2, exchange="binance"),
    ]
    assert booked(facts).records.uses[0].cost == 100
    assert booked(facts, scope="account").records.uses[0].cost == 300


def test_a_price_in_another_currency_is_converted_on_its_day() -> None:
    market = FakeMarket(rates={"USD": D(1), "EUR": D("0.8")})
    dollars = booked([fact("buy", 1, 80, currency="EUR")], market=market)
    assert dollars.records.lots[0].cost == 100
    nowhere = booked([fact("buy", 1, 80, currency="CHF")], market=market)
    assert nowhere.records.lots[0].cost is None


def test_at_average_cost_an_unknown_part_makes_the_whole_unknown() -> None:
    book = booked([fact("buy", 1, 100), fact("deposit", 1, None, 1)], method="average")
    (lot,) = book.open_lots(MAIN)
    assert (lot.quantity, lot.cost) == (2, None)
    assert book.records.positions[-1][2:] == (2, 0, 2)


@pytest.mark.parametrize("method", ["fifo", "lifo", "hifo", "average"])
def test_within_an_instant_the_order_of_entry_decides(method: str) -> None:
    """One is held at 100; on one day, with no times, one is sold at 150 and then one bought at 140: the gain is 50."""
    held = fact("buy", 1, 100, 0)
    sold, bought = fact("sell", 1, 150, 1), fact("buy", 1, 140, 1)
    book = booked([held, sold, bought], method=method)
    sale = next(use for use in book.records.uses if use.kind == "sale")
    assert (sale.cost, sale.proceeds) == (100, 150)
    other_way = booked([held, bought, sold], method=method)
    cost = {"fifo": 100, "lifo": 140, "hifo": 140, "average": 120}[method]
    assert next(use for use in other_way.records.uses if use.kind == "sale").cost == cost


def test_a_sale_waits_for_what_comes_in_the_same_instant() -> None:
    """Entered first, with nothing there: nobody sells what he has not, so the purchase came first."""
    book = booked([fact("sell", 1, 150, 1), fact("buy", 1, 140, 1)])
    assert [(use.cost, use.proceeds) for use in book.records.uses] == [(140, 150)]
    assert not book.records.findings


def test_what_was_borrowed_makes_no_gain() -> None:
    """Sold at 50,000, bought back at 40,000 and repaid (ADR 0307): the gain of the sale is unknown, never the whole of it."""
    loan = fact("deposit", 1, day=0)
    book = booked([
        loan, fact("sell", 1, 50_000, day=1), fact("buy", 1, 40_000, day=2), fact("withdrawal", 1, day=3),
    ])  # fmt: skip
    assert [(use.kind, use.cost, use.proceeds) for use in book.records.uses] == [
        (Use.SALE, None, D(50_000)),
        (Use.WITHDRAWAL, D(40_000), None),
    ]
    assert (book.open_lots(MAIN), [found.fact_id for found in book.records.findings]) == (
        [],
        [loan.fact_id],
    )
