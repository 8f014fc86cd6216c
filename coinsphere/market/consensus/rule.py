"""The rule: the price that venues agree on, a fold over what they say and what was agreed on a moment ago."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Context, Decimal

from coinsphere.market.consensus import statistics, votes
from coinsphere.market.consensus.model import (
    CURRENCIES,
    DOLLAR,
    Asset,
    Consensus,
    Constituent,
    Rules,
    State,
    VenueQuote,
)

_MINUTE = 60
_SLOT = 30
"""Seconds; an older quote says less, and is taken as so much less sure (Pyth's rule, with the slots of a minute's read)."""
_LEAST_HALF_SPREAD = Decimal("0.0001")
_LOWER, _MIDDLE, _UPPER = Decimal("0.25"), Decimal("0.5"), Decimal("0.75")
_CALM = Decimal("0.94")
"""Part of the usual move that is kept from one minute to the next, as RiskMetrics weighs."""
_STEADY = Decimal("0.98")
"""The same for a venue's noise: half of it is forgotten in 34 minutes."""
_DECIMALS = Decimal("1e-18")
_WIDE = Context(prec=60)
_BP = Decimal("0.01")


def agree_on_all(  # noqa: PLR0917 - as `agree`
    quotes: Iterable[VenueQuote],
    previous: Mapping[Asset, Consensus],
    currencies: Mapping[str, Asset],
    known_rates: Mapping[str, Decimal],
    now: datetime,
    rules: Rules,
) -> dict[Asset, Consensus]:
    """What venues agree on, for each asset that is quoted or was: currencies first, as all others convert by them.

    Args:
        quotes: what the venues say, in any order.
        previous: the consensus before of each asset.
        currencies: the asset behind each quote currency; one without is not converted.
        known_rates: US dollars for a unit of a currency, from elsewhere; used where the venues agree on none.
        now: the instant of the consensus.
        rules: the numbers.
    """
    by_asset: dict[Asset, list[VenueQuote]] = {asset: [] for asset in previous}
    for quote in quotes:
        by_asset.setdefault(quote.asset, []).append(quote)
    rates: dict[str, Decimal] = {DOLLAR: Decimal(1)}
    agreed: dict[Asset, Consensus] = {}
    for currency in CURRENCIES[1:]:
        asset = currencies.get(currency)
        if asset is not None and asset in by_asset:
            said = by_asset.pop(asset)
            agreed[asset] = agree(asset, said, rates, previous.get(asset), now, rules)
        rate = _rate(agreed.get(asset) if asset is not None else None, rules)
        if (rate := rate or known_rates.get(currency)) is not None:
            rates[currency] = rate
    for asset, said in by_asset.items():
        agreed[asset] = agree(asset, said, rates, previous.get(asset), now, rules)
    return agreed


def agree(  # noqa: PLR0917 - what is said, what converts it, what was before
    asset: Asset,
    quotes: Sequence[VenueQuote],
    rates: Mapping[str, Decimal],
    previous: Consensus | None,
    now: datetime,
    rules: Rules,
) -> Consensus:
    """The price in US dollars that the venues of an asset agree on at `now`.

    Args:
        asset: what is priced.
        quotes: one for each market; a second of the same market is ignored.
        rates: US dollars for a unit of each quote currency that converts.
        previous: the consensus before; None at first.
        now: the instant.
        rules: the numbers.
    """
    markets = {(quote.venue, quote.currency): quote for quote in reversed(quotes)}
    parts = [
        votes.heard(quote, rates.get(quote.currency), previous, now, rules)
        for _, quote in sorted(markets.items())
    ]
    parts = votes.near_each_other(votes.one_a_venue(parts), rules)
    voting = [each for each in parts if each.left_out is None]
    made = Consensus(asset, now, _state(parts, len(voting), rules), len(voting))
    if not voting:
        return _as_before(made, previous, parts)
    weights = statistics.weights([each.volume for each in voting], [each.noise for each in voting])
    voting = [replace(each, weight=weight) for each, weight in zip(voting, weights, strict=True)]
    price, confidence = _price_of(voting)
    by_market = {(each.quote.venue, each.quote.currency): each for each in voting}
    parts = [by_market.get((each.quote.venue, each.quote.currency), each) for each in parts]
    learnt = tuple(_learnt(each, price, made, rules) for each in parts)
    found = replace(made, price=price, confidence=confidence, agreed_at=now, constituents=learnt)
    return _settled(found, previous, rules)


