"""What must be true of the newest quotes."""

from coinsphere.market.quality.set_aside import Scope
from expectations.suites.rules import (
    LARGEST_JUMP,
    Rule,
    Severity,
    Suite,
    between,
    near_peg,
    one_origin,
    setting_aside,
    table,
)

SUITE: Suite = setting_aside(
    Scope.QUOTE,
    (
        *table("quotes", ("token_id",), ("price", "observed_at")),
        Rule(
            "every_token_has_a_quote",
            "Each active token has a quote.",
            Severity.WARNING,
            "ExpectColumnValuesToNotBeNull",
            {"column": "price"},
        ),
        between(
            "prices_are_positive", "Every price is above zero.", Severity.CRITICAL, "price", above=0
        ),
        between(
            "amounts_are_not_negative",
            "Volume and market capitalisation are at least zero where known.",
            Severity.CRITICAL,
            "least_amount",
            least=0,
        ),
        Rule(
            "no_quote_is_of_the_future",
            "No quote was observed more than a minute from now.",
            Severity.CRITICAL,
            "ExpectColumnValuesToBeBetween",
            {"column": "seconds_ahead", "max_value": 60},
        ),
        one_origin(),
        between(
            "quotes_are_fresh",
            "No quote is stale by the setting `market_stale_seconds`. Candle files tell of the past: there it is not "
            "asked.",
            Severity.WARNING,
            "staleness",
            most=1,
        ),
        between(
            "jumps_are_bounded_by_volatility",
            f"No quote is more than {LARGEST_JUMP:.0f} times the token's volatility away from its last daily close, "
            "over the time that passed since.",
            Severity.WARNING,
            "jump",
            most=LARGEST_JUMP,
        ),
        near_peg("peg_gap"),
    ),
)
"""Of the newest quotes, as `frames.quotes.read` gives them: one row for each active token."""
