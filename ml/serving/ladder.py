"""The ladder: whose forecast of a token and horizon counts. The highest rung that stands, decided for each horizon alone."""

from enum import StrEnum


class Rung(StrEnum):
    """Who speaks, the best first."""

    GLOBAL_CHAMPION = "global_champion"
    """A version of the global model that passed its gates at this horizon."""
    TOKEN_CHAMPION = "token_champion"  # noqa: S105 - a token here is a coin
    """The best of a token's own models on its held-out days."""
    GLOBAL_BASELINE = "global_baseline"
    """A random walk with the volatility of the last weeks, always registered."""


def choose(*, champion: bool, of_token: bool, baseline: bool) -> Rung | None:
    """The highest rung that stands; None where none does.

    Args:
        champion: whether a champion of the horizon stands and can speak of the token.
        of_token: whether the token has a champion of its own that can.
        baseline: whether the baseline can.
    """
    standing = (
        (Rung.GLOBAL_CHAMPION, champion),
        (Rung.TOKEN_CHAMPION, of_token),
        (Rung.GLOBAL_BASELINE, baseline),
    )
    return next((rung for rung, stands in standing if stands), None)
