"""What must be true of daily candles."""

from coinsphere.market.quality.outliers import LARGEST_MOVE
from coinsphere.market.quality.set_aside import Scope
from expectations.suites.rules import (
    LARGEST_JUMP,
    Rule,
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

AGREEMENT = 0.01
"""Log distance of two sources' closes that is a difference of markets, not a fault."""
OTHER_MARKET = 0.20
"""Log distance of two sources' closes past which they do not quote the same thing."""

SUITE: Suite = setting_aside(
    Scope.CANDLE,
    (
        *table("candles", ("token_id", "day"), ("open", "high", "low", "close", "is_final")),
        *possible_prices(),
        not_ahead(
            "no_candle_is_of_the_future",
            "No candle opens, or is final, before its time.",
            "days_ahead",
        ),
        one_origin(),
        no_stray(),
        Rule(
            "no_price_moved_tenfold",
            "No close is ten times, or a tenth of, the day before's. One that was traded all the way, or "
            "that a person vouches for, is used, and marked.",
            Severity.WARNING,
            "ExpectColumnValuesToBeBetween",
            {"column": "confirmed_move", "min_value": -LARGEST_MOVE, "max_value": LARGEST_MOVE},
            confirms=True,
        ),
        between(
            "jumps_are_bounded_by_volatility",
            f"No daily return is more than {LARGEST_JUMP:.0f} times the token's volatility over the 90 days before.",
            Severity.WARNING,
            "jump",
            most=LARGEST_JUMP,
        ),
        between(
            "no_close_springs_back",
            "No jump is undone within 5 days, by 45 % and by 8 times the token's volatility: what leaves and returns "
            "so far is one market's fault, not the price.",
            Severity.WARNING,
            "spring_back",
            most=1,
        ),
        between(
            "close_agrees_with_a_second_source",
            f"Where a second reading of the close exists, both agree within {AGREEMENT:.0%}. In the database it is the "
            "close of the day's last hourly candle, which is fetched apart.",
            Severity.WARNING,
            "second_source_gap",
            most=AGREEMENT,
        ),
        between(
            "close_is_not_of_another_market",
            f"No close is {OTHER_MARKET:.0%} away from a second reading of it.",
            Severity.CRITICAL,
            "second_source_gap",
            most=OTHER_MARKET,
        ),
        agreeing("close_agrees_with_the_other_venues"),
        none_missing(
            "no_day_is_missing",
            "Each token has a candle on every day from its first to its last.",
            "days_missing_before",
            Severity.WARNING,
        ),
        between(
            "no_token_has_stopped",
            "The last candle of each token is of the newest day that any token has, or of the day before.",
            Severity.WARNING,
            "days_behind",
            most=1,
        ),
        between(
            "no_old_candle_is_unfinished",
            "Only the newest two days may be unfinished.",
            Severity.WARNING,
            "days_unfinished",
            most=1,
        ),
        near_peg("peg_gap"),
    ),
)
"""Of daily candles, as `frames.candles.with_measures` gives them."""
