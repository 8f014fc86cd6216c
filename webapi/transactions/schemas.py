"""Request and response bodies of `/transactions`."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import (
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
)

from coinsphere.portfolio.model import Kind, Use
from webapi.http.schema import Amount, Input, Instant, Line, Number, Output, Query

ALIASES = {"transfer": Kind.TRANSFER_OUT, "send": Kind.TRANSFER_OUT, "receive": Kind.TRANSFER_IN}
"""Words of old clients for kinds."""

_RENAMED = {
    "assetSymbol": "tokenSymbol",
    "pricePerUnit": "price",
    "date": "timestamp",
    "feeTokenSymbol": "feeToken",
}
"""Old names of fields."""


def _kind(value: Any) -> Any:
    return ALIASES.get(value.lower(), value.lower()) if isinstance(value, str) else value


def _text(value: Any) -> Any:
    if isinstance(value, str) and "\0" in value:
        raise ValueError("must not hold a zero byte")
    return value


def _upper(value: Any) -> Any:
    return value.upper() if isinstance(value, str) else value


AnyKind = Annotated[
    Kind,
    BeforeValidator(_kind),
    WithJsonSchema({"type": "string", "enum": [*Kind, *ALIASES]}),
]
Notes = Annotated[str, StringConstraints(max_length=2000), BeforeValidator(_text)]
Hash = Annotated[Line, StringConstraints(max_length=200)]
Exchange = Annotated[Line, StringConstraints(max_length=50)]
Currency = Annotated[Line, StringConstraints(min_length=1, max_length=20), BeforeValidator(_upper)]

_EXAMPLE: dict[str, Any] = {
    "portfolioId": "8f14e45f-ceea-4672-a0b5-1c6f2a9d3c77",
    "tokenSymbol": "BTC",
    "type": "buy",
    "amount": "0.00014884",
    "price": 61000,
    "fee": "0.05",
    "timestamp": "2026-11-20T10:00:00Z",
    "exchange": "kraken",
}


class TransactionIn(Input):
    """A new transaction. A `swap` gives `amount` of the token and receives `counterAmount` of the counter token."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})
    old_names = _RENAMED

    portfolio_id: UUID | None = Field(None, description="Default: the active portfolio.")
    token_symbol: Line
    type: AnyKind
    amount: Number = Field(gt=0)
    price: Number | None = Field(None, ge=0, description="Of one unit, in `currency`.")
    currency: Currency | None = Field(
        None, description="Of the price, and of a fee without a token. Default: the portfolio's."
    )
    fee: Number | None = Field(None, ge=0)
    fee_token: Line | None = Field(
        None, description="Null, or the currency of the price: the fee is money."
    )
    counter_token_symbol: Line | None = None
    counter_amount: Number | None = Field(None, gt=0)
    notes: Notes | None = None
    timestamp: Instant | None = Field(None, description="Default: now.")
    tx_hash: Hash | None = None
    exchange: Exchange | None = Field(None, description="The account or wallet, by its name.")


class TransactionChange(Input):
    """What is to change; the rest stays. The old version stays in the history."""

    model_config = ConfigDict(json_schema_extra={"example": {"price": 60500}})
    old_names = _RENAMED

    portfolio_id: UUID | None = Field(
        None, description="Must be the transaction's own: it is not moved."
    )
    token_symbol: Line | None = None
    type: AnyKind | None = None
    amount: Number | None = Field(None, gt=0)
    price: Number | None = Field(None, ge=0)
    currency: Currency | None = None
    fee: Number | None = Field(None, ge=0)
    fee_token: Line | None = None
    counter_token_symbol: Line | None = None
    counter_amount: Number | None = Field(None, gt=0)
    notes: Notes | None = None
    timestamp: Instant | None = None
    tx_hash: Hash | None = None
    exchange: Exchange | None = None


class BulkIn(Input):
    """Transactions that are recorded together, all or none."""

    model_config = ConfigDict(json_schema_extra={"example": {"transactions": [_EXAMPLE]}})

    portfolio_id: UUID | None = Field(None, description="Of those that name none.")
    transactions: Annotated[list[TransactionIn], Field(min_length=1, max_length=1000)]


