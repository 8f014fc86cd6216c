"""What a suite is made of: named rules, as plain data, and the shapes that most of them have.

Names, severities and texts are known without importing Great Expectations, whose import takes 4 to 7 s; the runner
makes its expectations of them. The columns that the rules speak of are those that `expectations.frames` prepares.

Each limit was set on real history: the loosest that 26 clean tokens up to June 2024 never pass, where that still
catches the known faults. docs/guides/data-quality.md has the figures.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from coinsphere.market.quality.outliers import RULE
from coinsphere.market.quality.set_aside import Scope

LARGEST_JUMP = 25.0
"""Log return in units of the token's own volatility; the greatest real one is 21.7."""
PEG_TOLERANCE = 0.10
"""Distance of a stablecoin's close from its peg; the greatest real one is 0.078."""


class Severity(StrEnum):
    """Nothing uses what breaks a critical rule; a warning is only shown."""

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


def setting_aside(scope: Scope, rules: Iterable[Rule]) -> Suite:
    """The rules, where each critical one about rows sets those rows aside."""
    return tuple(
        replace(rule, sets_aside=scope)
        if rule.severity is Severity.CRITICAL and rule.kind not in _OF_THE_TABLE
        else rule
        for rule in rules
    )


def table(
    what: str,
    key: tuple[str, ...],
    columns: tuple[str, ...],
    *,
    rows: Severity = Severity.CRITICAL,
) -> Suite:
    """What must hold of a table as a whole: its columns, its key, and that there is anything."""
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
            *_unique(key),
        ),
    )


def _unique(key: tuple[str, ...]) -> tuple[str, Mapping[str, Any]]:
    if len(key) == 1:
        return "ExpectColumnValuesToBeUnique", {"column": key[0]}
    return "ExpectCompoundColumnsToBeUnique", {"column_list": list(key)}


def between(
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


def none_missing(
    name: str, description: str, column: str, severity: Severity = Severity.CRITICAL
) -> Rule:
    """`column` counts what is missing, and nothing is."""
    return between(name, description, severity, column, most=0)


def not_ahead(name: str, description: str, column: str) -> Rule:
    """`column` measures how far ahead of the present something lies, and nothing does."""
    return between(name, description, Severity.CRITICAL, column, most=0)


def possible_prices(hourly: str = "") -> Suite:
    """What must be true of any candle alone; `hourly` stands in the names of those of hours."""
    return (
        none_missing(
            f"every_{hourly}price_is_known",
            "Open, high, low and close are known.",
            "prices_missing",
        ),
        between(
            f"{hourly}prices_are_positive",
            "Every price is above zero.",
            Severity.CRITICAL,
            "least_price",
            above=0,
        ),
        between(
            f"{hourly}open_and_close_lie_within_low_and_high",
            "Low is at most, high at least, open and close.",
            Severity.CRITICAL,
            "range_margin",
            least=0,
        ),
        between(
            f"{hourly}volumes_are_not_negative",
            "A volume that is known is at least zero.",
            Severity.CRITICAL,
            "volume",
            least=0,
        ),
    )


def no_stray() -> Rule:
    """No close is far from those before and after it, unless the market went there and back."""
    return between(
        RULE,
        "No close is ten times, or a tenth of, its neighbours' without having been traded all the way: a decimal "
        "point slipped, or another token, unit or market came.",
        Severity.CRITICAL,
        "stray",
        most=0,
    )


def one_origin(rows: str = "prices") -> Rule:
    """Simulated and real prices never stand in one table."""
    return between(
        f"simulated_and_real_{rows}_are_not_mixed",
        "All rows are simulated, or none is: those of the fewer kind are strangers.",
        Severity.CRITICAL,
        "is_foreign",
        most=0,
    )


def agreeing(name: str) -> Rule:
    """A close is as near to those of the other venues as these are to each other."""
    return between(
        name,
        "Where two other venues or more said a price at the instant of the close, it is as near to their middle as venues "
        "may be apart, by the token's own noise.",
        Severity.CRITICAL,
        "venues_gap",
        most=1,
    )


def near_peg(column: str) -> Rule:
    """`column` is a stablecoin's relative distance from its peg; a loss of the peg is shown, not hidden."""
    return between(
        "stablecoins_are_near_their_peg",
        f"No stablecoin is more than {PEG_TOLERANCE:.0%} away from its peg. A token may really lose it: look first.",
        Severity.WARNING,
        column,
        most=PEG_TOLERANCE,
    )
