"""What users do with their wallets. A wallet of somebody else is not found."""

from collections.abc import Sequence
from urllib.parse import urlsplit
from uuid import UUID

from psycopg import Connection

from coinsphere.analytics.events import WalletConnected
from coinsphere.audit.events import Event
from coinsphere.billing.plans import PlanLimit
from coinsphere.chains import addresses, private_material
from coinsphere.chains.blockchains import CHAINS, Blockchain
from coinsphere.chains.errors import OwnershipRefused, SecretRefused, WalletRefused
from coinsphere.chains.nodes import Nodes
from coinsphere.errors import ProviderError
from coinsphere.wallets import nonces, ownership, sign_in, sync
from coinsphere.wallets import repository as wallets
from coinsphere.wallets.repository import NewWallet, Wallet
from coinsphere.wallets.sign_in import Expected, SignIn
from webapi.analytics.happenings import happened
from webapi.billing import guard
from webapi.defi import queries, schemas
from webapi.http import errors, paths
from webapi.security import access, audit
from webapi.services import services

_WHAT = "wallet"
_CONTRACT_SECONDS = 4.0


def message(query: schemas.NonceQuery) -> SignIn:
    """The message that a wallet signs to prove that it is the caller's: valid once, for five minutes, in this session.

    Raises:
        errors.Problem: 400, the chain has no such proof, or the address is none.
    """
    work = services()
    now = work.clock()
    chain_id = CHAINS[query.blockchain].chain_id
    if chain_id is None:
        raise _invalid("blockchain", "ownership is proved on EVM chains only", "blockchain")
    address = _normalised(query.blockchain, query.address)
    caller = access.principal()
    with work.database.connection() as conn:
        nonce = nonces.issue(conn, caller.user_id, caller.session_id, now)
    domain, uri = _place()
    return SignIn(
        domain=domain,
        address=address or "",
        uri=uri,
        chain_id=chain_id,
        nonce=nonce,
        issued_at=now,
        expires_at=now + sign_in.LIFE,
        statement=sign_in.STATEMENT,
    )


def connect(body: schemas.ConnectWalletIn) -> tuple[Wallet, UUID]:
    """Connect a wallet and queue its reading. Returns the wallet and the job.

    Raises:
        errors.Problem: 400, the address is none, the proof fails, or somebody gives what he alone may know; 404 for the
            portfolio; 409, there are too many; 503, a contract's signature cannot be checked now.
    """
    work = services()
    user_id = access.principal().user_id
    _refuse_secrets(body.address, body.label, body.message)
    address = _normalised(body.blockchain, body.address)
    assert address is not None
    new = NewWallet(
        address=address,
        blockchain=body.blockchain,
        label=body.label,
        ownership=_ownership(body, address),
        portfolio_id=body.portfolio_id,
    )
    with work.database.connection() as conn:
        _require_room(conn, user_id, new)
        try:
            wallet = queries.connect(conn, user_id, new, work.clock())
        except LookupError:
            raise errors.not_found("portfolio") from None
        job_id = sync.request(conn, user_id, wallet.id)
        details = {"blockchain": str(wallet.blockchain), "ownership": wallet.ownership}
        audit.record(
            conn, Event.WALLET_CONNECTED, actor_id=user_id, target=str(wallet.id), details=details
        )
        happened(conn, WalletConnected(wallet.blockchain))
    return wallet, job_id


def find(conn: Connection, wallet_id: str) -> Wallet:
    """A wallet of the caller. Raises `errors.Problem` with status 404."""
    wallet = wallets.get(conn, access.principal().user_id, paths.uuid(wallet_id, _WHAT))
    if wallet is None:
        raise errors.not_found(_WHAT)
    return wallet


def disconnect(conn: Connection, wallet_id: str) -> None:
    """Delete a wallet; facts from its balances are withdrawn. Raises `errors.Problem` with status 404."""
    user_id = access.principal().user_id
    id_ = paths.uuid(wallet_id, _WHAT)
    if not queries.disconnect(conn, user_id, id_, services().clock()):
        raise errors.not_found(_WHAT)
    audit.record(conn, Event.WALLET_DISCONNECTED, actor_id=user_id, target=str(id_))


def set_tokens(wallet_id: str, addresses: Sequence[str]) -> Wallet:
    """Set the tokens to look for beside the curated ones; the wallet is read again.

    Raises:
        errors.Problem: 400, one is no contract of the chain; 404.
    """
    _refuse_secrets(*addresses)
    with services().database.connection() as conn:
        wallet = find(conn, wallet_id)
        if wallet.blockchain == Blockchain.BITCOIN:
            raise _invalid("contracts", "Bitcoin has no tokens", "blockchain")
        contracts = [
            contract
            for number, each in enumerate(addresses)
            if (contract := _normalised(wallet.blockchain, each, f"contracts.{number}"))
        ]
        wallets.tick(conn, wallet.id, contracts)
        sync.request(conn, wallet.user_id, wallet.id)
        return find(conn, wallet_id)


def _require_room(conn: Connection, user_id: UUID, new: NewWallet) -> None:
    if wallets.find(conn, user_id, new.blockchain, new.address) is not None:
        return
    if wallets.count(conn, user_id) >= wallets.MOST_WALLETS:
        raise errors.Problem(
            409, f"nobody may have more than {wallets.MOST_WALLETS} wallets", code="wallets-full"
        )
    guard.require_room(conn, PlanLimit.WALLETS)


def _refuse_secrets(*texts: str | None) -> None:
    """Refuse seed phrases and private keys; the refusal goes to the audit log, the input does not."""
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
    """The domain and the URI that a message must name: those of the page that requests it."""
    uri = services().settings.pages_url
    return urlsplit(uri).netloc, uri


def _ownership(body: schemas.ConnectWalletIn, address: str) -> wallets.Ownership:
    """Whether the wallet is proved to be the caller's. Raises `errors.Problem` for a proof that fails."""
    if body.message is None and body.signature is None:
        return "watch"
    if body.message is None or body.signature is None:
        missing = "message" if body.message is None else "signature"
        raise _invalid(missing, "message and signature belong together", "missing")
    try:
        _prove(body.blockchain, address, body.message, body.signature)
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
