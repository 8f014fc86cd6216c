"""Describes a risk score in words. Each sentence follows from one number, and adds nothing to it."""

from decimal import Decimal

from babel.numbers import format_decimal

from coinsphere.i18n import N_, gettext, language
from webapi.risk.queries import Score

_HIGH = Decimal(60)
_NAMES = {
    "volatility_score": N_("volatility"),
    "drawdown_score": N_("deepest fall of the last year"),
    "tail_score": N_("loss on the worst days"),
    "liquidity_score": N_("liquidity"),
    "market_cap_score": N_("market capitalisation"),
    "volume_score": N_("steadiness of volume"),
}
_WARNINGS = {
    "volatility_score": N_("The price moves strongly (%(score)s of 100)."),
    "drawdown_score": N_(
        "The price fell far below its peak within the last year (%(score)s of 100)."
    ),
    "tail_score": N_("The worst days of the last year cost much (%(score)s of 100)."),
    "liquidity_score": N_("Little is traded: a large order may move the price (%(score)s of 100)."),
    "market_cap_score": N_("The market capitalisation is small (%(score)s of 100)."),
    "volume_score": N_("The traded volume varies strongly from day to day (%(score)s of 100)."),
}
_LEVELS = {
    "safe": N_("%(symbol)s is a very low risk: %(score)s of 100."),
    "low": N_("%(symbol)s is a low risk: %(score)s of 100."),
    "medium": N_("%(symbol)s is a medium risk: %(score)s of 100."),
    "high": N_("%(symbol)s is a high risk: %(score)s of 100."),
    "extreme": N_("%(symbol)s is an extreme risk: %(score)s of 100."),
}


def describe(symbol: str, score: Score) -> dict[str, object]:
    """Summary, warnings (parts at 60 or above) and insights, in the reader's language."""
    parts: dict[str, Decimal | None] = {name: getattr(score, name) for name in _NAMES}
    if (
        score.drawdown_score is None
    ):  # published before these two were kept: known then, and in the score
        del parts["drawdown_score"], parts["tail_score"]
    known = {name: value for name, value in parts.items() if value is not None}
    summary = gettext(_LEVELS[score.risk_level])
    return {
        "summary": summary % {"symbol": symbol, "score": _short(score.overall_score)},
        "warnings": [
            gettext(_WARNINGS[name]) % {"score": _short(value)}
            for name, value in known.items()
            if value >= _HIGH
        ],
        "insights": [*_riskiest(known), *_unknown(parts), *_volatility(score)],
    }


def _riskiest(known: dict[str, Decimal]) -> list[str]:
    if not known:
        return []
    name = max(known, key=lambda each: known[each])
    text = gettext("Riskiest of its parts: %(name)s, %(score)s of 100.")
    return [text % {"name": gettext(_NAMES[name]), "score": _short(known[name])}]


def _unknown(parts: dict[str, Decimal | None]) -> list[str]:
    names = [gettext(_NAMES[name]) for name, value in parts.items() if value is None]
    text = gettext("Not known, and left out of the score: %(names)s.")
    return [text % {"names": ", ".join(names)}] if names else []


def _volatility(score: Score) -> list[str]:
    if score.annual_volatility is None:
        return []
    text = gettext("Annualised volatility of the last 30 days: %(percent)s %%.")
    return [text % {"percent": _short(score.annual_volatility * 100)}]


def _short(number: Decimal) -> str:
    text: str = format_decimal(number, "0.0", locale=language())
    return text
