"""Request and response bodies of the links of a portfolio."""

from datetime import datetime
from uuid import UUID

from pydantic import ConfigDict, Field

from webapi.http.schema import Input, Instant, Output
from webapi.portfolios.examples import AT, ID, example


class ShareIn(Input):
    """A link by which others see a portfolio."""

    model_config = ConfigDict(json_schema_extra={"example": {"hidesAmounts": True}})

    hides_amounts: bool = Field(default=True, description="Show shares of the whole only.")
    expires_at: Instant | None = None


class ShareOut(Output):
    """A link; `url` and `secret` are shown once, when it is made."""

    id: UUID
    hides_amounts: bool
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    secret: str | None = None
    url: str | None = None


_SHARE = {
    "id": ID, "hidesAmounts": True, "createdAt": AT, "expiresAt": None, "revokedAt": None, "secret": "…",
    "url": "https://app.example.com/shared/…",
}  # fmt: skip


class OneShareOut(Output):
    """One link."""

    model_config = example(share=_SHARE)

    share: ShareOut


class SharesOut(Output):
    """Links, the newest first."""

    model_config = example(shares=[_SHARE])

    shares: list[ShareOut]
