"""A risk score in words. Each sentence is read off one number; nothing is added to what the score knows."""

from decimal import Decimal

from webapi.risk.queries import Score

_HIGH = Decimal(60)
_NAMES = {
    "volatility_score": "volatility",
    "liquidity_score": "liquidity",
    "market_cap_score": "market capitalisation",
    "volume_score": "steadiness of volume",
}
_WARNINGS = {
    "volatility_score": "The price moves strongly",
    "liquidity_score": "Little is traded: a large order may move the price",
    "market_cap_score": "The market capitalisation is small",
    "volume_score": "The traded volume varies strongly from day to day",
}
_LEVELS = {
    "safe": "a very low risk",
    "low": "a low risk",
    "medium": "a medium risk",
    "high": "a high risk",
    "extreme": "an extreme risk",
}


def describe(symbol: str, score: Score) -> dict[str, object]:
    """Summary, warnings (parts at 60 or above) and insights."""
    parts: dict[str, Decimal | None] = {name: getattr(score, name) for name in _NAMES}
    known = {name: value for name, value in parts.items() if value is not None}
    return {
        "summary": f"{symbol} is {_LEVELS[score.risk_level]}: {_short(score.overall_score)} of 100.",
        "warnings": [
            f"{_WARNINGS[name]} ({_short(value)} of 100)."
            for name, value in known.items()
            if value >= _HIGH
        ],
        "insights": [*_greatest(known), *_unknown(parts), *_volatility(score)],
    }


def _greatest(known: dict[str, Decimal]) -> list[str]:
    if not known:
        return []
    name = max(known, key=lambda each: known[each])
    return [f"The greatest part is {_NAMES[name]}: {_short(known[name])} of 100."]


def _unknown(parts: dict[str, Decimal | None]) -> list[str]:
    names = [_NAMES[name] for name, value in parts.items() if value is None]
    return [f"Not known, and left out of the score: {', '.join(names)}."] if names else []


def _volatility(score: Score) -> list[str]:
    if score.annual_volatility is None:
        return []
    return [
        f"Annualised volatility of the last 30 days: {_short(score.annual_volatility * 100)} %."
    ]


def _short(number: Decimal) -> str:
    return f"{number:.1f}"
