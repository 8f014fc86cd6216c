"""What must be true of hourly candles.

They are the second reading of the daily ones, which are set aside where both contradict. Of their own rows what cannot
be is set aside by its hour, and nothing but that hour; only what concerns the table as a whole blocks.
"""

from coinsphere.market.quality.outliers import LARGEST_MOVE
from coinsphere.market.quality.set_aside import Scope
from expectations.suites.rules import (
    Severity,
    Suite,
    agreeing,
    between,
    near_peg,
    no_stray,
    none_missing,
    not_ahead,
    one_origin,
    possible_prices,
    setting_aside,
    table,
)

MOST_BEHIND = 3
"""Hours that a token may lag behind the others: a source that was away is asked again the next hour."""

SUITE: Suite = setting_aside(
    Scope.HOUR,
    (
        *table(
            "hourly_candles",
            ("token_id", "opened_at"),
            ("open", "high", "low", "close", "is_final"),
            rows=Severity.WARNING,
        ),
        *possible_prices("hourly_"),
        not_ahead(
            "no_hourly_candle_is_of_the_future",
            "No candle opens, or is final, before its time.",
            "hours_ahead",
        ),
        one_origin("hours"),
        no_stray(),
        between(
            "no_hour_moved_tenfold",
            "No close is ten times, or a tenth of, the hour's before. One that was traded all the way is used.",
            Severity.WARNING,
            "move",
            least=-LARGEST_MOVE,
            most=LARGEST_MOVE,
        ),
        agreeing("hourly_close_agrees_with_the_other_venues"),
        none_missing(
            "no_hour_is_missing",
            "Each token has a candle in every hour from its first to its last.",
            "hours_missing_before",
            Severity.WARNING,
        ),
        between(
            "no_token_has_stopped_by_the_hour",
            f"The last candle of each token is at most {MOST_BEHIND} hours behind the newest that any token has.",
            Severity.WARNING,
            "hours_behind",
            most=MOST_BEHIND,
        ),
        between(
            "no_old_hour_is_unfinished",
            "Only the newest two hours may be unfinished.",
            Severity.WARNING,
            "hours_unfinished",
            most=1,
        ),
        near_peg("peg_gap"),
    ),
)
"""Of hourly candles, as `hourly.with_measures` gives them."""
