"""Writes a constituent as JSON and reads it again: numbers are text, so that every digit stays."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from coinsphere.market.consensus.model import Asset, Constituent, VenueQuote

_QUOTED = ("bid", "ask", "volume", "change_24h", "market_cap")
_FOUND = ("rate", "price", "apart")


def written(constituent: Constituent) -> dict[str, Any]:
    """The constituent without what is empty."""
    quote = constituent.quote
    fields: dict[str, Any] = {
        "venue": quote.venue,
        "currency": quote.currency,
        "quoted": str(quote.price),
        "observed_at": quote.observed_at.isoformat(),
        "age": constituent.age.total_seconds(),
        "unchanged_since": constituent.unchanged_since.isoformat(),
        "noise": str(constituent.noise),
        "weight": str(constituent.weight),
        **{name: _text(getattr(quote, name)) for name in _QUOTED},
        **{name: _text(getattr(constituent, name)) for name in _FOUND},
        "left_out": constituent.left_out,
        "is_outvoted": constituent.is_outvoted or None,
        "is_aggregate": quote.is_aggregate or None,
        "is_barred": constituent.is_barred or None,
        "agreeing_since": constituent.agreeing_since and constituent.agreeing_since.isoformat(),
    }
    return {name: value for name, value in fields.items() if value is not None}


def read(asset: Asset, fields: Mapping[str, Any]) -> Constituent:
    """The constituent that `written` wrote."""
    since = fields.get("agreeing_since")
    return Constituent(
        quote=VenueQuote(
            asset=asset,
            venue=fields["venue"],
            currency=fields["currency"],
            price=Decimal(fields["quoted"]),
            observed_at=datetime.fromisoformat(fields["observed_at"]),
            is_aggregate=fields.get("is_aggregate", False),
            **{name: _number(fields.get(name)) for name in _QUOTED},
        ),
        age=timedelta(seconds=fields["age"]),
        unchanged_since=datetime.fromisoformat(fields["unchanged_since"]),
        noise=Decimal(fields["noise"]),
        weight=Decimal(fields["weight"]),
        **{name: _number(fields.get(name)) for name in _FOUND},
        left_out=fields.get("left_out"),
        is_outvoted=fields.get("is_outvoted", False),
        is_barred=fields.get("is_barred", False),
        agreeing_since=None if since is None else datetime.fromisoformat(since),
    )


def _text(number: Decimal | None) -> str | None:
    return None if number is None else str(number)


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
