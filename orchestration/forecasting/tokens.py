"""The tokens that a forecasting step works on, one after the other."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Self, TypeVar

import dagster as dg

from coinsphere.db.pool import Database
from coinsphere.market.model import Token
from coinsphere.market.quality import set_aside
from coinsphere.market.reference import tokens
from coinsphere.settings import Settings
from ml.errors import ArtifactRefused, BadHistory, NoChampion, TooLittleHistory

T = TypeVar("T")


class TokenChoice(dg.Config):
    """Which tokens a step works on. Several runs, each with tokens of its own, spread over as many workers."""

    tokens: list[str] | None = None
    """Symbols; None takes those of the setting `ml_tokens`."""

    def chosen(self, settings: Settings) -> Sequence[str]:
        """The symbols."""
        return settings.ml_tokens if self.tokens is None else self.tokens


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """What a step made of each token, and why others were passed over, both by symbol."""

    done: Mapping[str, T]
    skipped: Mapping[str, str]

    def required(self) -> Self:
        """Itself, if anything was done.

        Raises:
            dagster.Failure: nothing was; says why for each token, and is not tried again.
        """
        if not self.done:
            raise dg.Failure(f"No token could be worked on:\n{self.reasons()}", allow_retries=False)
        return self

    def reasons(self) -> str:
        """Who was passed over and why, as a list in Markdown."""
        return "\n".join(f"- {symbol}: {why}" for symbol, why in self.skipped.items()) or "none"


def for_each(database: Database, symbols: Sequence[str], work: Callable[[Token], T]) -> Outcome[T]:
    """Do `work` for each token.

    A token that is unknown, deactivated or set aside, or has no usable history, model or champion, is passed over with its
    reason and holds up no other. Any other error ends the step: it would meet the next token too.
    """
    results: dict[str, T] = {}
    skipped: dict[str, str] = {}
    for symbol in dict.fromkeys(symbols):
        try:
            results[symbol] = work(_token(database, symbol))
        except (_PassedOver, TooLittleHistory, BadHistory, NoChampion, ArtifactRefused) as reason:
            skipped[symbol] = str(reason)
    return Outcome(results, skipped)


class _PassedOver(Exception):
    """No token has the symbol, or it is deactivated or set aside."""


def _token(database: Database, symbol: str) -> Token:
    with database.connection() as conn:
        try:
            token = tokens.by_symbol(conn, symbol)
        except LookupError as error:
            raise _PassedOver(error.args[0]) from error
        why = set_aside.token_reason(conn, token.id)
    if not token.is_active:
        raise _PassedOver("deactivated")
    if why is not None:
        raise _PassedOver(f"set aside: {why}")
    return token
