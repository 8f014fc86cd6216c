"""What must be true of forecasts."""

from coinsphere.market.quality.set_aside import Scope
from expectations.suites.rules import (
    Severity,
    Suite,
    between,
    none_missing,
    not_ahead,
    one_origin,
    setting_aside,
    table,
)

WIDEST_FORECAST = 10.0
"""Deviations, by the token's own volatility over the horizon, that a median may move or half an interval may span."""

SUITE: Suite = setting_aside(
    Scope.FORECAST,
    (
        *table(
            "predictions",
            ("token_id", "origin_at", "horizon_days", "model_name", "model_version"),
            ("median", "lower80", "upper80", "lower95", "upper95"),
            rows=Severity.WARNING,
        ),
        between(
            "prices_are_positive",
            "Every quantile is above zero.",
            Severity.CRITICAL,
            "lower95",
            above=0,
        ),
        between(
            "quantiles_ascend",
            "The 95 % interval holds the 80 % interval, and that the median.",
            Severity.CRITICAL,
            "quantile_margin",
            least=0,
        ),
        between(
            "intervals_have_width",
            "No 95 % interval is a point.",
            Severity.CRITICAL,
            "half_width",
            above=0,
        ),
        not_ahead(
            "no_hindsight",
            "A forecast that is no backfill was issued before its outcome, and none is of a day that is not over.",
            "days_ahead",
        ),
        none_missing(
            "every_horizon_is_forecast",
            "Each origin has a forecast for 1, 7, 14 and 30 days.",
            "horizons_missing",
            Severity.WARNING,
        ),
        between(
            "medians_are_plausible",
            f"No median is more than {WIDEST_FORECAST:.0f} deviations away from the price it starts from.",
            Severity.WARNING,
            "median_deviations",
            most=WIDEST_FORECAST,
        ),
        between(
            "intervals_are_plausible",
            "Half a 95 % interval spans between a fifth of one and ten deviations.",
            Severity.WARNING,
            "width_deviations",
            least=0.2,
            most=WIDEST_FORECAST,
        ),
        between(
            "newest_forecasts_start_from_the_newest_close",
            "The newest forecast of each token starts from its last final close, or the one before.",
            Severity.WARNING,
            "days_behind",
            most=1,
        ),
        one_origin(),
    ),
)
"""Of the forecasts of the last 90 days, as `frames.predictions.read` gives them."""