def _state(parts: Sequence[Constituent], count: int, rules: Rules) -> State:
    """A quorum is also more than half of the venues that are alive: those that were voted out count among them."""
    alive = {
        votes.owner(each.quote.venue) for each in parts if each.left_out is None or each.is_outvoted
    }
    if count == 0:
        return State.STALE
    if count >= rules.quorum and 2 * count > len(alive):
        return State.OK
    return State.SINGLE if count == 1 else State.THIN


def _price_of(voting: Sequence[Constituent]) -> tuple[Decimal, Decimal]:
    """The weighted median, and how far the quartiles of the votes lie from it.

    As in Pyth each venue votes three times: for its price, and for both sides of its book (`upd_aggregate.h`).
    """
    prices = [(each.price or Decimal(0), each.weight) for each in voting]
    price = statistics.quantile(prices, _MIDDLE)
    ballots = [
        (value, each.weight)
        for each in voting
        for value in _three_votes(each.price or Decimal(0), each)
    ]
    low, high = statistics.quantile(ballots, _LOWER), statistics.quantile(ballots, _UPPER)
    confidence = max(high - price, price - low, Decimal(0))
    return _stored(price), _stored(confidence)


def _three_votes(price: Decimal, each: Constituent) -> tuple[Decimal, Decimal, Decimal]:
    bid, ask = each.quote.bid, each.quote.ask
    half = (ask - bid) / (ask + bid) if bid and ask else Decimal(0)
    slots = max(Decimal(1), Decimal(each.age.total_seconds()) / _SLOT)
    unsure = price * max(half, _LEAST_HALF_SPREAD) * slots.sqrt()
    return price - unsure, price, price + unsure


def _learnt(each: Constituent, price: Decimal, made: Consensus, rules: Rules) -> Constituent:
    """What the next minute has to know of a market: how far it was away, and whether it may vote again."""
    if each.price is None:
        return each
    gap = statistics.apart(each.price, price).quantize(_BP)
    noise = each.noise
    if each.left_out is None:
        noise = (_STEADY * noise + (1 - _STEADY) * gap).quantize(_BP)
    each = replace(each, apart=gap, noise=noise)
    if made.state is not State.OK:
        return each  # only a quorum may bar a venue
    if not each.is_barred:
        return replace(each, is_barred=gap > rules.barred_from, agreeing_since=None)
    if gap > rules.tolerance:
        return replace(each, agreeing_since=None)
    since = each.agreeing_since or made.valid_at
    still = made.valid_at - since < rules.barred_for
    return replace(each, is_barred=still, agreeing_since=since if still else None)


def _as_before(
    made: Consensus, previous: Consensus | None, parts: Sequence[Constituent]
) -> Consensus:
    """The last price, with its age: nobody can be believed now."""
    if previous is None:
        return replace(made, constituents=tuple(parts))
    return replace(
        made,
        price=previous.price,
        confidence=previous.confidence,
        agreed_at=previous.agreed_at,
        usual_move=previous.usual_move,
        constituents=tuple(parts),
    )


def _settled(found: Consensus, previous: Consensus | None, rules: Rules) -> Consensus:
    """The price found, unless it is a jump that a quorum, or the next minute, has still to confirm."""
    if previous is None or previous.price is None or previous.agreed_at is None:
        return found
    if found.price is None:
        raise AssertionError("a price was found")
    move = statistics.apart(found.price, previous.price)
    passed = max(1.0, (found.valid_at - previous.agreed_at).total_seconds() / _MINUTE)
    allowed = max(rules.least_jump, rules.usual_moves * previous.usual_move)
    usual = (_CALM * previous.usual_move + (1 - _CALM) * move).quantize(_BP)
    if move <= allowed * Decimal(passed).sqrt():
        return replace(found, usual_move=usual)
    held = previous.candidate
    lasted = held is not None and statistics.apart(found.price, held) <= rules.least_jump
    if found.state is State.OK or lasted:
        return replace(found, usual_move=usual, jump="confirmed")
    return replace(
        found,
        price=previous.price,
        confidence=previous.confidence,
        agreed_at=previous.agreed_at,
        usual_move=previous.usual_move,
        jump="waiting",
        candidate=found.price,
    )


def _rate(agreed: Consensus | None, rules: Rules) -> Decimal | None:
    if agreed is None or agreed.price is None or agreed.agreed_at is None:
        return None
    return agreed.price if agreed.valid_at - agreed.agreed_at <= rules.rate_lasts else None


def _stored(value: Decimal) -> Decimal:
    """In the decimals that the database holds; never zero."""
    return max(_WIDE.quantize(value, _DECIMALS), _DECIMALS)
