"""What must be true of candles, quotes, features and predictions: named rules, as plain data.

Names, severities and texts are known without importing Great Expectations, whose import takes 4 to 7 s; the runner
makes its expectations of them. The columns that the rules speak of are those that `expectations.frames` prepares.

Each limit was set on real history: the loosest that 26 clean tokens up to June 2024 never pass, where that still
catches the known faults. docs/guides/data-quality.md has the figures.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from coinsphere.market.neighbours import LARGEST_MOVE, RULE
from coinsphere.market.set_aside import Scope

LARGEST_JUMP = 25.0
"""Log return in units of the token's own volatility; the greatest real one is 21.7."""
PEG_TOLERANCE = 0.10
"""Distance of a stablecoin's close from its peg; the greatest real one is 0.078."""
AGREEMENT = 0.01
"""Log distance of two sources' closes that is a difference of markets, not a fault."""
OTHER_MARKET = 0.20
"""Log distance of two sources' closes past which they do not quote the same thing."""
WIDEST_FORECAST = 10.0
"""Deviations, by the token's own volatility over the horizon, that a median may move or half an interval may span."""


class Severity(StrEnum):
    """What breaks a critical rule is used by nothing; a warning is shown."""

    CRITICAL = "critical"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Rule:
    """One expectation: `kind` is its class in Great Expectations, `arguments` are its fields.

    What breaks it is set aside as `sets_aside` says; a critical rule without it speaks of the table, and blocks. One that
    `confirms` marks candles that moved far for a known reason.
    """

    name: str
    description: str
    severity: Severity
    kind: str
    arguments: Mapping[str, Any]
    sets_aside: Scope | None = None
    confirms: bool = False


Suite = tuple[Rule, ...]

_OF_THE_TABLE = ("ExpectTableColumnsToMatchSet", "ExpectTableRowCountToBeBetween")


def candles() -> Suite:
    """Of daily candles, as `frames.with_candle_measures` gives them."""
    rules = (
        *_table("candles", ("token_id", "day"), ("open", "high", "low", "close", "is_final")),
        _none_missing(
            "every_price_is_known", "Open, high, low and close are known.", "prices_missing"
        ),
        _between(
            "prices_are_positive",
            "Every price is above zero.",
            Severity.CRITICAL,
            "least_price",
            above=0,
        ),
        _between(
            "open_and_close_lie_within_low_and_high",
            "Low is at most, high at least, open and close.",
            Severity.CRITICAL,
            "range_margin",
            least=0,
        ),
        _between(
            "volumes_are_not_negative",
            "A volume that is known is at least zero.",
            Severity.CRITICAL,
            "volume",
            least=0,
        ),
        _not_ahead(
            "no_candle_is_of_the_future",
            "No candle opens, or is final, before its time.",
            "days_ahead",
        ),
        _one_origin(),
        _between(
            RULE,
            "No close is ten times, or a tenth of, its neighbours' without having been traded all the way: a decimal "
            "point slipped, or another token, unit or market came.",
            Severity.CRITICAL,
            "stray",
            most=0,
        ),
        Rule(
            "no_price_moved_tenfold",
            "No close is ten times, or a tenth of, the day before's. One that was traded all the way, or "
            "that a person vouches for, is used, and marked.",
            Severity.WARNING,
            "ExpectColumnValuesToBeBetween",
            {"column": "confirmed_move", "min_value": -LARGEST_MOVE, "max_value": LARGEST_MOVE},
            confirms=True,
        ),
        _between(
            "jumps_are_bounded_by_volatility",
            f"No daily return is more than {LARGEST_JUMP:.0f} times the token's volatility over the 90 days before.",
            Severity.WARNING,
            "jump",
            most=LARGEST_JUMP,
        ),
        _between(
            "no_close_springs_back",
            "No jump is undone within 5 days, by 45 % and by 8 times the token's volatility: what leaves and returns "
            "so far is one market's fault, not the price.",
            Severity.WARNING,
            "spring_back",
            most=1,
        ),
        _between(
            "close_agrees_with_a_second_source",
            f"Where a second reading of the close exists, both agree within {AGREEMENT:.0%}. In the database it is the "
            "close of the day's last hourly candle, which is fetched apart.",
            Severity.WARNING,
            "second_source_gap",
            most=AGREEMENT,
        ),
        _between(
            "close_is_not_of_another_market",
            f"No close is {OTHER_MARKET:.0%} away from a second reading of it.",
            Severity.CRITICAL,
            "second_source_gap",
            most=OTHER_MARKET,
        ),
        _none_missing(
            "no_day_is_missing",
            "Each token has a candle on every day from its first to its last.",
            "days_missing_before",
            Severity.WARNING,
        ),
        _between(
            "no_token_has_stopped",
            "The last candle of each token is of the newest day that any token has, or of the day before.",
            Severity.WARNING,
            "days_behind",
            most=1,
        ),
        _between(
            "no_old_candle_is_unfinished",
            "Only the newest two days may be unfinished.",
            Severity.WARNING,
            "days_unfinished",
            most=1,
        ),
        _near_peg("peg_gap"),
    )
    return _setting_aside(Scope.CANDLE, rules)


