"""Accounts at exchanges: a key looked at before it is kept, what was read, what was not, and their end."""

from typing import Any

from flask import Blueprint, Response, request
from psycopg import Connection

from coinsphere.exchanges.sync import syncs, unbooked
from coinsphere.exchanges.venues.all import VENUES
from coinsphere.portfolio import portfolios
from webapi.auth import proofs
from webapi.exchanges import use_cases
from webapi.exchanges.schemas import ConnectExchangeIn, ConnectionChange, ExchangeKeyIn
from webapi.http.errors import Problem
from webapi.portfolios import scope
from webapi.security import limits
from webapi.services import services
from webui import rendering, requests
from webui.i18n import gettext
from webui.pages import flash_messages, submissions
from webui.pages.submissions import EMPTY, Submission
from webui.security.access import signed_in

web_exchanges = Blueprint("web_exchanges", __name__)
_LIST = "/connections"
_SHOWN = 100
_BESIDE = frozenset(("label", "portfolioId", "markets", "allowTrading"))


@web_exchanges.get("/connections/exchanges/new")
@signed_in
def connecting() -> Response:
    """The form for a key."""
    return _form(EMPTY)


@web_exchanges.post("/connections/exchanges/look")
@signed_in
@limits.weighs(10)
def look() -> Response:
    """A part of the page: what the exchange says that the key may do. Nothing is stored."""
    try:
        info = use_cases.look_at(submissions.given(ExchangeKeyIn, _BESIDE))
    except Problem as problem:
        if problem.code == "switched-off":
            raise
        return rendering.page("connections/verdict.html", form=submissions.of(problem), info=None)
    return rendering.page("connections/verdict.html", form=EMPTY, info=info)


@web_exchanges.post("/connections/exchanges/new")
@signed_in
@limits.weighs(10)
def connect() -> Response:
    """Keep a key, sealed, and have the account read."""

    def act() -> Response:
        connected = use_cases.connect(submissions.given(ConnectExchangeIn, **_markets()))
        address = f"{_LIST}/exchanges/{connected.connection.id}"
        return flash_messages.lead_to(
            address, gettext("Connected. It is being read for the first time.")
        )

    return submissions.attempted(act, _form)


@web_exchanges.get("/connections/exchanges/<connection_id>")
@signed_in
def connection(connection_id: str) -> Response:
    """One account: how reading it went, what its key may do, where its transactions go."""
    return _one(connection_id, EMPTY)


@web_exchanges.post("/connections/exchanges/<connection_id>")
@signed_in
def change(connection_id: str) -> Response:
    """Change portfolio, markets, or how often it is read."""

    def act() -> Response:
        changes = submissions.given(
            ConnectionChange, **_markets(), **submissions.whole("syncMinutes")
        )
        with scope.connection() as conn:
            use_cases.change(conn, connection_id, changes)
        return flash_messages.lead_to(f"{_LIST}/exchanges/{connection_id}", gettext("Saved."))

    return submissions.attempted(act, lambda form: _one(connection_id, form))


@web_exchanges.post("/connections/exchanges/<connection_id>/sync")
@signed_in
def sync(connection_id: str) -> Response:
    """Have it read now."""

    def act() -> Response:
        with scope.connection() as conn:
            use_cases.sync(conn, use_cases.find(conn, connection_id))
        return requests.lead_to(f"{_LIST}/exchanges/{connection_id}")

    return submissions.attempted(act, lambda form: _one(connection_id, form))


@web_exchanges.post("/connections/exchanges/<connection_id>/remove")
@signed_in
def remove(connection_id: str) -> Response:
    """Forget the account and its key."""
    with scope.connection() as conn:
        use_cases.disconnect(conn, connection_id)
    return flash_messages.lead_to(_LIST, gettext("Forgotten, with its key. Its transactions stay."))


def _markets() -> dict[str, Any]:
    """One a line, or parted by commas."""
    return {"markets": request.form.get("markets", "").replace(",", " ").upper().split()}


def _form(form: Submission) -> Response:
    with scope.connection() as conn:
        own = portfolios.list_for(conn, scope.user_id())
    return rendering.page(
        "connections/exchange_new.html", form=form, venues=list(VENUES.values()), portfolios=own,
        user=proofs.caller(services()),
    )  # fmt: skip


def _one(connection_id: str, form: Submission) -> Response:
    with scope.connection() as conn:
        account = use_cases.find(conn, connection_id)
        newest = syncs.latest(conn, account.user_id, account.id)
        left = unbooked.listed(conn, account.id, _SHOWN + 1)
        more = _places(conn)
    template = "connections/sync.html" if requests.is_part() else "connections/exchange.html"
    return rendering.page(
        template, found=account, sync=newest, form=form, venue=VENUES[account.exchange], unbooked=left[:_SHOWN],
        has_more=len(left) > _SHOWN, **more,
    )  # fmt: skip


def _places(conn: Connection) -> dict[str, Any]:
    return {"portfolios": portfolios.list_for(conn, scope.user_id())}
