"""Transactions as the API shows them, and conversion of requests to facts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from psycopg import Connection, Cursor
from psycopg.errors import NumericValueOutOfRange
from psycopg.rows import dict_row

from coinsphere.db.rows import renamed
from coinsphere.portfolio.errors import InvalidFact
from coinsphere.portfolio.lots import facts_known
from webapi.http import errors
from webapi.http.schema import camel

Result = TypeVar("Result")

_FIELDS = """
    select
        t.fact_id as id, t.portfolio_id, token.symbol as token_symbol, token.name as token_name, t.type, t.amount,
        t.price, t.currency, (t.amount * t.price) as total, t.fee, fee_token.symbol as fee_token,
        counter.symbol as counter_token_symbol, t.counter_amount, t.notes, t.occurred_at as timestamp, t.tx_hash,
        t.exchange, t.source, t.version, t.created_at, t.updated_at
"""
_FROM = """
    from app.transactions t
    join market.tokens token on token.id = t.token_id
    left join market.tokens fee_token on fee_token.id = t.fee_token_id
    left join market.tokens counter on counter.id = t.counter_token_id
"""
_SHOWN = _FIELDS + ", t.superseded_at" + _FROM
_OF_PERSON = " where t.user_id = %(user_id)s and t.superseded_at is null"
_FILTERS = {
    "portfolio_id": " and t.portfolio_id = %(portfolio_id)s",
    "token_id": " and (t.token_id = %(token_id)s or t.counter_token_id = %(token_id)s)",
    "type": " and t.type = %(type)s",
    "before": " and (t.occurred_at, t.fact_id) < (%(before)s, %(before_id)s)",
}
"""Of a list, those that are asked for: PostgreSQL takes a condition that may be left out for one that leaves hardly a row."""
_PAGE = " order by t.occurred_at desc, t.fact_id desc limit %(limit)s offset %(offset)s"
_LATEST = (
    _FIELDS
    + _FROM
    + """
    where t.portfolio_id = %(portfolio_id)s and t.user_id = %(user_id)s and t.superseded_at is null
    order by t.occurred_at desc, t.fact_id desc
    limit %(limit)s
"""
)
_LATEST_KNOWN = facts_known.as_known(_LATEST)
_COUNT = "select count(*) from app.transactions t"
_ALL = """
    select coalesce(sum(transaction_count), 0)::bigint from app.portfolio_states
    where user_id = %(user_id)s and (%(portfolio_id)s::uuid is null or portfolio_id = %(portfolio_id)s)
"""
_SOME = (
    _SHOWN
    + "where t.user_id = %(user_id)s and t.fact_id = any(%(ids)s) and t.superseded_at is null "
    + "order by t.occurred_at desc, t.fact_id desc"
)
_HISTORY = _SHOWN + "where t.user_id = %(user_id)s and t.fact_id = %(id)s order by t.version desc"
_ACTIVE = """
    select id from app.portfolios where user_id = %(user_id)s order by is_active desc, created_at, id limit 1
"""


@dataclass(frozen=True, slots=True)
class TransactionFilter:
    """The filter of a list of transactions."""

    user_id: UUID
    portfolio_id: UUID | None
    token_id: UUID | None
    type: str | None
    limit: int
    offset: int
    before: tuple[datetime, UUID] | None

    def parameters(self) -> dict[str, object]:
        """The parameters of this module's statements."""
        at, fact_id = self.before or (None, None)
        return {
            "user_id": self.user_id,
            "portfolio_id": self.portfolio_id,
            "token_id": self.token_id,
            "type": self.type,
            "limit": self.limit,
            "offset": self.offset,
            "before": at,
            "before_id": fact_id,
        }


def listed(conn: Connection, wanted: TransactionFilter) -> list[dict[str, Any]]:
    """The transactions, the newest first."""
    given = wanted.parameters()
    return (
        conn.cursor(row_factory=dict_row).execute(_SHOWN + _where(given) + _PAGE, given).fetchall()
    )


def total(conn: Connection, wanted: TransactionFilter) -> int:
    """The number of transactions; without a filter a stored one, as counting hundreds of thousands takes a while."""
    is_filtered = wanted.token_id is not None or wanted.type is not None
    given = replace(wanted, before=None).parameters()
    row = conn.execute(_COUNT + _where(given) if is_filtered else _ALL, given).fetchone()
    assert row is not None
    return int(row[0])


def _where(given: Mapping[str, object]) -> str:
    filters = [each for name, each in _FILTERS.items() if given[name] is not None]
    return "".join([_OF_PERSON, *filters])


def ask_latest(
    conn: Connection, user_id: UUID, portfolio_id: UUID, limit: int, as_of: datetime | None = None
) -> Cursor[dict[str, Any]]:
    """Sends the statement for a portfolio's latest transactions, in the names of the wire; in a pipeline, without waiting.

    With `as_of` as they were known then.
    """
    parameters = {"user_id": user_id, "portfolio_id": portfolio_id, "limit": limit, "as_of": as_of}
    statement = _LATEST if as_of is None else _LATEST_KNOWN
    return conn.cursor(row_factory=renamed(camel)).execute(statement, parameters)


def some(conn: Connection, user_id: UUID, ids: list[UUID]) -> list[dict[str, Any]]:
    """The current versions of these transactions."""
    parameters = {"user_id": user_id, "ids": ids}
    return conn.cursor(row_factory=dict_row).execute(_SOME, parameters).fetchall()


def history(conn: Connection, user_id: UUID, fact_id: UUID) -> list[dict[str, Any]]:
    """All versions of a transaction, the newest first."""
    parameters = {"user_id": user_id, "id": fact_id}
    return conn.cursor(row_factory=dict_row).execute(_HISTORY, parameters).fetchall()


def active_portfolio(conn: Connection, user_id: UUID) -> UUID | None:
    """The user's active portfolio, which is meant where none is named; None where there is none."""
    row = conn.execute(_ACTIVE, {"user_id": user_id}).fetchone()
    return None if row is None else row[0]


_WIRE = {"occurred_at": "timestamp", "counter_token": "counterTokenSymbol"}


def refusing(act: Callable[[], Result]) -> Result:
    """The result of `act`; its refusal becomes 400 that names the field, or 404.

    The transaction that it runs in is rolled back by the exception.
    """
    try:
        return act()
    except InvalidFact as error:
        path = _WIRE.get(error.field, camel(error.field))
        raise errors.invalid(
            [{"path": path, "message": error.reason, "code": "value_error"}]
        ) from None
    except NumericValueOutOfRange:
        message = "with what is held already, it is more than can be kept"
        raise errors.invalid(
            [{"path": "amount", "message": message, "code": "value_error"}]
        ) from None
    except LookupError:
        raise errors.not_found("portfolio") from None
