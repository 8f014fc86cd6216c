"""A constituent as JSON, as it is stored and told: numbers are text, so that every digit stays."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from coinsphere.market.consensus.model import Asset, Constituent, VenueQuote

_QUOTED = ("bid", "ask", "volume", "change_24h", "market_cap")
_FOUND = ("rate", "price", "apart")


def written(each: Constituent) -> dict[str, Any]:
    """The constituent without what is empty."""
    quote = each.quote
    made: dict[str, Any] = {
        "venue": quote.venue,
        "currency": quote.currency,
        "quoted": str(quote.price),
        "observed_at": quote.observed_at.isoformat(),
        "age": each.age.total_seconds(),
        "unchanged_since": each.unchanged_since.isoformat(),
        "noise": str(each.noise),
        "weight": str(each.weight),
        **{name: _text(getattr(quote, name)) for name in _QUOTED},
        **{name: _text(getattr(each, name)) for name in _FOUND},
        "left_out": each.left_out,
        "is_outvoted": each.is_outvoted or None,
        "is_aggregate": quote.is_aggregate or None,
        "is_barred": each.is_barred or None,
        "agreeing_since": each.agreeing_since and each.agreeing_since.isoformat(),
    }
    return {name: value for name, value in made.items() if value is not None}


def read(asset: Asset, made: Mapping[str, Any]) -> Constituent:
    """The constituent that `written` wrote."""
    since = made.get("agreeing_since")
    return Constituent(
        quote=VenueQuote(
            asset=asset,
            venue=made["venue"],
            currency=made["currency"],
            price=Decimal(made["quoted"]),
            observed_at=datetime.fromisoformat(made["observed_at"]),
            is_aggregate=made.get("is_aggregate", False),
            **{name: _number(made.get(name)) for name in _QUOTED},
        ),
        age=timedelta(seconds=made["age"]),
        unchanged_since=datetime.fromisoformat(made["unchanged_since"]),
        noise=Decimal(made["noise"]),
        weight=Decimal(made["weight"]),
        **{name: _number(made.get(name)) for name in _FOUND},
        left_out=made.get("left_out"),
        is_outvoted=made.get("is_outvoted", False),
        is_barred=made.get("is_barred", False),
        agreeing_since=None if since is None else datetime.fromisoformat(since),
    )


def _text(number: Decimal | None) -> str | None:
    return None if number is None else str(number)


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
