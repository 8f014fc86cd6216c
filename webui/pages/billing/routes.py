"""One's plan: what it allows, what is used of it, and the ways to the provider's pages."""

from flask import Blueprint, Response, request

from coinsphere.billing.plans import PlanFeature, PlanLimit
from coinsphere.i18n import N_
from webapi.billing import use_cases
from webapi.portfolios import scope
from webapi.security import limits
from webui import rendering
from webui.security.access import signed_in

web_billing = Blueprint("web_billing", __name__)
LIMITS = {
    PlanLimit.PORTFOLIOS: N_("Portfolios"),
    PlanLimit.ALERTS: N_("Alerts"),
    PlanLimit.CHANNELS: N_("Channels"),
    PlanLimit.EXCHANGES: N_("Accounts at exchanges"),
    PlanLimit.WALLETS: N_("Wallets"),
    PlanLimit.API_KEYS: N_("API keys"),
}
FEATURES = {
    PlanFeature.TAX_REPORTS: N_("Tax reports"),
    PlanFeature.SHARED_LINKS: N_("Links that share a portfolio"),
}


@web_billing.get("/billing")
@signed_in
def plan() -> Response:
    """The plan, and the others that can be had."""
    return _page()


@web_billing.post("/billing/checkout")
@signed_in
@limits.weighs(10)
def checkout() -> Response:
    """Begin to buy; the page leads on by a link, as no form of ours may lead to another's site."""
    return _page(use_cases.checkout())


@web_billing.post("/billing/prepay")
@signed_in
@limits.weighs(10)
def prepay() -> Response:
    """Begin to pay days in crypto; the page leads on by a link, too."""
    return _page(use_cases.prepay(), is_crypto=True)


@web_billing.post("/billing/portal")
@signed_in
@limits.weighs(10)
def portal() -> Response:
    """Open the provider's page for card, invoices and cancellation, by a link as well."""
    return _page(use_cases.portal())


def _page(leads_to: str | None = None, *, is_crypto: bool = False) -> Response:
    with scope.connection() as conn:
        standing = use_cases.standing(conn)
    return rendering.page(
        "billing/index.html", standing=standing, leads_to=leads_to, limits=LIMITS,
        features=FEATURES, is_crypto=is_crypto,
        paid=request.args.get("paid"),
    )  # fmt: skip
