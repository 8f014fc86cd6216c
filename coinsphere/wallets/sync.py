"""A sync of a wallet: read outside of any transaction, then stored, booked and noted in one.

A sync that dies before its end has stored nothing and is done again; one that is done twice finds a reading that is as
new stored already. What could not be read, a token or a protocol, stays as it was with its age.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from coinsphere import log
from coinsphere.chains import bitcoin, curated, solana
from coinsphere.chains.blockchains import CHAINS, NATIVE, Blockchain
from coinsphere.chains.curated import Directory
from coinsphere.chains.model import Balance, TokenFacts
from coinsphere.chains.nodes import Nodes
from coinsphere.clock import Clock
from coinsphere.defi import deployments
from coinsphere.errors import ProviderError, RateLimited, Unavailable
from coinsphere.wallets import reading, repository, storing
from coinsphere.wallets.reading import WalletReading
from coinsphere.wallets.repository import Wallet

TASK = "sync_wallet"
QUEUE = "wallets"

_log = log.get("wallets")

_REQUEST = """
    with made as (
        insert into app.wallet_syncs (user_id, wallet_id) values (%(user_id)s, %(wallet_id)s) returning id
    )
    select id, jobs.procrastinate_defer_jobs_v1(array[
        (%(queue)s, %(task)s, 0, %(lock)s, null, jsonb_build_object('sync_id', id), null)
            ::jobs.procrastinate_job_to_defer_v1
    ])
    from made
"""
# Clicks at once come one after another: one that waits or runs does what another would do. One that has not ended
# after so long is of a worker that was lost.
_ALONE = (
    "select pg_advisory_xact_lock(hashtextextended('app.wallet_syncs ' || %(wallet_id)s::text, 0))"
)
_OPEN = """
    select id from app.wallet_syncs
    where wallet_id = %(wallet_id)s and user_id = %(user_id)s and status in ('queued', 'running')
        and created_at > now() - interval '15 minutes'
    order by created_at desc limit 1
"""
_LONGEST_PAUSE = 10.0
"""Seconds that a node may ask to be left alone, and the sync still waits for it."""
_GET = """
    select id, user_id, wallet_id, status, step, created_at, started_at, finished_at, imported, balances, positions,
        error
    from app.wallet_syncs
    where id = %(id)s and (%(user_id)s::uuid is null or user_id = %(user_id)s)
"""
_START = """
    update app.wallet_syncs set status = 'running', step = 'reading', started_at = coalesce(started_at, %(now)s)
    where id = %(id)s
"""
_STORING = "update app.wallet_syncs set step = 'storing' where id = %(id)s"
_FAIL = """
    update app.wallet_syncs set status = %(status)s, step = null, finished_at = %(now)s, error = %(error)s
    where id = %(id)s
"""
_FINISH = """
    update app.wallet_syncs set
        status = 'succeeded', step = null, finished_at = %(now)s, imported = %(imported)s, balances = %(balances)s,
        positions = %(positions)s, error = %(error)s
    where id = %(id)s
"""
# Heard by the stream, which reads what is new of it.
_ANNOUNCE = "select pg_notify('coinsphere', 'wallets')"
_STATUS = """
    update app.wallet_connections set status = %(status)s, last_error = %(error)s where id = %(id)s
"""


@dataclass(frozen=True, slots=True)
class Sync:
    """A sync and how far it is.

    Attributes:
        step: what a running one does: asks the chain, or stores what it told.
        imported: facts that the ledger was told.
        balances: tokens that the wallet holds, None before it was read.
        positions: what it has in protocols, likewise.
        error: why it failed or waits to be tried again, or what could not be read.
    """

    id: UUID
    user_id: UUID
    wallet_id: UUID
    status: Literal["queued", "running", "succeeded", "failed"]
    step: Literal["reading", "storing"] | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    imported: int
    balances: int | None
    positions: int | None
    error: str | None


def request(conn: Connection, user_id: UUID, wallet_id: UUID) -> UUID:
    """Write a sync and the job that does it; its id. The caller has checked that the wallet is the user's."""
    parameters = {"user_id": user_id, "wallet_id": wallet_id}
    job = {"queue": QUEUE, "task": TASK, "lock": f"wallet {wallet_id}"}
    with conn.transaction():
        conn.execute(_ALONE, parameters)
        row = conn.execute(_OPEN, parameters).fetchone()
        row = row or conn.execute(_REQUEST, {**parameters, **job}).fetchone()
    assert row is not None
    return UUID(str(row[0]))


def get(conn: Connection, sync_id: UUID, user_id: UUID | None = None) -> Sync | None:
    """A sync, of that user where one is given; None where there is none."""
    parameters = {"id": sync_id, "user_id": user_id}
    return conn.cursor(row_factory=class_row(Sync)).execute(_GET, parameters).fetchone()


