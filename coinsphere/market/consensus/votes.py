"""Chooses the quotes that vote: one per venue, fresh, with a sound book, and near the others."""

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
"""Of two, neither can be judged by the median of the others."""
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
    """The owner of a venue, else the venue itself."""
    return _OWNERS.get(venue, venue)


def heard(
    quote: VenueQuote,
    rate: Decimal | None,
    previous: Consensus | None,
    now: datetime,
    rules: Rules,
) -> Constituent:
    """The quote as a constituent with its history; `left_out` names a fault of the quote itself."""
    quote = _cleaned(quote)
    before = None if previous is None else previous.constituent(quote.venue, quote.currency)
    watched = previous is not None and now - previous.valid_at <= rules.frozen_after
    unchanged = watched and before is not None and _face(quote) == _face(before.quote)
    constituent = Constituent(
        quote=quote,
        rate=rate,
        price=None,
        age=max(now - quote.observed_at, timedelta(0)),
        unchanged_since=before.unchanged_since if before and unchanged else quote.observed_at,
        noise=before.noise if before else _FIRST_NOISE,
        is_barred=before is not None and before.is_barred,
        agreeing_since=before.agreeing_since if before else None,
    )
    fault = _fault(constituent, now, rules)
    price = _in_book(quote) * rate if _is_price(quote.price) and rate is not None else None
    return replace(constituent, price=price, left_out=fault)


def one_a_venue(constituents: Sequence[Constituent]) -> list[Constituent]:
    """Keep the vote of each owner's largest market, and leave out its others."""
    chosen: dict[str, Constituent] = {}
    for constituent in sorted(constituents, key=_by_size, reverse=True):
        if constituent.left_out is None:
            chosen.setdefault(owner(constituent.quote.venue), constituent)
    return [
        constituent
        if constituent.left_out or chosen[owner(constituent.quote.venue)] is constituent
        else replace(
            constituent,
            left_out=f"its {chosen[owner(constituent.quote.venue)].quote.currency} market votes",
        )
        for constituent in constituents
    ]


def _furthest(votes: Sequence[Constituent], rules: Rules) -> tuple[Constituent, Decimal]:
    """The vote furthest from the others relative to its tolerance, and its distance in basis points."""
    distances = {id(vote): _from_others(vote, votes) for vote in votes}
    furthest = max(
        votes,
        key=lambda vote: (
            distances[id(vote)] / _tolerated(vote, rules),
            -(vote.volume or 0),
            _key(vote),
        ),
    )
    return furthest, distances[id(furthest)]


def reject_outliers(constituents: Sequence[Constituent], rules: Rules) -> list[Constituent]:
    """Leave out the vote furthest from the median of the others, one by one, until none is too far away."""
    outvoted: dict[tuple[str, str], str] = {}
    votes = [vote for vote in constituents if vote.left_out is None]
    while len(votes) > _PAIR:
        worst, distance = _furthest(votes, rules)
        if distance <= _tolerated(worst, rules):
            break
        outvoted[_key(worst)] = f"{distance:.0f} bp from the median of the others"
        votes.remove(worst)
    gap = statistics.apart(_price(votes[0]), _price(votes[-1])) if len(votes) == _PAIR else 0
    if gap > rules.pair_tolerance:
        reason = f"the only two venues that are left are {gap:.0f} bp apart"
        outvoted |= {_key(vote): reason for vote in votes}
    return [
        replace(vote, left_out=outvoted[_key(vote)], is_outvoted=True)
        if _key(vote) in outvoted
        else vote
        for vote in constituents
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


def _fault(constituent: Constituent, now: datetime, rules: Rules) -> str | None:
    """The first fault of the quote itself."""
    quote = constituent.quote
    if not _is_price(quote.price):
        return NO_PRICE
    return (
        _time_fault(constituent, now, rules)
        or (f"no rate from {quote.currency} to US dollars" if constituent.rate is None else None)
        or _book_fault(quote, rules)
        or _bar(constituent)
    )


def _time_fault(constituent: Constituent, now: datetime, rules: Rules) -> str | None:
    quote = constituent.quote
    if quote.observed_at > now + rules.ahead:
        return AHEAD
    if constituent.age > (rules.frozen_after if quote.is_aggregate else rules.stale_after):
        return f"stale: {constituent.age.total_seconds():.0f} s old"
    still = now - constituent.unchanged_since
    if still > rules.frozen_after:
        return f"frozen: nothing moved for {still.total_seconds() / 60:.0f} min"
    return None


def _bar(constituent: Constituent) -> str | None:
    if constituent.is_barred:
        return "was far off, and has not agreed with the others for long enough since"
    return None


def _book_fault(quote: VenueQuote, rules: Rules) -> str | None:
    """The fault of the order book; None where the venue gives no book."""
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


def _key(constituent: Constituent) -> tuple[str, str]:
    return constituent.quote.venue, constituent.quote.currency


def _by_size(constituent: Constituent) -> tuple[Decimal, str, str]:
    return constituent.volume or Decimal(0), constituent.quote.venue, constituent.quote.currency


def _price(constituent: Constituent) -> Decimal:
    if constituent.price is None:
        raise AssertionError("who can vote has a price")
    return constituent.price


def _from_others(constituent: Constituent, votes: Sequence[Constituent]) -> Decimal:
    others = statistics.median(_price(other) for other in votes if other is not constituent)
    return statistics.apart(_price(constituent), others)


def _tolerated(constituent: Constituent, rules: Rules) -> Decimal:
    return min(max(rules.tolerance, rules.noises * constituent.noise), rules.pair_tolerance)
