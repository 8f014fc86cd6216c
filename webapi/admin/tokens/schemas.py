"""Request and response bodies of `/admin/tokens`."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from webapi.http.schema import Input, Line, Message, Name, Output, Query
from webapi.tokens.schemas import CoingeckoId, Contract, LogoUrl, Short, Symbol

_NEVER_NULL = ("symbol", "name", "blockchain", "is_active")


class ListQuery(Query):
    """Which tokens."""

    q: Annotated[Line, StringConstraints(max_length=100)] | None = Field(
        None, description="Looked for in symbol, name and CoinGecko id."
    )
    active: bool | None = Field(None, description="Only those that are, or are not.")
    limit: int = Field(200, ge=1, le=200)
    cursor: Annotated[Line, StringConstraints(max_length=500)] | None = Field(
        None, description="`nextCursor` of the page before."
    )


class TokenChange(Input):
    """What is to change of a token; at least one field. Null takes away what may be unknown."""

    model_config = ConfigDict(json_schema_extra={"example": {"isActive": False}})

    symbol: Symbol | None = None
    name: Name | None = None
    blockchain: Short | None = None
    coingecko_id: CoingeckoId | None = None
    contract_address: Contract | None = None
    decimals: int | None = Field(None, ge=0, le=36, strict=True)
    logo_url: LogoUrl | None = None
    is_active: bool | None = Field(
        None,
        strict=True,
        description="A deactivated token is no longer asked for, trained on or listed; holdings keep its last price.",
    )

    @model_validator(mode="after")
    def _something(self) -> "TokenChange":
        if not self.model_fields_set:
            raise ValueError("a field is needed")
        for name in _NEVER_NULL:
            if name in self.model_fields_set and getattr(self, name) is None:
                raise ValueError(f"{name} cannot be null")
        return self


class ListingOut(Output):
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


class UseOut(Output):
    """What refers to a token."""

    used_by: str = Field(description="A table.")
    rows: int


_LISTING: dict[str, Any] = {
    "id": "0b7f5a4e-3c0b-4f0e-8d6a-6f1f4b3f2b11",
    "symbol": "GRT",
    "name": "The Graph",
    "blockchain": "Ethereum",
    "coingeckoId": "the-graph",
    "contractAddress": "0xc944E90C64B2c07662A292be6244BDf05Cda44a7",
    "decimals": 18,
    "logoUrl": None,
    "isActive": True,
    "createdAt": "2026-11-24T08:00:00Z",
    "updatedAt": "2026-11-24T08:00:00Z",
}


class ListingsOut(Output):
    """A page of tokens, by symbol."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"tokens": [_LISTING], "nextCursor": None}}
    )

    tokens: list[ListingOut]
    next_cursor: str | None


class OneListingOut(Output):
    """A token as it is listed, and what keeps it from being deleted."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "token": _LISTING,
                "uses": [{"usedBy": "app.transactions", "rows": 3}],
            }
        }
    )

    token: ListingOut
    uses: list[UseOut] = Field(description="Empty where it may be deleted.")


class ChangedOut(Output):
    """A token after a change."""

    model_config = ConfigDict(json_schema_extra={"example": {"token": _LISTING}})

    token: ListingOut


class DeletedOut(Message):
    """Which token is gone."""

    model_config = ConfigDict(json_schema_extra={"example": {"message": "GRT deleted"}})
