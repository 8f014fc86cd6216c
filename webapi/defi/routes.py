"""Wallets and what they have in DeFi protocols. What belongs to somebody else does not exist."""

from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response
from psycopg import Connection

from coinsphere.defi import repository as positions
from coinsphere.defi import valuation
from coinsphere.defi.model import PositionKind
from coinsphere.errors import ProviderError
from coinsphere.security.audit_events import Event
from coinsphere.wallets import addresses, nonces, ownership, private_material, sign_in, sync
from coinsphere.wallets import repository as wallets
from coinsphere.wallets.chains import CHAINS, Blockchain
from coinsphere.wallets.errors import OwnershipRefused, SecretRefused, WalletRefused
from coinsphere.wallets.nodes import Nodes
from coinsphere.wallets.repository import NewWallet, Wallet
from coinsphere.wallets.sign_in import Expected
from webapi.defi import queries, schemas
from webapi.http import errors, json, paths
from webapi.security import access, audit
from webapi.security.access import signed_in
from webapi.services import services

defi = APIBlueprint("defi", __name__, tag="DeFi")

_WHAT = "wallet"
_CONTRACT_SECONDS = 4.0


@defi.after_request
def envelope(response: Response) -> Response:
    """Add what old clients of these routes look for in an error."""
    if response.mimetype == errors.MIMETYPE:
        problem = json.loads(response.get_data())
        problem |= {"success": False, "message": problem["error"]}
        response.set_data(json.dumps(problem))
    return response


@defi.get("/protocols")
@signed_in
@defi.output(schemas.ProtocolsAnswer)
def list_protocols() -> dict[str, Any]:
    """All protocols, the largest first, with what lies in them and what their largest pools yield."""
    with services().database.connection() as conn:
        found = queries.protocols(conn)
    return {"data": found, "count": len(found)}


@defi.get("/connect/nonce")
@signed_in
@defi.input(schemas.NonceQuery, location="query")
@defi.output(schemas.NonceAnswer)
def get_nonce(query_data: schemas.NonceQuery) -> dict[str, Any]:
    """A nonce for the proof of ownership, good once, for five minutes, in this session.

    With `address` the answer holds the message that the wallet has to sign.
    """
    work = services()
    now = work.clock()
    chain_id = CHAINS[query_data.blockchain].chain_id
    if chain_id is None:
        raise _invalid("blockchain", "ownership is proved on EVM chains only", "blockchain")
    address = _normalised(query_data.blockchain, query_data.address)
    caller = access.principal()
    with work.database.connection() as conn:
        nonce = nonces.issue(conn, caller.user_id, caller.session_id, now)
    domain, uri = _place()
    said = sign_in.SignIn(
        domain=domain,
        address=address or "",
        uri=uri,
        chain_id=chain_id,
        nonce=nonce,
        issued_at=now,
        expires_at=now + sign_in.LIFE,
        statement=sign_in.STATEMENT,
    )
    return {
        "data": {
            **{name: getattr(said, name) for name in said.__slots__},
            "message": said.text() if address else None,
        }
    }


@defi.post("/connect")
@signed_in
@defi.input(schemas.ConnectWalletIn)
@defi.output(schemas.ConnectedAnswer, 201)
def connect_wallet(json_data: schemas.ConnectWalletIn) -> dict[str, Any]:
    """Connect a wallet and have it read. One that is known is read again and keeps its proof.

    A seed phrase or a private key is refused, and written nowhere.
    """
    work = services()
    user_id = access.principal().user_id
    _refuse_secrets(json_data.address, json_data.label, json_data.message)
    address = _normalised(json_data.blockchain, json_data.address)
    assert address is not None
    new = NewWallet(
        address=address,
        blockchain=json_data.blockchain,
        label=json_data.label,
        ownership=_ownership(json_data, address),
        portfolio_id=json_data.portfolio_id,
    )
    with work.database.connection() as conn:
        _require_room(conn, user_id, new)
        try:
            made = queries.connect(conn, user_id, new, work.clock())
        except LookupError:
            raise errors.not_found("portfolio") from None
        job_id = sync.request(conn, user_id, made.id)
        details = {"blockchain": str(made.blockchain), "ownership": made.ownership}
        audit.record(
            conn, Event.WALLET_CONNECTED, actor_id=user_id, target=str(made.id), details=details
        )
    return {"data": {"wallet": made, "sync_job_id": job_id}}


@defi.get("/wallets")
@signed_in
@defi.output(schemas.WalletsAnswer)
def list_wallets() -> dict[str, Any]:
    """All of one's wallets; nobody has more than 50."""
    with services().database.connection() as conn:
        found = wallets.list_for(conn, access.principal().user_id)
    return {"data": {"wallets": found, "count": len(found)}}


