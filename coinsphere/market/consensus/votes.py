"""Which of the quotes may vote: one a venue, alive, with a sound book, and not far from the others."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from coinsphere.market.consensus import statistics
from coinsphere.market.consensus.model import Consensus, Constituent, Rules, VenueQuote

_LEAST, _MOST = Decimal("1e-18"), Decimal("1e15")
NO_PRICE = "its price is no positive number, or past all bounds"
AHEAD = "its clock is ahead"
_PAIR = 2
"""Two cannot be judged by the median of the others."""
_FIRST_NOISE = Decimal(10)
_OWNERS = {
    "binanceus": "binance",
    "binancecoinm": "binance",
    "binanceusdm": "binance",
    "coinbaseexchange": "coinbase",
    "coinbaseadvanced": "coinbase",
    "okxus": "okx",
    "myokx": "okx",
    "bybiteu": "bybit",
    "gateeu": "gate",
    "kucoineu": "kucoin",
}
"""Venues by whom they belong to: two of one owner are one vote."""


def owner(venue: str) -> str:
    """Whom a venue belongs to."""
    return _OWNERS.get(venue, venue)


def heard(
    quote: VenueQuote,
    rate: Decimal | None,
    previous: Consensus | None,
    now: datetime,
    rules: Rules,
) -> Constituent:
    """The quote with what is known of its market; left out where it is at fault itself."""
    quote = _cleaned(quote)
    before = None if previous is None else previous.constituent(quote.venue, quote.currency)
    watched = previous is not None and now - previous.valid_at <= rules.frozen_after
    unchanged = watched and before is not None and _face(quote) == _face(before.quote)
    made = Constituent(
        quote=quote,
        rate=rate,
        price=None,
        age=max(now - quote.observed_at, timedelta(0)),
        unchanged_since=before.unchanged_since if before and unchanged else quote.observed_at,
        noise=before.noise if before else _FIRST_NOISE,
        is_barred=before is not None and before.is_barred,
        agreeing_since=before.agreeing_since if before else None,
    )
    fault = _fault(made, now, rules)
    price = _in_book(quote) * rate if _is_price(quote.price) and rate is not None else None
    return replace(made, price=price, left_out=fault)


def one_a_venue(all_: Sequence[Constituent]) -> list[Constituent]:
    """Leaves out all but the largest market of each owner among those that can vote."""
    chosen: dict[str, Constituent] = {}
    for each in sorted(all_, key=_by_size, reverse=True):
        if each.left_out is None:
            chosen.setdefault(owner(each.quote.venue), each)
    return [
        each
        if each.left_out or chosen[owner(each.quote.venue)] is each
        else replace(
            each, left_out=f"its {chosen[owner(each.quote.venue)].quote.currency} market votes"
        )
        for each in all_
    ]


def near_each_other(all_: Sequence[Constituent], rules: Rules) -> list[Constituent]:
    """Leaves out the furthest from the median of the others, one by one, until none is too far away."""
    outvoted: dict[tuple[str, str], str] = {}
    votes = [each for each in all_ if each.left_out is None]
    while len(votes) > _PAIR:
        distances = {id(each): _from_others(each, votes) for each in votes}
        worst = max(
            votes,
            key=lambda each: (
                distances[id(each)] / _tolerated(each, rules),
                -(each.volume or 0),
                _key(each),
            ),
        )
        if distances[id(worst)] <= _tolerated(worst, rules):
            break
        outvoted[_key(worst)] = f"{distances[id(worst)]:.0f} bp from the median of the others"
        votes.remove(worst)
    gap = statistics.apart(_price(votes[0]), _price(votes[-1])) if len(votes) == _PAIR else 0
    if gap > rules.pair_tolerance:
        reason = f"the only two venues that are left are {gap:.0f} bp apart"
        outvoted |= {_key(each): reason for each in votes}
    return [
        replace(each, left_out=outvoted[_key(each)], is_outvoted=True)
        if _key(each) in outvoted
        else each
        for each in all_
    ]


def _is_price(number: Decimal) -> bool:
    return number.is_finite() and _LEAST <= number <= _MOST


def _cleaned(quote: VenueQuote) -> VenueQuote:
    """The quote without amounts that are no amounts; its price is judged by itself."""
    return replace(
        quote,
        bid=_amount(quote.bid),
        ask=_amount(quote.ask),
        volume=_amount(quote.volume),
        market_cap=_amount(quote.market_cap),
    )


def _amount(number: Decimal | None) -> Decimal | None:
    return number if number is not None and number.is_finite() and number >= 0 else None


def _fault(made: Constituent, now: datetime, rules: Rules) -> str | None:
    """What speaks against the market by itself, the plainest first."""
    quote = made.quote
    if not _is_price(quote.price):
        return NO_PRICE
    return (
        _time_fault(made, now, rules)
        or (f"no rate from {quote.currency} to US dollars" if made.rate is None else None)
        or _book_fault(quote, rules)
        or _bar(made)
    )


def _time_fault(made: Constituent, now: datetime, rules: Rules) -> str | None:
    quote = made.quote
    if quote.observed_at > now + rules.ahead:
        return AHEAD
    if made.age > (rules.frozen_after if quote.is_aggregate else rules.stale_after):
        return f"stale: {made.age.total_seconds():.0f} s old"
    still = now - made.unchanged_since
    if still > rules.frozen_after:
        return f"frozen: nothing moved for {still.total_seconds() / 60:.0f} min"
    return None


def _bar(made: Constituent) -> str | None:
    if made.is_barred:
        return "was far off, and has not agreed with the others for long enough since"
    return None


def _book_fault(quote: VenueQuote, rules: Rules) -> str | None:
    """What is wrong with the book; nothing where the venue does not tell it at all."""
    if quote.bid is None and quote.ask is None:
        return None
    if not quote.bid or not quote.ask:
        return "its book has one side"
    if quote.bid > quote.ask:
        return "its book is crossed"
    spread = statistics.apart(quote.bid, quote.ask)
    return f"its spread is {spread:.0f} bp" if spread > rules.widest_spread else None


def _in_book(quote: VenueQuote) -> Decimal:
    """The last trade, or the side of the book that it has fallen behind."""
    if not quote.bid or not quote.ask or not quote.bid <= quote.ask:
        return quote.price
    return min(max(quote.price, quote.bid), quote.ask)


def _face(quote: VenueQuote) -> tuple[str, ...]:
    return tuple(map(str, (quote.price, quote.bid, quote.ask, quote.volume)))


def _key(each: Constituent) -> tuple[str, str]:
    return each.quote.venue, each.quote.currency


def _by_size(each: Constituent) -> tuple[Decimal, str, str]:
    return each.volume or Decimal(0), each.quote.venue, each.quote.currency


def _price(each: Constituent) -> Decimal:
    if each.price is None:
        raise AssertionError("who can vote has a price")
    return each.price


def _from_others(each: Constituent, votes: Sequence[Constituent]) -> Decimal:
    others = statistics.median(_price(other) for other in votes if other is not each)
    return statistics.apart(_price(each), others)


def _tolerated(each: Constituent, rules: Rules) -> Decimal:
    return min(max(rules.tolerance, rules.noises * each.noise), rules.pair_tolerance)
