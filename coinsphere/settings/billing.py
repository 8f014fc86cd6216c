"""What is sold, and by whom payments are taken."""

from decimal import Decimal
from typing import Self

from pydantic import Field, SecretStr, model_validator

from coinsphere.settings.base import Base, variable

_STRIPE = ("stripe_secret_key", "stripe_webhook_secret", "stripe_price")
_BTCPAY = (
    "btcpay_url",
    "btcpay_store",
    "btcpay_api_key",
    "btcpay_webhook_secret",
    "btcpay_price",
)


class Billing(Base):
    """What is sold, and by whom payments are taken: by card, in crypto, or both. Without it everybody has everything."""

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
    stripe_other_prices: tuple[str, ...] = Field(
        (),
        description="Other prices of the same plan, such as a yearly one, to which Stripe's portal lets people change.",
    )
    stripe_url: str = Field("https://api.stripe.com", description="Base URL of Stripe's API.")
    btcpay_url: str | None = Field(
        None,
        description="Address of a BTCPay Server, by which the plan is paid in crypto. Set with the next four, or none of them.",
    )
    btcpay_store: str | None = Field(None, description="Id of the store there.")
    btcpay_api_key: SecretStr | None = Field(
        None, description="API key of the store that may create, view and modify invoices."
    )
    btcpay_webhook_secret: SecretStr | None = Field(
        None, description="Secret by which BTCPay Server signs what it tells."
    )
    btcpay_price: Decimal | None = Field(
        None, gt=0, description="What the days of the plan pro cost that are paid in crypto."
    )
    btcpay_currency: str = Field(
        "EUR",
        pattern="^[A-Z]{3,10}$",
        description="Currency of that price; the server converts it when it is paid.",
    )
    btcpay_days: int = Field(
        30,
        ge=1,
        le=3660,
        description="Days that one payment in crypto buys; it does not renew itself.",
    )
    btcpay_private_network: bool = Field(
        default=False, description="The BTCPay Server may be in a private network, and without TLS."
    )
    billing_trial_days: int = Field(
        0, ge=0, le=90, description="Days for which a first subscription is tried without payment."
    )
    billing_grace_days: int = Field(
        7, ge=0, le=60, description="Days for which a plan is kept though its payment failed."
    )

    @property
    def is_stripe_configured(self) -> bool:
        """Whether plans are paid by card."""
        return self.stripe_secret_key is not None

    @property
    def is_btcpay_configured(self) -> bool:
        """Whether plans are paid in crypto."""
        return self.btcpay_url is not None

    @property
    def is_billing_configured(self) -> bool:
        """Whether plans are sold, and so limited."""
        return self.is_stripe_configured or self.is_btcpay_configured

    @model_validator(mode="after")
    def _require_all_of_a_provider(self) -> Self:
        for names in (_STRIPE, _BTCPAY):
            missing = [variable(name) for name in names if getattr(self, name) is None]
            if 0 < len(missing) < len(names):
                raise ValueError(f"payments need {' and '.join(missing)}, too")
        return self