@defi.get("/wallets/<wallet_id>")
@signed_in
@defi.output(schemas.WalletAnswer)
def get_wallet(wallet_id: str) -> dict[str, Any]:
    """One wallet."""
    with services().database.connection() as conn:
        return {"data": {"wallet": _find(conn, wallet_id)}}


@defi.delete("/wallets/<wallet_id>")
@signed_in
@defi.output(schemas.MessageAnswer)
def delete_wallet(wallet_id: str) -> dict[str, Any]:
    """Disconnect a wallet; what its balances told a ledger is taken back, and stays in its history."""
    work = services()
    user_id = access.principal().user_id
    with work.database.connection() as conn:
        found = paths.uuid(wallet_id, _WHAT)
        if not queries.disconnect(conn, user_id, found, work.clock()):
            raise errors.not_found(_WHAT)
        audit.record(conn, Event.WALLET_DISCONNECTED, actor_id=user_id, target=str(found))
    return {"message": "Wallet disconnected successfully"}


@defi.get("/wallets/<wallet_id>/balances")
@signed_in
@defi.output(schemas.BalancesAnswer)
def list_balances(wallet_id: str) -> dict[str, Any]:
    """What a wallet held when it was read last; what lies in protocols is at `/defi/positions`."""
    with services().database.connection() as conn:
        wallet = _find(conn, wallet_id)
        found = wallets.balances(conn, wallet.user_id, wallet.id)
    return {"data": {"balances": found, "count": len(found)}}


@defi.put("/wallets/<wallet_id>/tokens")
@signed_in
@defi.input(schemas.TokensIn)
@defi.output(schemas.WalletAnswer)
def set_tokens(wallet_id: str, json_data: schemas.TokensIn) -> dict[str, Any]:
    """Say which tokens to look for beside the usual ones, by their contracts; the wallet is read again."""
    _refuse_secrets(*json_data.contracts)
    with services().database.connection() as conn:
        wallet = _find(conn, wallet_id)
        if wallet.blockchain == Blockchain.BITCOIN:
            raise _invalid("contracts", "Bitcoin has no tokens", "blockchain")
        contracts = [
            found
            for number, each in enumerate(json_data.contracts)
            if (found := _normalised(wallet.blockchain, each, f"contracts.{number}"))
        ]
        wallets.tick(conn, wallet.id, contracts)
        sync.request(conn, wallet.user_id, wallet.id)
        return {"data": {"wallet": _find(conn, wallet_id)}}


@defi.get("/positions")
@signed_in
@defi.input(schemas.PositionsQuery, location="query")
@defi.output(schemas.PositionsAnswer)
def list_positions(query_data: schemas.PositionsQuery) -> dict[str, Any]:
    """Open positions at our own prices. What is borrowed counts below zero."""
    with services().database.connection() as conn:
        found = positions.open_positions(conn, access.principal().user_id, query_data.wallet_id)
    sums = valuation.totals(found)
    return {
        "data": {
            "positions": queries.shown(found),
            "total_value": sums.total_value,
            "unpriced": sums.unpriced,
            "count": len(found),
        }
    }


@defi.get("/stats")
@signed_in
@defi.output(schemas.StatsAnswer)
def get_stats() -> dict[str, Any]:
    """Sums over all positions, by kind and by protocol, and the net worth of portfolios with what they hold."""
    user_id = access.principal().user_id
    with services().database.connection() as conn:
        found = positions.open_positions(conn, user_id)
        owned = wallets.list_for(conn, user_id)
        worths = queries.worth_of_portfolios(conn, user_id, {each.portfolio_id for each in found})
    sums = valuation.totals(found)
    synced = [each.last_synced_at for each in owned if each.last_synced_at is not None]
    return {
        "data": {
            "total_value": sums.total_value,
            "total_supplied": sums.by_kind[PositionKind.SUPPLIED],
            "total_borrowed": sums.by_kind[PositionKind.BORROWED],
            "total_staked": sums.by_kind[PositionKind.STAKED],
            "total_liquidity": sums.by_kind[PositionKind.LIQUIDITY],
            "total_rewards": sums.by_kind[PositionKind.REWARD],
            "positions_count": len(found),
            "protocols_count": len(sums.by_protocol),
            "wallets_count": len(owned),
            "by_protocol": [
                {"slug": slug, "value": worth} for slug, worth in sums.by_protocol.items()
            ],
            "by_portfolio": worths,
            "unpriced": sums.unpriced,
            "last_synced_at": min(synced, default=None),
        }
    }


