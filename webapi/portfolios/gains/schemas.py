"""Request and response bodies of realised gains."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from coinsphere.portfolio.model import Use
from webapi.http.schema import Amount, Output
from webapi.portfolios.examples import AT, ID, example
from webapi.portfolios.periods import PeriodQuery


class GainsQuery(PeriodQuery):
    """Which realised gains."""

    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = Field(None, max_length=400)


class GainOut(Output):
    """A part of a lot that was sold, spent or lost."""

    token_symbol: str
    transaction_id: UUID
    kind: Use
    used_at: datetime
    acquired_at: datetime | None
    quantity: Amount
    cost: Amount | None
    proceeds: Amount | None
    gain: Amount | None


class GainsOut(Output):
    """Realised gains, the newest first."""

    model_config = example(
        currency="USD", totalGain=500, unknown=0, nextCursor=None,
        gains=[
            {"tokenSymbol": "BTC", "transactionId": ID, "kind": "sale", "usedAt": AT, "acquiredAt": AT,
             "quantity": 0.1, "cost": 5500, "proceeds": 6000, "gain": 500}
        ],
    )  # fmt: skip

    currency: str
    total_gain: Amount
    unknown: int = Field(description="Uses whose cost or proceeds are unknown: not in the sum.")
    gains: list[GainOut]
    next_cursor: str | None
