"""The transactions of a portfolio: listed, added, corrected, taken back."""

from collections import defaultdict
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request

from coinsphere.portfolio.imports.statements.record import MONEY
from coinsphere.portfolio.model import Kind
from coinsphere.portfolio.performance import realised_gains
from webapi.http.schema import check
from webapi.portfolios import scope
from webapi.transactions import queries, use_cases
from webapi.transactions.schemas import TransactionChange, TransactionIn, TransactionsQuery
from webui import figures, rendering, requests
from webui.i18n import gettext, ngettext
from webui.pages import flash_messages, submissions, tokens
from webui.pages.submissions import EMPTY, Submission
from webui.security.access import signed_in

web_transactions = Blueprint("web_transactions", __name__)
_TOKENS = ("tokenSymbol", "counterTokenSymbol")
_OPTIONAL = ("price", "fee", "feeToken", "counterTokenSymbol", "counterAmount", "exchange", "notes")
_ROWS = 50


@web_transactions.get("/portfolios/<portfolio_id>/transactions")
@signed_in
def transactions(portfolio_id: str) -> Response:
    """The transactions of a portfolio, the newest first, by pages; of one token or one type where asked."""
    asked = {name: request.args[name] for name in ("type", "cursor") if request.args.get(name)}
    token = request.args.get("token", "").strip()
    with scope.connection() as conn:
        portfolio = scope.find(conn, portfolio_id)
        known = not token or tokens.is_known(conn, token)
        wanted = {"portfolioId": portfolio.id, "limit": _ROWS, **asked}
        query = check(TransactionsQuery, wanted | ({"tokenSymbol": token} if token else {}))
        withdrawn = use_cases.taken_back(conn, request.args.getlist("taken")[:_ROWS])
        body = use_cases.listed(conn, query) if known else {"transactions": [], "nextCursor": None}
    return rendering.page(
        "transactions/index.html", portfolio=portfolio, body=body, token=token, kinds=list(Kind),
        kind=query.type, taken=withdrawn,
    )  # fmt: skip


@web_transactions.get("/portfolios/<portfolio_id>/transactions/new")
@signed_in
def adding(portfolio_id: str) -> Response:
    """The form for a new transaction."""
    return _form(portfolio_id, None, EMPTY)


@web_transactions.post("/portfolios/<portfolio_id>/transactions/new")
@signed_in
def add(portfolio_id: str) -> Response:
    """Record a transaction; "and another" comes back to the empty form."""

    def act() -> Response:
        with scope.connection() as conn:
            portfolio = scope.find(conn, portfolio_id)
            again = request.form.get("again")
            tokens.require(conn, *_TOKENS)
            fact = submissions.given(
                TransactionIn,
                {"again"},
                portfolioId=portfolio.id,
                **submissions.instant("timestamp"),
            )
            use_cases.record(conn, fact)
        base = f"/portfolios/{portfolio_id}"
        address = f"{base}/transactions/new" if again else base
        return flash_messages.lead_to(address, gettext("The transaction is in the books."))

    return submissions.attempted(act, lambda form: _form(portfolio_id, None, form))


@web_transactions.get("/transactions/<transaction_id>")
@signed_in
def transaction(transaction_id: str) -> Response:
    """A transaction, to be looked at and corrected."""
    return _stored(transaction_id, EMPTY)


@web_transactions.post("/transactions/<transaction_id>")
@signed_in
def correct(transaction_id: str) -> Response:
    """Correct a transaction; what is emptied is none."""

    def act() -> Response:
        with scope.connection() as conn:
            tokens.require(conn, *_TOKENS)
            emptied = dict.fromkeys(name for name in _OPTIONAL if not request.form.get(name))
            correction = _correction(use_cases.find(conn, transaction_id)["timestamp"], emptied)
            corrected = use_cases.correct(conn, transaction_id, correction)["transaction"]
        address = f"/portfolios/{corrected['portfolio_id']}/transactions"
        return flash_messages.lead_to(
            address, gettext("Corrected. The version before stays in its history.")
        )

    return submissions.attempted(act, lambda form: _stored(transaction_id, form))


@web_transactions.post("/portfolios/<portfolio_id>/transactions/delete")
@signed_in
def delete_some(portfolio_id: str) -> Response:
    """Take the chosen transactions back, all or none."""
    chosen = request.form.getlist("chosen")
    with scope.connection() as conn:
        count = use_cases.withdraw_all(conn, scope.find(conn, portfolio_id).id, chosen)
    address = f"/portfolios/{portfolio_id}/transactions"
    if not count:
        return flash_messages.lead_to(address, gettext("Nothing was chosen."))
    return requests.lead_to(f"{address}?{urlencode({'taken': chosen}, doseq=True)}")


@web_transactions.post("/portfolios/<portfolio_id>/transactions/restore")
@signed_in
def restore(portfolio_id: str) -> Response:
    """Let transactions count again that were taken back."""
    with scope.connection() as conn:
        count = use_cases.bring_back(conn, request.form.getlist("taken")[:_ROWS])
    text = ngettext("%(num)s counts again.", "%(num)s count again.", count)
    return flash_messages.lead_to(f"/portfolios/{portfolio_id}/transactions", text % {"num": count})


@web_transactions.post("/transactions/<transaction_id>/delete")
@signed_in
def delete(transaction_id: str) -> Response:
    """Take a transaction back."""
    with scope.connection() as conn:
        fact = use_cases.find(conn, transaction_id)
        use_cases.withdraw(conn, transaction_id)
    return requests.lead_to(
        f"/portfolios/{fact['portfolio_id']}/transactions?taken={transaction_id}"
    )


def _correction(occurred_at: datetime, emptied: dict[str, None]) -> TransactionChange:
    """What the form changes; an instant that is as it was shown stays, to the last digit."""
    is_same = request.form.get("timestamp") == figures.field_time(occurred_at)
    without = {"timestamp"} if is_same else frozenset[str]()
    when = {} if is_same else submissions.instant("timestamp")
    return submissions.given(TransactionChange, without, **emptied, **when)


def _stored(transaction_id: str, form: Submission) -> Response:
    with scope.connection() as conn:
        fact = use_cases.find(conn, transaction_id)
        more = {
            "lots": realised_gains.lots_of(conn, scope.user_id(), fact["id"]),
            "versions": queries.history(conn, scope.user_id(), fact["id"]),
        }
    return _form(str(fact["portfolio_id"]), fact, form, **more)


def _form(
    portfolio_id: str, stored: dict[str, Any] | None, form: Submission, **more: Any
) -> Response:
    with scope.connection() as conn:
        portfolio = scope.find(conn, portfolio_id)
        known = tokens.all_of(conn)
    return rendering.page(
        "transactions/form.html", portfolio=portfolio, stored=stored, form=form, kinds=list(Kind),
        at=stored or defaultdict(lambda: None),
        tokens=known, currencies=_currencies(stored, portfolio.currency), **more,
    )  # fmt: skip


def _currencies(stored: dict[str, Any] | None, own: str) -> list[tuple[str, str]]:
    there = {own, *MONEY, *([str(stored["currency"])] if stored else [])}
    return [(code, code) for code in sorted(there)]
