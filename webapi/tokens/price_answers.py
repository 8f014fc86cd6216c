"""Prices with their constituents in the form of the API's answers."""

from dataclasses import fields
from typing import Any

from coinsphere.market.consensus.model import Constituent
from coinsphere.market.prices import Price


def shown(symbol: str, price: Price, *, explain: bool) -> dict[str, Any]:
    """The price by the names of `schemas.PriceOut`; its constituents, the heaviest first, where they are asked for."""
    parts = sorted(price.constituents, key=lambda part: (-part.weight, part.quote.venue))
    return {
        **{field.name: getattr(price, field.name) for field in fields(price)},
        "symbol": symbol,
        "quorum": price.venues,
        "constituents": [_part(part) for part in parts] if explain else None,
    }


def _part(part: Constituent) -> dict[str, Any]:
    quote = part.quote
    return {
        "venue": quote.venue,
        "currency": quote.currency,
        "quoted": quote.price if quote.price.is_finite() else None,
        "bid": quote.bid,
        "ask": quote.ask,
        "rate": part.rate,
        "price": part.price,
        "volume_24h": part.volume,
        "weight": part.weight,
        "left_out": part.left_out,
        "apart": part.apart,
        "noise": part.noise,
        "observed_at": quote.observed_at,
        "age": part.age.total_seconds(),
    }