@defi.post("/sync")
@signed_in
@defi.input(schemas.SyncIn)
@defi.output(schemas.SyncsAnswer, 202)
def start_sync(json_data: schemas.SyncIn) -> dict[str, Any]:
    """Have wallets read by the worker: one, or all of one's own. A sync that waits already is not doubled."""
    user_id = access.principal().user_id
    with services().database.connection() as conn:
        if json_data.wallet_id is None:
            chosen = wallets.list_for(conn, user_id)
        else:
            chosen = [_find(conn, str(json_data.wallet_id))]
        started = [
            {"wallet_id": each.id, "job_id": sync.request(conn, user_id, each.id)}
            for each in chosen
        ]
    return {"data": {"syncs": started, "count": len(started)}, "message": "Sync initiated"}


@defi.get("/sync/<job_id>")
@signed_in
@defi.output(schemas.SyncAnswer)
def get_sync(job_id: str) -> dict[str, Any]:
    """A sync and how far it is."""
    with services().database.connection() as conn:
        found = sync.get(conn, paths.uuid(job_id, "sync"), access.principal().user_id)
    if found is None:
        raise errors.not_found("sync")
    return {"data": found}


def _find(conn: Connection, wallet_id: str) -> Wallet:
    found = wallets.get(conn, access.principal().user_id, paths.uuid(wallet_id, _WHAT))
    if found is None:
        raise errors.not_found(_WHAT)
    return found


def _require_room(conn: Connection, user_id: UUID, new: NewWallet) -> None:
    is_full = wallets.count(conn, user_id) >= wallets.MOST_WALLETS
    if is_full and wallets.find(conn, user_id, new.blockchain, new.address) is None:
        raise errors.Problem(
            409, f"nobody may have more than {wallets.MOST_WALLETS} wallets", code="wallets-full"
        )


def _refuse_secrets(*texts: str | None) -> None:
    """Refuse what only its owner may know; the refusal is told to the audit log, what was given is not."""
    try:
        private_material.refuse(*texts)
    except SecretRefused as refusal:
        raise _secret(refusal) from None


def _secret(refusal: SecretRefused) -> errors.Problem:
    work = services()
    user_id = access.principal().user_id
    with work.database.connection() as conn:
        audit.record(conn, Event.INPUT_REFUSED, actor_id=user_id, details={"reason": "secret"})
    return errors.Problem(400, f"refused: {refusal}", code="secret-refused")


def _normalised(blockchain: Blockchain, text: str | None, path: str = "address") -> str | None:
    if text is None:
        return None
    try:
        return addresses.normalise(blockchain, text)
    except SecretRefused as refusal:
        raise _secret(refusal) from None
    except WalletRefused as refusal:
        raise _invalid(path, str(refusal), "address") from None


def _invalid(path: str, message: str, code: str) -> errors.Problem:
    return errors.invalid([{"path": path, "message": message, "code": code}])


def _place() -> tuple[str, str]:
    """The domain and the URI that a message must name: those of the page that asks for it."""
    uri = services().settings.pages_url
    return urlsplit(uri).netloc, uri


def _ownership(given: schemas.ConnectWalletIn, address: str) -> wallets.Ownership:
    """Whether the wallet is proved to be the caller's. Raises `errors.Problem` for a proof that fails."""
    if given.message is None and given.signature is None:
        return "watch"
    if given.message is None or given.signature is None:
        missing = "message" if given.message is None else "signature"
        raise _invalid(missing, "message and signature belong together", "missing")
    try:
        _prove(given.blockchain, address, given.message, given.signature)
    except OwnershipRefused as refusal:
        raise errors.Problem(
            400, f"ownership is not proved: {refusal}", code="ownership-refused"
        ) from None
    return "verified"


def _prove(blockchain: Blockchain, address: str, text: str, signature: str) -> None:
    """Check a proof. Its nonce is used up also where the signature is wrong."""
    work = services()
    now = work.clock()
    chain_id = CHAINS[blockchain].chain_id
    if chain_id is None:
        raise OwnershipRefused("ownership is proved on EVM chains only")
    domain, uri = _place()
    message = ownership.read(text, Expected(domain, uri, chain_id, address), now)
    signed = ownership.unhex(signature)
    caller = access.principal()
    with work.database.connection() as conn:
        is_ours = nonces.take(conn, caller.user_id, caller.session_id, message.nonce, now)
    if not is_ours:
        raise OwnershipRefused("the nonce is not of this session, has expired or was used before")
    if not ownership.is_signed(text, signed, address) and not _is_approved(
        blockchain, address, text, signed
    ):
        raise OwnershipRefused("the signature is not that of this address")


def _is_approved(blockchain: Blockchain, address: str, text: str, signed: bytes) -> bool:
    """Whether the address is a contract that approves. No transaction is open while the chain is asked."""
    with Nodes(services().settings, seconds=_CONTRACT_SECONDS) as nodes:
        try:
            return ownership.is_approved(nodes.of(blockchain), text, signed, address)
        except ProviderError:
            raise errors.unavailable(
                "the chain does not answer, so a contract's signature cannot be checked"
            ) from None
