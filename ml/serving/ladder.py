"""The ladder: whose forecast of a token and horizon counts. The highest rung that stands, decided for each horizon alone."""

from enum import StrEnum


class Rung(StrEnum):
    """Who speaks, the best first."""

    GLOBAL_CHAMPION = "global_champion"
    """A version of the global model that passed its gates at this horizon."""
    TOKEN_CHAMPION = "token_champion"  # noqa: S105 - a token here is a coin
    """The best of a token's own models on its held-out days, where the baseline did not lose less on these."""
    GLOBAL_BASELINE = "global_baseline"
    """The simplest model of all tokens together, always registered."""


def choose(
    *, champion: bool, of_token: bool, baseline: bool, is_behind: bool = False
) -> Rung | None:
    """The highest rung that stands; None where none does.

    Args:
        champion: whether a champion of the horizon stands and can speak of the token.
        of_token: whether the token has a champion of its own that can.
        baseline: whether the baseline can.
        is_behind: whether the token's own champion lost more than the baseline on the same held-out days.
    """
    standing = (
        (Rung.GLOBAL_CHAMPION, champion),
        (Rung.TOKEN_CHAMPION, of_token and not (is_behind and baseline)),
        (Rung.GLOBAL_BASELINE, baseline),
    )
    return next((rung for rung, stands in standing if stands), None)
