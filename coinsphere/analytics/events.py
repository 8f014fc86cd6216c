"""The catalogue of product events. Properties are words from fixed lists; the database refuses any other text.

No event holds an amount, an address, a name or a text of anybody. `docs/guides/analytics.md` describes each; the migration
that made `app.product_events` lists the names.
"""

from dataclasses import dataclass, fields
from typing import ClassVar, Literal


@dataclass(frozen=True, slots=True)
class ProductEvent:
    """Something that a user did, or that happened to them. Words are lower case, as of an enumeration."""

    name: ClassVar[str]

    def properties(self) -> dict[str, str]:
        """The event's fields by name."""
        # `asdict` copies all that it finds, which takes several times as long.
        return {each.name: str(getattr(self, each.name)) for each in fields(self)}


@dataclass(frozen=True, slots=True)
class Registered(ProductEvent):
    """Opened an account."""

    name = "registered"


@dataclass(frozen=True, slots=True)
class Confirmed(ProductEvent):
    """Confirmed the address of a new account."""

    name = "confirmed"


@dataclass(frozen=True, slots=True)
class PortfolioMade(ProductEvent):
    """Made a portfolio."""

    name = "portfolio_made"


@dataclass(frozen=True, slots=True)
class TransactionAdded(ProductEvent):
    """Recorded a transaction by hand; `kind` as `buy`."""

    name = "transaction_added"
    kind: str


@dataclass(frozen=True, slots=True)
class TransactionsImported(ProductEvent):
    """Brought a file of transactions in; `form` is the file's format, as `koinly`."""

    name = "transactions_imported"
    form: str


@dataclass(frozen=True, slots=True)
class ExchangeConnected(ProductEvent):
    """Connected an account at an exchange."""

    name = "exchange_connected"
    exchange: str


@dataclass(frozen=True, slots=True)
class WalletConnected(ProductEvent):
    """Connected a wallet; only its chain is kept."""

    name = "wallet_connected"
    blockchain: str


@dataclass(frozen=True, slots=True)
class ChannelAdded(ProductEvent):
    """Added a channel for messages, as of the kind `telegram`."""

    name = "channel_added"
    kind: str


@dataclass(frozen=True, slots=True)
class AlertCreated(ProductEvent):
    """Made an alert; `kind` is what it watches, as `price`."""

    name = "alert_created"
    kind: str


@dataclass(frozen=True, slots=True)
class AlertFired(ProductEvent):
    """Was told by an alert."""

    name = "alert_fired"
    kind: str


@dataclass(frozen=True, slots=True)
class ShareMade(ProductEvent):
    """Made a link that shows a portfolio to others."""

    name = "share_made"


@dataclass(frozen=True, slots=True)
class TaxReportMade(ProductEvent):
    """Took a tax report away as a file."""

    name = "tax_report_made"
    regime: str


@dataclass(frozen=True, slots=True)
class PlanChanged(ProductEvent):
    """A subscription began, changed or ended; `plan` is what the account has now."""

    name = "plan_changed"
    plan: str


@dataclass(frozen=True, slots=True)
class DashboardViewed(ProductEvent):
    """Looked at the first page."""

    name = "dashboard_viewed"


@dataclass(frozen=True, slots=True)
class PortfolioViewed(ProductEvent):
    """Looked at the page of a portfolio."""

    name = "portfolio_viewed"


@dataclass(frozen=True, slots=True)
class ForecastViewed(ProductEvent):
    """Looked at a page with the forecast of a token, or of a portfolio."""

    name = "forecast_viewed"
    subject: Literal["token", "portfolio"]
