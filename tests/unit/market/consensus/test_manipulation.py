"""What somebody may do to a price, and what happens by day: each a row of the table in the guide."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from coinsphere.market.consensus import rule
from coinsphere.market.consensus.model import Rules, State
from tests.unit.market.consensus.conftest import DOLLARS, MINUTE, NOW, says

FIVE = ("binance", "coinbase", "kraken", "okx", "bitstamp")


def calm(price=100, **changes):
    """All five within some basis points of each other; `changes` are other prices, by venue."""
    prices = {venue: Decimal(price) * (1 + Decimal(n) / 10_000) for n, venue in enumerate(FIVE)}
    return [says(venue, changes.get(venue, prices[venue])) for venue in FIVE]


def left_out(consensus):
    return {c.quote.venue: c.left_out for c in consensus.constituents if c.left_out}


def test_one_venue_jumps(minutes):
    before, after = minutes(calm(), calm(kraken=130))
    assert abs(after.price / before.price - 1) < Decimal("0.0003")
    assert after.state is State.OK
    assert after.venues == 4
    assert left_out(after) == {"kraken": "2997 bp from the median of the others"}


def test_who_was_far_off_votes_again_after_five_good_minutes(minutes):
    *_, waiting, voting = minutes(calm(), calm(kraken=130), *[calm()] * 7)
    assert "long enough" in left_out(waiting)["kraken"]
    assert left_out(voting) == {}
    assert (waiting.venues, voting.venues) == (4, 5)
    again = minutes(calm(), calm(kraken=130), calm(), calm(kraken=101), *[calm()] * 5)
    assert "long enough" in left_out(again[-1])["kraken"]


@pytest.mark.parametrize("to", ["130", "70", "100.4"])
def test_two_of_five_collude(minutes, to):
    before, after = minutes(calm(), calm(kraken=to, okx=to))
    assert abs(after.price / before.price - 1) < Decimal("0.0010")
    assert after.state is State.OK


def test_half_of_the_venues_is_no_quorum(minutes):
    (found,) = minutes(calm(kraken=130, okx=130)[:4])
    assert found.state is State.THIN
    assert found.venues == 2


def test_a_venue_freezes(minutes):
    frozen = says("kraken", 100, observed_at=NOW - timedelta(seconds=91))
    (found,) = minutes([*calm()[:2], frozen, *calm()[3:]])
    assert left_out(found) == {"kraken": "stale: 91 s old"}
    assert found.venues == 4


def test_a_venue_that_freezes_behind_fresh_timestamps(minutes):
    still = says("kraken", 100)
    moving = [
        [says("okx", 100 + Decimal(n) / 1000), says("binance", 100 - Decimal(n) / 1000), still]
        for n in range(13)
    ]
    agreed = minutes(*moving)
    assert left_out(agreed[10]) == {}
    assert left_out(agreed[11]) == {"kraken": "frozen: nothing moved for 11 min"}


def test_a_venue_prints_in_another_currency(minutes):
    """Euros in the market of dollars."""
    (found,) = minutes(calm(bitstamp="92.5"))
    assert list(left_out(found)) == ["bitstamp"]
    assert found.state is State.OK


def test_a_flash_crash_that_is_real_on_all_is_followed_at_once(minutes):
    *_, crash = minutes(calm(), calm(), calm(60))
    assert crash.price == Decimal("60.012")
    assert (crash.state, crash.jump, crash.is_new) == (State.OK, "confirmed", True)


def test_a_jump_of_one_venue_alone_waits_for_the_next_minute(minutes):
    """The last price judges nothing: what lasts is believed, whatever it was before."""
    before, jump, lasting = minutes(*([says("kraken", price)] for price in (100, 130, 131)))
    assert (jump.price, jump.jump, jump.candidate, jump.is_new) == (100, "waiting", 130, False)
    assert jump.agreed_at == before.valid_at
    assert (lasting.price, lasting.jump) == (131, "confirmed")
    assert minutes(*([says("kraken", p)] for p in (100, 130, 100)))[-1].price == 100


def test_a_thin_market(minutes):
    (found,) = minutes([says("kraken", 100), says("okx", "100.3")])
    assert (found.state, found.venues) == (State.THIN, 2)
    (apart,) = minutes([says("kraken", 100), says("okx", "110")])
    assert (apart.state, apart.price) == (State.STALE, None)
    (alone,) = minutes([says("kraken", 100)])
    assert (alone.state, alone.venues) == (State.SINGLE, 1)
    (asked,) = minutes(calm()[:2], rules=Rules(quorum=2))
    assert asked.state is State.OK


def test_nobody_left_keeps_the_last_price_with_its_age(minutes):
    first, second = minutes(calm(), [])
    assert (second.state, second.price, second.is_new) == (State.STALE, first.price, False)
    assert second.agreed_at == NOW


@pytest.mark.parametrize(
    ("book", "reason"),
    [
        ({"bid": Decimal("100.1"), "ask": Decimal(100)}, "its book is crossed"),
        ({"bid": None}, "its book has one side"),
        ({"ask": Decimal(0)}, "its book has one side"),
        ({"bid": Decimal("NaN")}, "its book has one side"),
        ({"bid": Decimal(99), "ask": Decimal(101)}, "its spread is 202 bp"),
        ({"observed_at": NOW + timedelta(minutes=2)}, "its clock is ahead"),
        ({"currency": "KRW"}, "no rate from KRW to US dollars"),
        ({"price": Decimal("NaN")}, "its price is no positive number, or past all bounds"),
    ],
)
def test_a_quote_at_fault_itself(minutes, book, reason):
    (found,) = minutes([*calm()[:4], replace(says("bitstamp", 100), **book)])
    assert left_out(found) == {"bitstamp": reason}


def test_a_venue_with_many_markets_has_one_vote(minutes):
    """And two venues of one owner have one between them."""
    rates = {"USD": Decimal(1), "USDT": Decimal(1), "USDC": Decimal(1)}
    many = [says("okx", 103, currency=c, volume=Decimal(9)) for c in rates]
    many.append(says("okxus", 103, volume=Decimal(10)))
    (found,) = minutes([*many, says("kraken", 100), says("binance", 100)], rates=rates)
    assert found.price == 100
    assert [c.left_out for c in found.constituents if c.quote.venue == "okx"] == [
        "its USD market votes"
    ] * 3
    (two,) = minutes(many, rates=rates)
    assert two.state is State.SINGLE


def _everyone(now=NOW, *, peg="1", euro="1.1"):
    """Bitcoin in four currencies at 100 dollars each, and what these currencies cost."""
    quotes = []
    for venue in FIVE:
        quotes += [
            says(venue, peg, asset="T"),
            says(venue, Decimal(1) / Decimal(peg), asset="C", currency="USDT"),
            says(venue, euro, asset="EUR"),
            says(venue, Decimal(100) / Decimal(peg), currency="USDT"),
            says(venue, Decimal(100) / Decimal(euro), currency="EUR", volume=Decimal(5000)),
        ]
    return [replace(quote, observed_at=now) for quote in quotes]


CODES = {"USDT": "T", "USDC": "C", "EUR": "EUR"}


def test_a_stablecoin_that_loses_its_peg_moves_no_price_but_its_own():
    first = rule.agree_on_all(_everyone(), {}, CODES, {}, NOW, Rules())
    broken = _everyone(NOW + MINUTE, peg="0.9")
    second = rule.agree_on_all(broken, first, CODES, {}, NOW + MINUTE, Rules())
    assert (second["T"].price, second["T"].jump) == (Decimal("0.9"), "confirmed")
    assert abs(second["C"].price - 1) < Decimal("0.0001")
    assert abs(second["X"].price - 100) < Decimal("0.0001")
    assert second["X"].jump is None


@pytest.mark.parametrize("told_by", [("kraken",), ("kraken", "coinbase")])
def test_while_a_stablecoins_fall_waits_for_its_confirmation_nothing_is_converted_by_it(told_by):
    """Five venues quote in it and two in dollars: at its price of before the five would outvote the two, and bar them."""

    def said(now, peg):
        quotes = [says(venue, peg, asset="T") for venue in told_by]
        quotes += [says(venue, 100) for venue in ("kraken", "coinbase")]
        others = ("binance", "okx", "bybit", "kucoin", "gate")
        quotes += [says(venue, Decimal(100) / peg, currency="USDT") for venue in others]
        return [replace(quote, observed_at=now) for quote in quotes]

    agreed = {}
    prices, states = [], []
    for number, peg in enumerate(("1", "0.9", "0.9")):
        now = NOW + number * MINUTE
        agreed = rule.agree_on_all(said(now, Decimal(peg)), agreed, CODES, {}, now, Rules())
        prices.append(agreed["X"].price)
        states.append((agreed["T"].jump, agreed["X"].state, agreed["X"].venues))
    assert max(abs(price - 100) for price in prices) < Decimal("0.001")
    assert states == [(None, "ok", 7), ("waiting", "thin", 2), ("confirmed", "ok", 7)]


def test_a_stablecoin_that_slides_for_an_hour_moves_no_price_but_its_own():
    agreed = {}
    for minute in range(60):
        now = NOW + minute * MINUTE
        quotes = _everyone(now, peg=1 - minute * Decimal("0.002"))
        agreed = rule.agree_on_all(quotes, agreed, CODES, {}, now, Rules())
        assert abs(agreed["X"].price - 100) < Decimal("0.0001")
        assert agreed["X"].state is State.OK
    assert agreed["T"].price == Decimal("0.882")


def test_a_currency_without_a_rate_is_left_out_by_name_and_known_rates_help():
    quotes = [q for q in _everyone() if q.asset == "X"]
    none = rule.agree_on_all(quotes, {}, CODES, {}, NOW, Rules())["X"]
    assert none.state is State.STALE
    assert {c.left_out for c in none.constituents} == {
        "no rate from EUR to US dollars",
        "no rate from USDT to US dollars",
    }
    known = {"EUR": Decimal("1.1")}
    assert rule.agree_on_all(quotes, {}, CODES, known, NOW, Rules())["X"].state is State.OK


def test_a_rate_is_used_for_an_hour_after_it_was_agreed_on():
    first = rule.agree_on_all(_everyone(), {}, CODES, {}, NOW, Rules())
    for minutes_, state in ((59, State.OK), (61, State.STALE)):
        now = NOW + minutes_ * MINUTE
        only = [q for q in _everyone(now) if q.asset == "X" and q.currency == "USDT"]
        assert rule.agree_on_all(only, first, CODES, {}, now, Rules())["X"].state is state


def test_more_doubt_where_venues_differ_and_where_quotes_are_old(minutes):
    (near,) = minutes(calm())
    (far,) = minutes([says(v, 100 + n * Decimal("0.2")) for n, v in enumerate(FIVE)])
    old = [replace(q, observed_at=NOW - timedelta(seconds=80)) for q in calm()]
    aged = rule.agree("X", old, DOLLARS, None, NOW, Rules())
    assert near.confidence < far.confidence
    assert near.confidence < aged.confidence
