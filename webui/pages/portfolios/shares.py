"""Links by which others see a portfolio: made and ended on its page of settings."""

from datetime import timedelta
from typing import Literal

from flask import Blueprint, Response

from webapi.http.schema import Input
from webapi.portfolios import scope
from webapi.portfolios.shares import use_cases
from webapi.portfolios.shares.schemas import ShareIn
from webapi.services import services
from webui.i18n import gettext
from webui.pages import flash_messages, submissions
from webui.pages.portfolios.routes import settings_page
from webui.security.access import signed_in

web_portfolio_shares = Blueprint("web_portfolio_shares", __name__)


class _LinkForm(Input):
    """What a form says of a link: how long it lives instead of when it ends."""

    hides_amounts: bool = True
    days: Literal["7", "30", "365", "forever"] = "30"


@web_portfolio_shares.post("/portfolios/<portfolio_id>/shares")
@signed_in
def share(portfolio_id: str) -> Response:
    """Make a link and show it, this once."""

    def act() -> Response:
        wanted = submissions.given(_LinkForm)
        with scope.connection() as conn:
            _, secret = use_cases.add(conn, portfolio_id, _given(wanted))
        return settings_page(portfolio_id, link=use_cases.address(secret))

    return submissions.attempted(act, lambda form: settings_page(portfolio_id, form))


@web_portfolio_shares.post("/portfolios/<portfolio_id>/shares/<share_id>/end")
@signed_in
def end(portfolio_id: str, share_id: str) -> Response:
    """End a link at once."""
    with scope.connection() as conn:
        use_cases.revoke(conn, portfolio_id, share_id)
    address = f"/portfolios/{portfolio_id}/settings"
    return flash_messages.lead_to(address, gettext("The link is dead from now on."))


def _given(wanted: _LinkForm) -> ShareIn:
    life = None if wanted.days == "forever" else timedelta(days=int(wanted.days))
    expires_at = None if life is None else services().clock() + life
    return ShareIn(hidesAmounts=wanted.hides_amounts, expiresAt=expires_at)
