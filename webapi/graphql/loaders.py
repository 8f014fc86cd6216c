"""Loads data for many objects at once: items of a list share one statement."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

from psycopg import Connection
from strawberry.dataloader import DataLoader

from webapi.http import errors
from webapi.predictions import current, indicator_queries
from webapi.predictions.indicator_queries import Indicators
from webapi.predictions.schemas import MAX_SYMBOLS
from webapi.risk import queries as risk
from webapi.risk.queries import Score
from webapi.services import services
from webapi.tokens import queries as tokens
from webapi.tokens.queries import Token

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Loaders:
    """The loaders of one request; each caches its results."""

    def __init__(self) -> None:
        self.token: DataLoader[UUID, Token | None] = _reading(tokens.by_ids)
        self.with_extremes: DataLoader[Token, Token | None] = _reading(tokens.all_with_extremes)
        self.score: DataLoader[UUID, Score | None] = _reading(risk.newest)
        self.indicators: DataLoader[UUID, Indicators | None] = _reading(_indicators)
        self.prediction: DataLoader[tuple[Token, int], dict[str, Any]] = DataLoader(_predictions)


def _reading(
    read: Callable[[Connection, Sequence[Key]], Mapping[Key, Value]],
) -> DataLoader[Key, Value | None]:
    """A loader of the results of `read` by key; None where there is none."""

    async def load(keys: list[Key]) -> list[Value | None]:
        with services().database.connection() as conn:
            values = read(conn, keys)
        return [values.get(key) for key in keys]

    return DataLoader(load)


def _indicators(conn: Connection, keys: Sequence[UUID]) -> Mapping[UUID, Indicators]:
    return indicator_queries.indicators(conn, list(keys))


async def _predictions(
    keys: list[tuple[Token, int]],
) -> list[dict[str, Any] | BaseException]:
    """The forecasts of tokens, each by its days ahead; a refused one does not spoil the others."""
    if len(keys) > MAX_SYMBOLS:
        error = f"one query may ask for {MAX_SYMBOLS} forecasts"
        return [errors.Problem(400, error, code="query-too-large") for _ in keys]
    work = services()
    with work.database.connection() as conn:
        grounds = current.grounds(conn, list({token.id: token for token, _ in keys}.values()))
    return [_outcome(each) for each in current.submit(work, keys, grounds)]


def _outcome(asked: Callable[[], dict[str, Any]]) -> dict[str, Any] | BaseException:
    try:
        return asked()
    except Exception as error:  # noqa: BLE001 - each key has its own error
        return error