class TransactionsQuery(Query):
    """Which transactions, the newest first."""

    portfolio_id: UUID | None = None
    token_symbol: str | None = Field(None, max_length=20)
    type: AnyKind | None = None
    limit: int = Field(50, ge=1, le=200)
    offset: int = Field(0, ge=0, le=100_000)
    cursor: str | None = Field(None, max_length=400)


class TransactionOut(Output):
    """A transaction; `id` stays the same through corrections."""

    id: UUID
    portfolio_id: UUID
    token_symbol: str
    token_name: str
    type: Kind
    amount: Amount
    price: Amount | None
    currency: str
    total: Amount | None = Field(description="Amount times price.")
    fee: Amount | None
    fee_token: str | None
    counter_token_symbol: str | None
    counter_amount: Amount | None
    notes: str | None
    timestamp: datetime
    tx_hash: str | None
    exchange: str | None
    source: str
    version: int
    created_at: datetime
    updated_at: datetime


TRANSACTION: dict[str, Any] = {
    "id": "1d3f0c9a-9a53-4d9b-9a1e-0f0c4b1c2d3e",
    "portfolioId": "8f14e45f-ceea-4672-a0b5-1c6f2a9d3c77",
    "tokenSymbol": "BTC",
    "tokenName": "Bitcoin",
    "type": "buy",
    "amount": 0.00014884,
    "price": 61000,
    "currency": "USD",
    "total": 9.07924,
    "fee": 0.05,
    "feeToken": None,
    "counterTokenSymbol": None,
    "counterAmount": None,
    "notes": None,
    "timestamp": "2026-11-20T10:00:00Z",
    "txHash": None,
    "exchange": "kraken",
    "source": "manual",
    "version": 1,
    "createdAt": "2026-11-20T10:00:05Z",
    "updatedAt": "2026-11-20T10:00:05Z",
}


class PaginationOut(Output):
    """Where in the list one is."""

    total: int
    limit: int
    offset: int


class TransactionsOut(Output):
    """Transactions, the newest first."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "transactions": [TRANSACTION],
                "pagination": {"total": 1, "limit": 50, "offset": 0},
                "nextCursor": None,
            }
        }
    )

    transactions: list[TransactionOut]
    pagination: PaginationOut
    next_cursor: str | None


class OneTransactionOut(Output):
    """One transaction; `isPending` while the worker has it to book."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"transaction": TRANSACTION, "isPending": False}}
    )

    transaction: TransactionOut
    is_pending: bool


class BulkOut(Output):
    """What was recorded."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"transactions": [TRANSACTION], "count": 1, "isPending": False}
        }
    )

    transactions: list[TransactionOut]
    count: int
    is_pending: bool


class VersionOut(TransactionOut):
    """A version of a transaction."""

    superseded_at: datetime | None


class TransactionVersionsOut(Output):
    """All versions of a transaction, the newest first; a deleted one has no current version."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"versions": [{**TRANSACTION, "supersededAt": None}]}}
    )

    versions: list[VersionOut]


class LotOut(Output):
    """A part of a lot that a transaction used; `lotNumber` is null where more left than was held."""

    token_symbol: str = Field(validation_alias="symbol")
    lot_number: int | None
    kind: Use
    quantity: Amount
    cost: Amount | None
    proceeds: Amount | None
    gain: Amount | None
    used_at: datetime
    acquired_at: datetime | None
    acquired_by: UUID | None = Field(description="The transaction that brought the lot.")


class LotsOut(Output):
    """The lots that a transaction used."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "lots": [
                    {
                        "tokenSymbol": "BTC",
                        "lotNumber": 1,
                        "kind": "sale",
                        "quantity": 0.1,
                        "cost": 5500,
                        "proceeds": 6000,
                        "gain": 500,
                        "usedAt": "2026-11-20T10:00:00Z",
                        "acquiredAt": "2026-01-20T10:00:00Z",
                        "acquiredBy": "8f14e45f-ceea-4672-a0b5-1c6f2a9d3c77",
                    }
                ]
            }
        }
    )

    lots: list[LotOut]
