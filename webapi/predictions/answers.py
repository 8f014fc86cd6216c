"""Forecasts in the form of the API's answers. Every number is the model's, or computed from it."""

from dataclasses import asdict
from decimal import Decimal
from typing import Any

from babel.numbers import format_decimal

from coinsphere.i18n import N_, gettext, language
from coinsphere.market import anchoring
from webapi.predictions import distribution, indicators, not_kept, outcomes, schemas
from webapi.predictions.indicator_queries import Indicators
from webapi.predictions.model_server import LEVELS, Forecast
from webapi.predictions.queries import Stored
from webapi.tokens.queries import Token

_PROBABILITY_STEP = Decimal("0.0001")
_NO_SKILL = N_('This model does not beat "tomorrow equals today" on data that it had not seen.')
_RANGE_TOMORROW = N_(
    "The centre is today's price: this forecast is about the range, not the direction. "
    "The price of tomorrow lies between %(low)s and %(high)s US dollars with a probability of 80 %%."
)
_RANGE = N_(
    "The centre is today's price: this forecast is about the range, not the direction. "
    "The price in %(days)s days lies between %(low)s and %(high)s US dollars with a probability of 80 %%."
)
_STALE = N_("This forecast has expired: no newer one was issued.")


def prediction(token: Token, forecast: Forecast, technical: Indicators | None) -> dict[str, Any]:
    """The answer for one token."""
    median, change, percent = _change(forecast)
    direction, confidence = _direction(forecast)
    shown = {
        "symbol": token.symbol,
        "name": token.name,
        "current_price": forecast.reference_price,
        "price_source": token.price_source or forecast.price_source,
        "reference_price": forecast.reference_price,
        "origin_at": forecast.origin_at,
        "anchored_at": forecast.anchored_at,
        "target_at": forecast.target_at,
        "prediction": {
            "predicted_price": median,
            "change": change,
            "change_percent": percent,
            "confidence": 100 * confidence,
            "direction": direction,
            **_explanation(forecast, technical),
            **_spread(forecast),
        },
        "predicted_price": median,
        "prediction_change": change,
        "prediction_change_percent": percent,
        "confidence": confidence,
        **_issue(forecast),
    }
    return shown | {"not_kept": not_kept.of(shown) if forecast.is_of_log else []}


def _change(forecast: Forecast) -> tuple[Decimal, Decimal, Decimal]:
    """The median price, its distance from the reference price, and that distance in percent."""
    median = forecast.quantile("0.5")
    percent = anchoring.change_percent(median, forecast.reference_price)
    return median, median - forecast.reference_price, percent


def _explanation(forecast: Forecast, technical: Indicators | None) -> dict[str, Any]:
    """The reasons for the forecast: factors, a note and indicators."""
    return {
        "factors": forecast.factors,
        "note": _note(forecast),
        "technical_indicators": indicators.describe(technical),
        "model_version": str(forecast.model.version),
    }


def _issue(forecast: Forecast) -> dict[str, Any]:
    """The model behind the forecast, the time of issue, and the time of expiry."""
    return {
        "days_ahead": forecast.days_ahead,
        "timeframe": schemas.FRAMES[forecast.days_ahead],
        "timestamp": forecast.issued_at,
        "model": _model(forecast),
        "quality": forecast.quality.model_dump(),
        "prediction_id": forecast.prediction_id,
        "expires_at": forecast.expires_at,
        "stale": forecast.stale,
    }


def _model(forecast: Forecast) -> dict[str, Any]:
    return {
        **forecast.model.model_dump(),
        "version": str(forecast.model.version),
        "algorithm": forecast.algorithm,
    }


def _direction(forecast: Forecast) -> tuple[str, Decimal]:
    """The likelier direction of the price, and its probability, from 0 to 1."""
    prices = {float(level): price for level, price in forecast.quantiles.items()}
    likelier = distribution.direction(prices, forecast.reference_price)
    return likelier.name, Decimal(repr(likelier.probability)).quantize(_PROBABILITY_STEP)


def _spread(forecast: Forecast) -> dict[str, Any]:
    """The quantiles, and the intervals between some of them."""
    return {
        "quantiles": _quantiles(forecast),
        "interval80": [forecast.quantile("0.1"), forecast.quantile("0.9")],
        "interval95": [forecast.quantile("0.025"), forecast.quantile("0.975")],
    }


def stored(row: Stored) -> dict[str, Any]:
    """The answer for one forecast of the past."""
    return {
        **asdict(row),
        **asdict(outcomes.of(row)),
        "interval80": [row.lower80, row.upper80],
        "interval95": [row.lower95, row.upper95],
    }


def _note(forecast: Forecast) -> str | None:
    notes = []
    if forecast.quantile("0.5") == forecast.reference_price:
        text = _RANGE_TOMORROW if forecast.days_ahead == 1 else _RANGE
        low, high = forecast.quantile("0.1"), forecast.quantile("0.9")
        values = {"low": _short(low), "high": _short(high), "days": forecast.days_ahead}
        notes.append(gettext(text) % values)
    if forecast.quality.beats_naive is False:
        notes.append(gettext(_NO_SKILL))
    if forecast.stale:
        notes.append(gettext(_STALE))
    return " ".join(notes) or None


def _short(price: Decimal) -> str:
    """A price as a person reads it: five digits, and no exponent."""
    number = Decimal(f"{price:.5g}")
    text: str = format_decimal(
        number, "#,##0.##################", language(), decimal_quantization=False
    )
    return text


def _quantiles(forecast: Forecast) -> dict[str, Decimal]:
    return dict(
        zip(("p025", "p10", "p50", "p90", "p975"), map(forecast.quantile, LEVELS), strict=True)
    )
