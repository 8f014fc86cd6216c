"""The list of tokens as administrators add, edit, deactivate and delete them.

A deactivated token is neither asked for, trained on nor offered, and keeps what it has: holdings keep its last price.
Only what nothing refers to can be deleted.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from uuid import UUID

from psycopg import Connection
from psycopg.errors import UniqueViolation
from psycopg.rows import class_row

_COLUMNS = """
    select id, symbol, name, blockchain, coingecko_id, contract_address, decimals, logo_url, is_active, created_at,
        updated_at
    from market.tokens
"""
_GET = _COLUMNS + "where id = %(token_id)s"
_HOLD = _GET + " for no key update"
_LIST = _COLUMNS + """
    where (%(pattern)s::text is null
           or symbol ilike %(pattern)s or name ilike %(pattern)s or coingecko_id ilike %(pattern)s)
      and (%(is_active)s::boolean is null or is_active = %(is_active)s)
      and (%(after_id)s::uuid is null or (symbol, id) > (%(after_symbol)s, %(after_id)s::uuid))
    order by symbol, id
    limit %(limit)s
"""  # fmt: skip
_ADD = """
    insert into market.tokens (symbol, name, blockchain, coingecko_id, contract_address, decimals, logo_url)
    values (upper(%(symbol)s), %(name)s, %(blockchain)s, %(coingecko_id)s, %(contract_address)s, %(decimals)s,
            %(logo_url)s)
    on conflict do nothing
    returning id
"""
_CHANGE = """
    update market.tokens set
        symbol = upper(%(symbol)s), name = %(name)s, blockchain = %(blockchain)s, coingecko_id = %(coingecko_id)s,
        contract_address = %(contract_address)s, decimals = %(decimals)s, logo_url = %(logo_url)s,
        is_active = %(is_active)s
    where id = %(id)s
    returning symbol
"""
_USES = "select used_by, rows from market.token_uses(%(token_id)s)"
_DELETE = "select market.delete_token(%(token_id)s)"


class AlreadyListed(Exception):
    """Another token has the contract on its chain, or the id at CoinGecko."""


class TokenInUse(Exception):
    """Something refers to the token.

    Attributes:
        uses: by what.
    """

    def __init__(self, uses: "list[Use]") -> None:
        self.uses = uses
        super().__init__(f"it is used by {', '.join(str(use) for use in uses)}")


@dataclass(frozen=True, slots=True)
class Listing:
    """A token as it is listed."""

    id: UUID
    symbol: str
    name: str
    blockchain: str
    coingecko_id: str | None
    contract_address: str | None
    decimals: int | None
    logo_url: str | None
    is_active: bool
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Use:
    """How many rows of a table, as `schema.table`, refer to a token."""

    used_by: str
    rows: int

    def __str__(self) -> str:
        return f"{self.rows:,} {'row' if self.rows == 1 else 'rows'} of {self.used_by}"


def listed(
    conn: Connection,
    limit: int,
    *,
    text: str | None = None,
    is_active: bool | None = None,
    after: tuple[str, UUID] | None = None,
) -> list[Listing]:
    """Tokens by symbol, deactivated ones too; `text` is searched for in symbol, name and CoinGecko's id."""
    literal = None if text is None else text.replace("\\", r"\\").replace("%", r"\%")
    symbol, token_id = after or (None, None)
    parameters = {
        "pattern": None if literal is None else "%" + literal.replace("_", r"\_") + "%",
        "is_active": is_active,
        "after_symbol": symbol,
        "after_id": token_id,
        "limit": limit,
    }
    return conn.cursor(row_factory=class_row(Listing)).execute(_LIST, parameters).fetchall()


def get(conn: Connection, token_id: UUID) -> Listing | None:
    """The token of that id; None if there is none."""
    cursor = conn.cursor(row_factory=class_row(Listing))
    return cursor.execute(_GET, {"token_id": token_id}).fetchone()


def add(conn: Connection, values: Mapping[str, object]) -> UUID:
    """List a token: `values` by the columns of `Listing`.

    Raises:
        Taken: see there.
    """
    row = conn.execute(_ADD, values).fetchone()
    if row is None:
        raise AlreadyListed
    return UUID(str(row[0]))


def change(
    conn: Connection, token_id: UUID, values: Mapping[str, object]
) -> tuple[Listing, Listing] | None:
    """Set the columns that `values` names. Returns the token before and after it; None if there is none.

    Raises:
        Taken: see there; nothing is changed.
    """
    cursor = conn.cursor(row_factory=class_row(Listing))
    before = cursor.execute(_HOLD, {"token_id": token_id}).fetchone()
    if before is None:
        return None
    wanted = replace(before, **values)  # type: ignore[arg-type]
    try:
        with conn.transaction():
            conn.execute(_CHANGE, asdict(wanted))
    except UniqueViolation:
        raise AlreadyListed from None
    after = get(conn, token_id)
    return None if after is None else (before, after)


def uses(conn: Connection, token_id: UUID) -> list[Use]:
    """The rows that refer to the token and keep it from being deleted, counted by table."""
    cursor = conn.cursor(row_factory=class_row(Use))
    return cursor.execute(_USES, {"token_id": token_id}).fetchall()


def delete(conn: Connection, token_id: UUID) -> bool:
    """Delete the token with its quote and metadata. Returns whether there was one.

    Raises:
        Used: something refers to it; nothing is changed.
    """
    row = conn.execute(_DELETE, {"token_id": token_id}).fetchone()
    if row is not None and row[0]:
        return True
    references = uses(conn, token_id)
    if references:
        raise TokenInUse(references)
    return False


def differences(before: Listing, after: Listing) -> dict[str, str]:
    """The changed columns as "old -> new", for the audit log."""
    old, new = asdict(before), asdict(after)
    return {
        name: f"{_said(old[name])} -> {_said(new[name])}"
        for name in old
        if name != "updated_at" and old[name] != new[name]
    }


def _said(value: object) -> str:
    return "none" if value is None else str(value)
