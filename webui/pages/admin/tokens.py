"""Tokens as administrators see them: added, edited, deactivated, deleted."""

from flask import Blueprint, Response, request

from coinsphere.market.reference import listing
from webapi.admin.tokens import use_cases
from webapi.admin.tokens.schemas import ListQuery, TokenChange
from webapi.http.schema import check
from webapi.services import services
from webapi.tokens.schemas import TokenIn
from webui import rendering, requests
from webui.i18n import gettext
from webui.pages import flash_messages, query_parameters, submissions
from webui.pages.submissions import EMPTY, Submission
from webui.security.access import admin

web_admin_tokens = Blueprint("web_admin_tokens", __name__)
_LIST = "/admin/tokens"
_MAY_BE_UNKNOWN = ("coingeckoId", "contractAddress", "logoUrl", "decimals")


@web_admin_tokens.get(_LIST)
@admin
def tokens() -> Response:
    """All tokens, deactivated ones too; htmx gets the rows alone."""
    query = check(ListQuery, query_parameters.given("q", "cursor"))
    with services().database.connection() as conn:
        listed, following = use_cases.listed(conn, query)
    return rendering.page(
        "admin/token_rows.html" if requests.is_part() else "admin/tokens.html",
        tokens=listed,
        next_cursor=following,
        query=query,
    )


@web_admin_tokens.get(f"{_LIST}/new")
@admin
def adding() -> Response:
    """The form of a new token."""
    return rendering.page("admin/token.html", token=None, uses=[], form=EMPTY)


@web_admin_tokens.post(f"{_LIST}/new")
@admin
def add() -> Response:
    """Add a token."""

    def act() -> Response:
        listed = use_cases.create(submissions.given(TokenIn, **submissions.whole("decimals")))
        return flash_messages.lead_to(f"{_LIST}/{listed.id}", gettext("It is listed."))

    return submissions.answered(act, "admin/token.html", token=None, uses=[])


@web_admin_tokens.get(f"{_LIST}/<token_id>")
@admin
def token(token_id: str) -> Response:
    """A token, and what refers to it."""
    return _page(token_id, EMPTY)


@web_admin_tokens.post(f"{_LIST}/<token_id>")
@admin
def change(token_id: str) -> Response:
    """Edit, deactivate, activate again; an emptied field is unknown from then on."""

    def act() -> Response:
        changes = {**submissions.emptied(*_MAY_BE_UNKNOWN), **submissions.whole("decimals")}
        fields = {**changes, "isActive": request.form.get("isActive") == "true"}
        use_cases.change(token_id, submissions.given(TokenChange, **fields))
        return flash_messages.lead_to(f"{_LIST}/{token_id}", gettext("Saved."))

    return submissions.attempted(act, lambda form: _page(token_id, form))


@web_admin_tokens.post(f"{_LIST}/<token_id>/delete")
@admin
def delete(token_id: str) -> Response:
    """Delete a token that nothing refers to."""

    def act() -> Response:
        use_cases.delete(token_id)
        return flash_messages.lead_to(_LIST, gettext("The token is deleted."))

    return submissions.attempted(act, lambda form: _page(token_id, form))


def _page(token_id: str, form: Submission) -> Response:
    with services().database.connection() as conn:
        listed = use_cases.find(conn, token_id)
        uses = listing.uses(conn, listed.id)
    return rendering.page("admin/token.html", token=listed, uses=uses, form=form)
