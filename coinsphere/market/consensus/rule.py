"""The consensus rule: the price from venues' quotes and the previous consensus, as a fold."""

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
    """The consensus of every asset that is quoted or was; currencies come first, as the others convert by them.

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
            asset_quotes = by_asset.pop(asset)
            agreed[asset] = agree(asset, asset_quotes, rates, previous.get(asset), now, rules)
        consensus = None if asset is None else agreed.get(asset)
        if consensus is not None and consensus.jump == "waiting":
            continue  # whichever of its two prices converted, the quotes in it could outvote those in dollars
        rate = _rate(consensus, rules) or known_rates.get(currency)
        if rate is not None:
            rates[currency] = rate
    for asset, asset_quotes in by_asset.items():
        agreed[asset] = agree(asset, asset_quotes, rates, previous.get(asset), now, rules)
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
    parts = votes.reject_outliers(votes.one_a_venue(parts), rules)
    voting = [part for part in parts if part.left_out is None]
    unpriced = Consensus(asset, now, _state(parts, len(voting), rules), len(voting))
    if not voting:
        return _as_before(unpriced, previous, parts)
    weights = statistics.weights([part.volume for part in voting], [part.noise for part in voting])
    voting = [replace(part, weight=weight) for part, weight in zip(voting, weights, strict=True)]
    price, confidence = _price_of(voting)
    by_market = {(part.quote.venue, part.quote.currency): part for part in voting}
    parts = [by_market.get((part.quote.venue, part.quote.currency), part) for part in parts]
    learnt = tuple(_learnt(part, price, unpriced, rules) for part in parts)
    agreed = replace(
        unpriced, price=price, confidence=confidence, agreed_at=now, constituents=learnt
    )
    return _settled(agreed, previous, rules)


def _state(parts: Sequence[Constituent], count: int, rules: Rules) -> State:
    """A quorum is also more than half of the venues that are alive: those that were voted out count among them."""
    alive = {
        votes.owner(part.quote.venue) for part in parts if part.left_out is None or part.is_outvoted
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
    prices = [(part.price or Decimal(0), part.weight) for part in voting]
    price = statistics.quantile(prices, _MIDDLE)
    ballots = [
        (value, part.weight)
        for part in voting
        for value in _three_votes(part.price or Decimal(0), part)
    ]
    low, high = statistics.quantile(ballots, _LOWER), statistics.quantile(ballots, _UPPER)
    confidence = max(high - price, price - low, Decimal(0))
    return _stored(price), _stored(confidence)


def _three_votes(price: Decimal, part: Constituent) -> tuple[Decimal, Decimal, Decimal]:
    bid, ask = part.quote.bid, part.quote.ask
    half = (ask - bid) / (ask + bid) if bid and ask else Decimal(0)
    slots = max(Decimal(1), Decimal(part.age.total_seconds()) / _SLOT)
    unsure = price * max(half, _LEAST_HALF_SPREAD) * slots.sqrt()
    return price - unsure, price, price + unsure


def _learnt(part: Constituent, price: Decimal, consensus: Consensus, rules: Rules) -> Constituent:
    """The state of a market that the next minute needs: how far off it was, and whether it may vote again."""
    if part.price is None:
        return part
    gap = statistics.apart(part.price, price).quantize(_BP)
    noise = part.noise
    if part.left_out is None:
        noise = (_STEADY * noise + (1 - _STEADY) * gap).quantize(_BP)
    part = replace(part, apart=gap, noise=noise)
    if consensus.state is not State.OK:
        return part  # only a quorum may bar a venue
    if not part.is_barred:
        return replace(part, is_barred=gap > rules.barred_from, agreeing_since=None)
    if gap > rules.tolerance:
        return replace(part, agreeing_since=None)
    since = part.agreeing_since or consensus.valid_at
    still = consensus.valid_at - since < rules.barred_for
    return replace(part, is_barred=still, agreeing_since=since if still else None)


def _as_before(
    consensus: Consensus, previous: Consensus | None, parts: Sequence[Constituent]
) -> Consensus:
    """The last price with its age, as no venue can be believed now."""
    counted = replace(consensus, constituents=tuple(parts))
    return counted if previous is None else _kept(counted, previous)


def _kept(consensus: Consensus, previous: Consensus) -> Consensus:
    """The price that was agreed on before, as old as it is."""
    return replace(
        consensus,
        price=previous.price,
        confidence=previous.confidence,
        agreed_at=previous.agreed_at,
        usual_move=previous.usual_move,
    )


def _settled(consensus: Consensus, previous: Consensus | None, rules: Rules) -> Consensus:
    """The computed price, unless it is a jump that a quorum, or the next minute, has to confirm."""
    if previous is None or previous.price is None or previous.agreed_at is None:
        return consensus
    if consensus.price is None:
        raise AssertionError("a price was found")
    move = statistics.apart(consensus.price, previous.price)
    passed = max(1.0, (consensus.valid_at - previous.agreed_at).total_seconds() / _MINUTE)
    allowed = max(rules.least_jump, rules.usual_moves * previous.usual_move)
    usual = (_CALM * previous.usual_move + (1 - _CALM) * move).quantize(_BP)
    if move <= allowed * Decimal(passed).sqrt():
        return replace(consensus, usual_move=usual)
    candidate = previous.candidate
    has_lasted = (
        candidate is not None and statistics.apart(consensus.price, candidate) <= rules.least_jump
    )
    if consensus.state is State.OK or has_lasted:
        return replace(consensus, usual_move=usual, jump="confirmed")
    return replace(_kept(consensus, previous), jump="waiting", candidate=consensus.price)


def _rate(agreed: Consensus | None, rules: Rules) -> Decimal | None:
    if agreed is None or agreed.price is None or agreed.agreed_at is None:
        return None
    return agreed.price if agreed.valid_at - agreed.agreed_at <= rules.rate_lasts else None


def _stored(value: Decimal) -> Decimal:
    """In the decimals that the database holds; never zero."""
    return max(_WIDE.quantize(value, _DECIMALS), _DECIMALS)
