"""Wallets: watched by their address, or proved by a signature of the browser's wallet (EIP-1193, EIP-4361)."""

from typing import Any

from flask import Blueprint, Response, request

from coinsphere.chains.blockchains import CHAINS
from coinsphere.defi import repository as positions
from coinsphere.defi import valuation
from coinsphere.portfolio import portfolios
from coinsphere.wallets import repository as wallets
from coinsphere.wallets import sync as syncs
from webapi.defi import use_cases
from webapi.defi.schemas import ConnectWalletIn, NonceQuery, TokensIn
from webapi.portfolios import scope
from webui import rendering
from webui.i18n import gettext
from webui.pages import flash_messages, submissions
from webui.pages.submissions import EMPTY, Submission
from webui.security.access import signed_in

web_defi = Blueprint("web_defi", __name__)
_LIST = "/connections"


@web_defi.get("/connections/wallets/new")
@signed_in
def connecting() -> Response:
    """The form for a wallet."""
    return _form(EMPTY)


@web_defi.post("/connections/wallets/message")
@signed_in
def message() -> Response:
    """What the browser's wallet has to sign, as text for a script."""
    challenge = use_cases.message(
        submissions.given(NonceQuery, {"label", "portfolioId", "message", "signature"})
    )
    return Response(challenge.text(), mimetype="text/plain")


@web_defi.post("/connections/wallets/new")
@signed_in
def connect() -> Response:
    """Keep a wallet, and have it read."""

    def act() -> Response:
        added, _ = use_cases.connect(submissions.given(ConnectWalletIn, **_message()))
        address = f"{_LIST}/wallets/{added.id}"
        return flash_messages.lead_to(address, gettext("The wallet is there. It is being read."))

    return submissions.attempted(act, _form)


@web_defi.get("/connections/wallets/<wallet_id>")
@signed_in
def wallet(wallet_id: str) -> Response:
    """What a wallet holds, what it has in protocols, and what could not be read."""
    return _one(wallet_id, EMPTY)


@web_defi.post("/connections/wallets/<wallet_id>/tokens")
@signed_in
def tokens(wallet_id: str) -> Response:
    """Say which tokens to look for beside the usual ones."""

    def act() -> Response:
        contracts = request.form.get("contracts", "").split()
        use_cases.set_tokens(wallet_id, submissions.given(TokensIn, contracts=contracts).contracts)
        return flash_messages.lead_to(
            f"{_LIST}/wallets/{wallet_id}", gettext("Saved. It is read again.")
        )

    return submissions.attempted(act, lambda form: _one(wallet_id, form))


@web_defi.post("/connections/wallets/<wallet_id>/sync")
@signed_in
def sync(wallet_id: str) -> Response:
    """Have it read now."""
    with scope.connection() as conn:
        own_wallet = use_cases.find(conn, wallet_id)
        syncs.request(conn, own_wallet.user_id, own_wallet.id)
    return flash_messages.lead_to(f"{_LIST}/wallets/{wallet_id}", gettext("It is being read."))


@web_defi.post("/connections/wallets/<wallet_id>/remove")
@signed_in
def remove(wallet_id: str) -> Response:
    """Forget a wallet."""
    with scope.connection() as conn:
        use_cases.disconnect(conn, wallet_id)
    return flash_messages.lead_to(
        _LIST, gettext("The wallet is forgotten; what it told a portfolio is taken back.")
    )


def _message() -> dict[str, Any]:
    """Browsers send line breaks of a form as CR LF; a signature is of the text as it was signed."""
    text = request.form.get("message", "")
    return {"message": text.replace("\r\n", "\n")} if text else {}


def _form(form: Submission) -> Response:
    with scope.connection() as conn:
        own = portfolios.list_for(conn, scope.user_id())
    return rendering.page(
        "connections/wallet_new.html", form=form, chains=list(CHAINS.values()), portfolios=own
    )


def _one(wallet_id: str, form: Submission) -> Response:
    with scope.connection() as conn:
        own_wallet = use_cases.find(conn, wallet_id)
        balances = wallets.balances(conn, own_wallet.user_id, own_wallet.id)
        inside = positions.open_positions(conn, own_wallet.user_id, own_wallet.id)
        names = {each.id: each.name for each in portfolios.list_for(conn, own_wallet.user_id)}
    return rendering.page(
        "connections/wallet.html", found=own_wallet, balances=balances, positions=inside, form=form, names=names,
        sums=valuation.totals(inside), worth=valuation.value,
    )  # fmt: skip
