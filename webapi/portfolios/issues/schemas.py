"""Request and response bodies of a portfolio's issues and transfers."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from coinsphere.portfolio.model import IssueKind
from webapi.http.schema import Amount, Input, Output, Query
from webapi.portfolios.examples import AT, ID, example
from webapi.portfolios.schemas import Prose


class IssuesQuery(Query):
    """Which issues."""

    state: Literal["open", "resolved", "dismissed"] | None = "open"
    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = Field(None, max_length=400)


class IssueChange(Input):
    """What becomes of an issue."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"state": "dismissed", "note": "The other wallet is a friend's."}
        }
    )

    state: Literal["open", "resolved", "dismissed"] = "resolved"
    note: Prose | None = None


class TransferDecision(Input):
    """Whether two transactions are the ends of one own transfer."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "outTransactionId": "8f14e45f-ceea-4672-a0b5-1c6f2a9d3c77",
                "inTransactionId": "1d3f0c9a-9a53-4d9b-9a1e-0f0c4b1c2d3e",
                "decision": "confirmed",
            }
        }
    )

    out_transaction_id: UUID
    in_transaction_id: UUID
    decision: Literal["confirmed", "rejected"] = "confirmed"


class IssueOut(Output):
    """What somebody has to look at."""

    id: UUID
    kind: IssueKind
    state: str
    token_symbol: str
    transaction_id: UUID | None = Field(validation_alias="fact_id")
    amount: Amount | None
    message: str
    advice: str
    note: str | None
    found_at: datetime
    settled_at: datetime | None


_ISSUE = {
    "id": ID,
    "kind": "missing_cost",
    "state": "open",
    "tokenSymbol": "BTC",
    "transactionId": ID,
    "amount": 0.5,
    "message": "What 0.5 BTC received on 2026-11-01 10:00 UTC cost is not known.",
    "advice": "Give the transaction a price; gains of what it brought are unknown until then.",
    "note": None,
    "foundAt": AT,
    "settledAt": None,
}


class IssuesOut(Output):
    """Issues, the newest first."""

    model_config = example(issues=[_ISSUE], nextCursor=None)

    issues: list[IssueOut]
    next_cursor: str | None


class OneIssueOut(Output):
    """One issue."""

    model_config = example(issue=_ISSUE)

    issue: IssueOut
