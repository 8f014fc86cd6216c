"""Request and response bodies of `/billing`."""

from datetime import datetime
from typing import Any, Literal

from pydantic import ConfigDict, Field

from coinsphere.billing.plans import PlanFeature, PlanLimit
from webapi.http.schema import Amount, Output


class PlanLimitOut(Output):
    """How many of something a plan allows."""

    name: PlanLimit = Field(description="What is counted.")
    most: int | None = Field(
        description="How many the plan allows; null: as many as the system lets anybody have."
    )


class UsedLimitOut(PlanLimitOut):
    """How many of something one may have, and has."""

    used: int = Field(
        description="How many are there now; more than `most` stay after a change of plan."
    )


class PlanFeatureOut(Output):
    """Whether a plan has a feature."""

    name: PlanFeature = Field(description="The feature.")
    is_included: bool = Field(description="Whether the plan has it.")


class SoldPlanOut(Output):
    """A plan that can be had."""

    name: str = Field(description="Name of the plan.")
    limits: list[PlanLimitOut] = Field(description="What it counts.")
    features: list[PlanFeatureOut] = Field(description="What it has, and what not.")


class PrepaidOut(Output):
    """What days of the plan cost that are paid in crypto."""

    amount: Amount = Field(description="Price of the days.", examples=[9])
    currency: str = Field(description="Currency of the price.", examples=["EUR"])
    days: int = Field(description="How many days one payment buys.", examples=[30])


_FEATURES: Any = [{"name": "taxReports", "isIncluded": True}]


class PlanOut(Output):
    """One's plan, and the others."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "isLimited": True,
                "isPaidByCard": True,
                "hasPortal": True,
                "prepaid": {"amount": 9, "currency": "EUR", "days": 30},
                "plan": "pro",
                "status": "active",
                "endsAt": None,
                "renewsAt": "2026-12-24T08:00:00Z",
                "limits": [{"name": "portfolios", "used": 2, "most": None}],
                "features": _FEATURES,
                "plans": [
                    {
                        "name": "pro",
                        "limits": [{"name": "portfolios", "most": None}],
                        "features": _FEATURES,
                    }
                ],
            }
        }
    )

    is_limited: bool = Field(
        description="Whether this system sells plans; where not, everybody has everything."
    )
    is_paid_by_card: bool = Field(description="Whether the plan can be bought by card.")
    has_portal: bool = Field(
        description="Whether one has bought by card, and so has a page for the card, invoices and cancelling."
    )
    prepaid: PrepaidOut | None = Field(
        description="What days cost that are paid in crypto; null: they are not sold."
    )
    plan: str = Field(description="`free`, `pro`, or `unlimited` where nothing is sold.")
    status: Literal[
        "none", "incomplete", "trial", "active", "past_due", "cancelled", "refunded"
    ] = Field(description="Of the subscription; `past_due`: a payment failed and is tried again.")
    ends_at: datetime | None = Field(
        description="When the plan ends unless something is paid; null: it does not."
    )
    renews_at: datetime | None = Field(
        description="When the next payment is due; null: none will be."
    )
    limits: list[UsedLimitOut] = Field(description="What the plan counts, and how much is used.")
    features: list[PlanFeatureOut] = Field(description="What the plan has, and what not.")
    plans: list[SoldPlanOut] = Field(description="The plans that are sold, the smallest first.")


class PaymentPageOut(Output):
    """Where to go on."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"url": "https://checkout.stripe.com/c/pay/cs_live_a1"}}
    )

    url: str = Field(
        description="Page of the provider's, for this user alone and for a short time."
    )
