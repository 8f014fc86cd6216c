"""What is sold, and by whom payments are taken."""

from typing import Self

from pydantic import Field, SecretStr, model_validator

from coinsphere.settings.base import Base, variable

_STRIPE = ("stripe_secret_key", "stripe_webhook_secret", "stripe_price")


class Billing(Base):
    """What is sold, and by whom payments are taken. Without it everybody has everything."""

    stripe_secret_key: SecretStr | None = Field(
        None,
        description="Stripe's secret or restricted key. Set with the next two, or none of them.",
    )
    stripe_webhook_secret: SecretStr | None = Field(
        None, description="Secret by which Stripe signs what it tells (`whsec_…`)."
    )
    stripe_price: str | None = Field(
        None, description="Stripe's price of the plan pro (`price_…`), which renews itself."
    )
    stripe_url: str = Field("https://api.stripe.com", description="Base URL of Stripe's API.")
    billing_trial_days: int = Field(
        0, ge=0, le=90, description="Days for which a first subscription is tried without payment."
    )
    billing_grace_days: int = Field(
        7, ge=0, le=60, description="Days for which a plan is kept though its payment failed."
    )

    @property
    def is_billing_configured(self) -> bool:
        """Whether plans are sold, and so limited."""
        return self.stripe_secret_key is not None

    @model_validator(mode="after")
    def _require_all_of_stripe(self) -> Self:
        missing = [variable(name) for name in _STRIPE if getattr(self, name) is None]
        if 0 < len(missing) < len(_STRIPE):
            raise ValueError(f"payments need {' and '.join(missing)}, too")
        return self