def run(conn: Connection, sync_id: UUID, nodes: Nodes, clock: Clock, *, is_last_try: bool) -> None:
    """Do a sync; nothing where its wallet is gone. `conn` must be in autocommit, in the role of the pipeline.

    Raises:
        RateLimited, Unavailable: the chain did not answer, and it is worth another try at once.
    """
    sync = get(conn, sync_id)
    if sync is None or sync.status in ("succeeded", "failed"):
        return
    wallet = repository.by_id(conn, sync.wallet_id)
    if wallet is None:
        return
    _note_start(conn, sync, wallet, clock())
    directory = curated.directory(conn, wallet.blockchain)
    try:
        observed = _read(wallet, directory, nodes, clock())
    except Exception as error:
        is_final = is_last_try or not _may_pass(error)
        _note_failure(conn, sync, _reason(wallet, error), clock(), is_final=is_final)
        # What a chain does is told in the sync; of the system nothing is wrong.
        if is_final and isinstance(error, ProviderError):
            _log.warning("wallet not read", wallet_id=str(wallet.id), error=str(error))
            return
        raise
    with conn.transaction():
        conn.execute(_STORING, {"id": sync_id})
        conn.execute(_ANNOUNCE)
    with conn.transaction():
        imported = storing.store(conn, wallet, directory, observed, clock())
        _note_success(conn, sync, observed, imported, clock())


def _note_start(conn: Connection, sync: Sync, wallet: Wallet, now: datetime) -> None:
    with conn.transaction():
        conn.execute(_START, {"id": sync.id, "now": now})
        conn.execute(_STATUS, {"id": wallet.id, "status": "syncing", "error": wallet.last_error})
        conn.execute(_ANNOUNCE)


def _note_success(
    conn: Connection, sync: Sync, observed: WalletReading, imported: int, now: datetime
) -> None:
    non_zero = [
        balance for balance in observed.balances.values() if balance is not None and balance.raw
    ]
    outcome = {
        "id": sync.id,
        "now": now,
        "imported": imported,
        "balances": len(non_zero),
        "positions": sum(map(len, observed.positions.values())),
        "error": storing.failures(observed),
    }
    conn.execute(_FINISH, outcome)
    conn.execute(_ANNOUNCE)


def _may_pass(error: Exception) -> bool:
    """Whether it is worth another try within seconds."""
    if not isinstance(error, RateLimited | Unavailable):
        return False
    return (error.retry_after or 0.0) <= _LONGEST_PAUSE


def _reason(wallet: Wallet, error: Exception) -> str:
    """Why a wallet was not read, for its owner."""
    if isinstance(error, RateLimited | Unavailable):
        name = str(wallet.blockchain).capitalize()
        return f"{name} cannot be read at the moment. It is tried again by itself within the hour."
    return str(error) if isinstance(error, ProviderError) else "The wallet could not be read."


def _note_failure(
    conn: Connection, sync: Sync, error: str, now: datetime, *, is_final: bool
) -> None:
    status = "failed" if is_final else "running"
    finished = now if is_final else None
    with conn.transaction():
        outcome = {"id": sync.id, "status": status, "now": finished, "error": error[:500]}
        conn.execute(_FAIL, outcome)
        conn.execute(_ANNOUNCE)
        conn.execute(_STATUS, {"id": sync.wallet_id, "status": "error", "error": error[:500]})


def _read(wallet: Wallet, directory: Directory, nodes: Nodes, now: datetime) -> WalletReading:
    """What the chain tells of a wallet. Takes seconds; no transaction is open meanwhile."""
    chain = CHAINS[wallet.blockchain]
    if chain.family == "bitcoin":
        urls = nodes.urls[Blockchain.BITCOIN]
        raw = bitcoin.balance(nodes.http, urls, wallet.address)
        return WalletReading(None, {NATIVE: Balance(NATIVE, raw, directory.facts[NATIVE])})
    node = nodes.of(wallet.blockchain)
    if chain.family == "solana":
        balances = solana.balances(node, wallet.address, directory, set(wallet.tokens))
        return WalletReading(None, balances)
    wanted = _wanted(wallet, directory.facts)
    listed = [contract for contract in directory.facts if contract != NATIVE]
    readers = deployments.of(wallet.blockchain, listed, wallet.tokens)
    return reading.read(node, wallet.address, wanted, readers, now)


def _wanted(wallet: Wallet, facts: Mapping[str, TokenFacts]) -> dict[str, TokenFacts]:
    """The curated tokens and those that the user ticked, each once."""
    ticked = {contract.lower(): TokenFacts(None, None) for contract in wallet.tokens}
    return {**ticked, **facts}
