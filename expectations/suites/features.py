"""What must be true of the features that models are trained on."""

from coinsphere.market.quality.outliers import LARGEST_MOVE
from coinsphere.market.quality.set_aside import Scope
from expectations.suites.rules import (
    Severity,
    Suite,
    between,
    none_missing,
    not_ahead,
    setting_aside,
    table,
)

SUITE: Suite = setting_aside(
    Scope.TOKEN,
    (
        *table(
            "features",
            ("token_id", "day"),
            ("close", "log_return", "rsi_14", "rolling_volatility_30d"),
        ),
        none_missing("every_close_is_known", "Each day has a close.", "close_missing"),
        not_ahead("no_feature_is_of_the_future", "No final day ends after now.", "days_ahead"),
        none_missing(
            "the_calendar_has_no_gap",
            "Each token has a row on every day; a day without a candle is filled and says so.",
            "days_missing_before",
        ),
        between(
            "returns_are_bounded",
            "No daily return is that of a tenfold move, but where one is confirmed.",
            Severity.CRITICAL,
            "unconfirmed_return",
            least=-LARGEST_MOVE,
            most=LARGEST_MOVE,
        ),
        none_missing(
            "indicators_are_known_after_their_warm_up",
            "From the 35th day of a token on, returns, volatilities, RSI, MACD and Bollinger bands are known.",
            "indicators_missing",
        ),
        none_missing(
            "indicators_lie_in_their_ranges",
            "RSI lies between 0 and 100, and no volatility is negative.",
            "out_of_range",
        ),
        between(
            "few_days_are_filled",
            "At most 5 % of a token's days carry the close of the day before.",
            Severity.WARNING,
            "filled_share",
            most=0.05,
        ),
        between(
            "no_price_stands_still",
            "No unpegged token closes at the same price on more than 7 days in a row: its feed is stuck.",
            Severity.WARNING,
            "days_unchanged",
            most=6,
        ),
        between(
            "prices_still_move",
            "No token closes at the same price since more than 7 days, a pegged one 30: its feed is stuck, and nothing "
            "can be learned from it.",
            Severity.CRITICAL,
            "stillness",
            most=1,
        ),
        between(
            "trained_tokens_have_history",
            "Each token that models are trained for has 270 real days, the fewest that make a training set.",
            Severity.WARNING,
            "days_short",
            most=0,
        ),
    ),
)
"""Of the features that models are trained on, as `frames.features.read` gives them. dbt tests keys."""
