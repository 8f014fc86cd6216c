"""What must be true of hourly candles.

They are the second reading of the daily ones, which are set aside where both contradict; of their own rows a rule warns,
as what is set aside is named by its day. Only what concerns the table as a whole blocks.
"""

from coinsphere.market.neighbours import LARGEST_MOVE
from expectations.suites.rules import (
    Rule,
    Severity,
    Suite,
    between,
    near_peg,
    table,
)

MOST_BEHIND = 3
"""Hours that a token may lag behind the others: a source that was away is asked again the next hour."""


def _warning(name: str, description: str, column: str, **limits: float) -> Rule:
    return between(name, description, Severity.WARNING, column, **limits)


SUITE: Suite = (
    *table(
        "hourly_candles",
        ("token_id", "opened_at"),
        ("open", "high", "low", "close", "is_final"),
        rows=Severity.WARNING,
    ),
    _warning(
        "every_hourly_price_is_known",
        "Open, high, low and close are known.",
        "prices_missing",
        most=0,
    ),
    _warning("hourly_prices_are_positive", "Every price is above zero.", "least_price", above=0),
    _warning(
        "hourly_open_and_close_lie_within_low_and_high",
        "Low is at most, high at least, open and close.",
        "range_margin",
        least=0,
    ),
    _warning(
        "hourly_volumes_are_not_negative",
        "A volume that is known is at least zero.",
        "volume",
        least=0,
    ),
    _warning(
        "no_hourly_candle_is_of_the_future",
        "No candle opens, or is final, before its time.",
        "hours_ahead",
        most=0,
    ),
    _warning(
        "simulated_and_real_hours_are_not_mixed",
        "All rows are simulated, or none is: those of the fewer kind are strangers.",
        "is_foreign",
        most=0,
    ),
    _warning(
        "no_hour_moved_tenfold",
        "No close is ten times, or a tenth of, the hour's before.",
        "move",
        least=-LARGEST_MOVE,
        most=LARGEST_MOVE,
    ),
    _warning(
        "no_hour_is_missing",
        "Each token has a candle in every hour from its first to its last.",
        "hours_missing_before",
        most=0,
    ),
    _warning(
        "no_token_has_stopped_by_the_hour",
        f"The last candle of each token is at most {MOST_BEHIND} hours behind the newest that any token has.",
        "hours_behind",
        most=MOST_BEHIND,
    ),
    _warning(
        "no_old_hour_is_unfinished",
        "Only the newest two hours may be unfinished.",
        "hours_unfinished",
        most=1,
    ),
    near_peg("peg_gap"),
)
"""Of hourly candles, as `hourly.with_measures` gives them."""