def quotes() -> Suite:
    """Of the newest quotes, as `frames.quotes` reads them: one row for each active token."""
    rules = (
        *_table("quotes", ("token_id",), ("price", "observed_at")),
        Rule(
            "every_token_has_a_quote",
            "Each active token has a quote.",
            Severity.WARNING,
            "ExpectColumnValuesToNotBeNull",
            {"column": "price"},
        ),
        _between(
            "prices_are_positive", "Every price is above zero.", Severity.CRITICAL, "price", above=0
        ),
        _between(
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
        _one_origin(),
        _between(
            "quotes_are_fresh",
            "No quote is stale by the setting `market_stale_seconds`. Candle files tell of the past: there it is not "
            "asked.",
            Severity.WARNING,
            "staleness",
            most=1,
        ),
        _between(
            "jumps_are_bounded_by_volatility",
            f"No quote is more than {LARGEST_JUMP:.0f} times the token's volatility away from its last daily close, "
            "over the time that passed since.",
            Severity.WARNING,
            "jump",
            most=LARGEST_JUMP,
        ),
        _near_peg("peg_gap"),
    )
    return _setting_aside(Scope.QUOTE, rules)


def features() -> Suite:
    """Of the features that models are trained on, as `frames.features` reads them. dbt tests keys."""
    rules = (
        *_table(
            "features",
            ("token_id", "day"),
            ("close", "log_return", "rsi_14", "rolling_volatility_30d"),
        ),
        _none_missing("every_close_is_known", "Each day has a close.", "close_missing"),
        _not_ahead("no_feature_is_of_the_future", "No final day ends after now.", "days_ahead"),
        _none_missing(
            "the_calendar_has_no_gap",
            "Each token has a row on every day; a day without a candle is filled and says so.",
            "days_missing_before",
        ),
        _between(
            "returns_are_bounded",
            "No daily return is that of a tenfold move, but where one is confirmed.",
            Severity.CRITICAL,
            "unconfirmed_return",
            least=-LARGEST_MOVE,
            most=LARGEST_MOVE,
        ),
        _none_missing(
            "indicators_are_known_after_their_warm_up",
            "From the 35th day of a token on, returns, volatilities, RSI, MACD and Bollinger bands are known.",
            "indicators_missing",
        ),
        _none_missing(
            "indicators_lie_in_their_ranges",
            "RSI lies between 0 and 100, and no volatility is negative.",
            "out_of_range",
        ),
        _between(
            "few_days_are_filled",
            "At most 5 % of a token's days carry the close of the day before.",
            Severity.WARNING,
            "filled_share",
            most=0.05,
        ),
        _between(
            "no_price_stands_still",
            "No unpegged token closes at the same price on more than 7 days in a row: its feed is stuck.",
            Severity.WARNING,
            "days_unchanged",
            most=6,
        ),
        _between(
            "prices_still_move",
            "No token closes at the same price since more than 7 days, a pegged one 30: its feed is stuck, and nothing "
            "can be learned from it.",
            Severity.CRITICAL,
            "stillness",
            most=1,
        ),
        _between(
            "trained_tokens_have_history",
            "Each token that models are trained for has 270 real days, the fewest that make a training set.",
            Severity.WARNING,
            "days_short",
            most=0,
        ),
    )
    return _setting_aside(Scope.TOKEN, rules)


def predictions() -> Suite:
    """Of the forecasts of the last 90 days, as `frames.predictions` reads them."""
    rules = (
        *_table(
            "predictions",
            ("token_id", "origin_at", "horizon_days", "model_name", "model_version"),
            ("median", "lower80", "upper80", "lower95", "upper95"),
            rows=Severity.WARNING,
        ),
        _between(
            "prices_are_positive",
            "Every quantile is above zero.",
            Severity.CRITICAL,
            "lower95",
            above=0,
        ),
        _between(
            "quantiles_ascend",
            "The 95 % interval holds the 80 % interval, and that the median.",
            Severity.CRITICAL,
            "quantile_margin",
            least=0,
        ),
        _between(
            "intervals_have_width",
            "No 95 % interval is a point.",
            Severity.CRITICAL,
            "half_width",
            above=0,
        ),
        _not_ahead(
            "no_hindsight",
            "A forecast that is no backfill was issued before its outcome, and none is of a day that is not over.",
            "days_ahead",
        ),
        _none_missing(
            "every_horizon_is_forecast",
            "Each origin has a forecast for 1, 7, 14 and 30 days.",
            "horizons_missing",
            Severity.WARNING,
        ),
        _between(
            "medians_are_plausible",
            f"No median is more than {WIDEST_FORECAST:.0f} deviations away from the price it starts from.",
            Severity.WARNING,
            "median_deviations",
            most=WIDEST_FORECAST,
        ),
        _between(
            "intervals_are_plausible",
            "Half a 95 % interval spans between a fifth of one and ten deviations.",
            Severity.WARNING,
            "width_deviations",
            least=0.2,
            most=WIDEST_FORECAST,
        ),
        _between(
            "newest_forecasts_start_from_the_newest_close",
            "The newest forecast of each token starts from its last final close, or the one before.",
            Severity.WARNING,
            "days_behind",
            most=1,
        ),
        _one_origin(),
    )
    return _setting_aside(Scope.FORECAST, rules)


def _setting_aside(scope: Scope, rules: Iterable[Rule]) -> Suite:
    """`rules`, of which each critical one that speaks of rows sets those aside."""
    return tuple(
        replace(rule, sets_aside=scope)
        if rule.severity is Severity.CRITICAL and rule.kind not in _OF_THE_TABLE
        else rule
        for rule in rules
    )


def _table(
    what: str,
    key: tuple[str, ...],
    columns: tuple[str, ...],
    *,
    rows: Severity = Severity.CRITICAL,
) -> Suite:
    """What must hold of a table as a whole: its columns, its key, and that there is anything."""
    unique: tuple[str, Mapping[str, Any]] = (
        "ExpectCompoundColumnsToBeUnique",
        {"column_list": list(key)},
    )
    if len(key) == 1:
        unique = "ExpectColumnValuesToBeUnique", {"column": key[0]}
    return (
        Rule(
            f"{what}_have_their_columns",
            f"The columns {', '.join((*key, *columns))} are there.",
            Severity.CRITICAL,
            "ExpectTableColumnsToMatchSet",
            {"column_set": [*key, *columns], "exact_match": False},
        ),
        Rule(
            f"there_are_{what}",
            "There is at least one row.",
            rows,
            "ExpectTableRowCountToBeBetween",
            {"min_value": 1},
        ),
        Rule(
            f"no_{what}_are_duplicated",
            f"No two rows share {', '.join(key)}.",
            Severity.CRITICAL,
            *unique,
        ),
    )


def _between(
    name: str,
    description: str,
    severity: Severity,
    column: str,
    *,
    least: float | None = None,
    most: float | None = None,
    above: float | None = None,
) -> Rule:
    """`column` lies between `least` and `most`, both included, or strictly above `above`, where it is known."""
    limits: dict[str, Any] = {"column": column, "min_value": least, "max_value": most}
    if above is not None:
        limits |= {"min_value": above, "strict_min": True}
    return Rule(name, description, severity, "ExpectColumnValuesToBeBetween", limits)


def _none_missing(
    name: str, description: str, column: str, severity: Severity = Severity.CRITICAL
) -> Rule:
    """`column` counts what is missing, and nothing is."""
    return _between(name, description, severity, column, most=0)


def _not_ahead(name: str, description: str, column: str) -> Rule:
    return _between(name, description, Severity.CRITICAL, column, most=0)


def _one_origin() -> Rule:
    return Rule(
        "simulated_and_real_prices_are_not_mixed",
        "All rows are simulated, or none is: those of the fewer kind are strangers.",
        Severity.CRITICAL,
        "ExpectColumnValuesToBeBetween",
        {"column": "is_foreign", "max_value": 0},
    )


def _near_peg(column: str) -> Rule:
    return _between(
        "stablecoins_are_near_their_peg",
        f"No stablecoin is more than {PEG_TOLERANCE:.0%} away from its peg. A token may really lose it: look first.",
        Severity.WARNING,
        column,
        most=PEG_TOLERANCE,
    )
