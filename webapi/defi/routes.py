"""Wallets and what they have in DeFi protocols. What belongs to somebody else does not exist."""

from typing import Any

from apiflask import APIBlueprint
from flask import Response

from coinsphere.defi import repository as positions
from coinsphere.defi import valuation
from coinsphere.defi.model import PositionKind
from coinsphere.wallets import repository as wallets
from coinsphere.wallets import sync
from webapi.defi import envelopes, queries, schemas, use_cases
from webapi.http import errors, json, paths
from webapi.security import access
from webapi.security.access import signed_in
from webapi.services import services

defi = APIBlueprint("defi", __name__, tag="DeFi")


@defi.after_request
def envelope(response: Response) -> Response:
    """Add the fields that old clients look for in an error."""
    if response.mimetype == errors.MIMETYPE:
        problem = json.loads(response.get_data())
        problem |= {"success": False, "message": problem["error"]}
        response.set_data(json.dumps(problem))
    return response


@defi.get("/protocols")
@signed_in
@defi.output(envelopes.ProtocolsAnswer)
def list_protocols() -> dict[str, Any]:
    """All protocols, the largest first, with what lies in them and what their largest pools yield."""
    with services().database.connection() as conn:
        protocols = queries.protocols(conn)
    return {"data": protocols, "count": len(protocols)}


@defi.get("/connect/nonce")
@signed_in
@defi.input(schemas.NonceQuery, location="query")
@defi.output(envelopes.NonceAnswer)
def get_nonce(query_data: schemas.NonceQuery) -> dict[str, Any]:
    """A nonce for the proof of ownership, good once, for five minutes, in this session.

    With `address` the answer holds the message that the wallet has to sign.
    """
    message = use_cases.message(query_data)
    return {
        "data": {
            **{name: getattr(message, name) for name in message.__slots__},
            "message": message.text() if query_data.address else None,
        }
    }


@defi.post("/connect")
@signed_in
@defi.input(schemas.ConnectWalletIn)
@defi.output(envelopes.ConnectedAnswer, 201)
def connect_wallet(json_data: schemas.ConnectWalletIn) -> dict[str, Any]:
    """Connect a wallet and have it read. One that is known is read again and keeps its proof.

    A seed phrase or a private key is refused, and written nowhere.
    """
    wallet, job_id = use_cases.connect(json_data)
    return {"data": {"wallet": wallet, "sync_job_id": job_id}}


@defi.get("/wallets")
@signed_in
@defi.output(envelopes.WalletsAnswer)
def list_wallets() -> dict[str, Any]:
    """All of one's wallets; nobody has more than 50."""
    with services().database.connection() as conn:
        owned = wallets.list_for(conn, access.principal().user_id)
    return {"data": {"wallets": owned, "count": len(owned)}}


@defi.get("/wallets/<wallet_id>")
@signed_in
@defi.output(envelopes.WalletAnswer)
def get_wallet(wallet_id: str) -> dict[str, Any]:
    """One wallet."""
    with services().database.connection() as conn:
        return {"data": {"wallet": use_cases.find(conn, wallet_id)}}


@defi.delete("/wallets/<wallet_id>")
@signed_in
@defi.output(envelopes.MessageAnswer)
def delete_wallet(wallet_id: str) -> dict[str, Any]:
    """Disconnect a wallet; what its balances told a ledger is taken back, and stays in its history."""
    with services().database.connection() as conn:
        use_cases.disconnect(conn, wallet_id)
    return {"message": "Wallet disconnected successfully"}


@defi.get("/wallets/<wallet_id>/balances")
@signed_in
@defi.output(envelopes.BalancesAnswer)
def list_balances(wallet_id: str) -> dict[str, Any]:
    """What a wallet held when it was read last; what lies in protocols is at `/defi/positions`."""
    with services().database.connection() as conn:
        wallet = use_cases.find(conn, wallet_id)
        balances = wallets.balances(conn, wallet.user_id, wallet.id)
    return {"data": {"balances": balances, "count": len(balances)}}


@defi.put("/wallets/<wallet_id>/tokens")
@signed_in
@defi.input(schemas.TokensIn)
@defi.output(envelopes.WalletAnswer)
def set_tokens(wallet_id: str, json_data: schemas.TokensIn) -> dict[str, Any]:
    """Say which tokens to look for beside the usual ones, by their contracts; the wallet is read again."""
    return {"data": {"wallet": use_cases.set_tokens(wallet_id, json_data.contracts)}}


@defi.get("/positions")
@signed_in
@defi.input(schemas.PositionsQuery, location="query")
@defi.output(envelopes.PositionsAnswer)
def list_positions(query_data: schemas.PositionsQuery) -> dict[str, Any]:
    """Open positions at our own prices. What is borrowed counts below zero."""
    with services().database.connection() as conn:
        open_positions = positions.open_positions(
            conn, access.principal().user_id, query_data.wallet_id
        )
    totals = valuation.totals(open_positions)
    return {
        "data": {
            "positions": queries.shown(open_positions),
            "total_value": totals.total_value,
            "unpriced": totals.unpriced,
            "count": len(open_positions),
        }
    }


@defi.get("/stats")
@signed_in
@defi.output(envelopes.StatsAnswer)
def get_stats() -> dict[str, Any]:
    """Sums over all positions, by kind and by protocol, and the net worth of portfolios with what they hold."""
    user_id = access.principal().user_id
    with services().database.connection() as conn:
        open_positions = positions.open_positions(conn, user_id)
        own_wallets = wallets.list_for(conn, user_id)
        worths = queries.worth_of_portfolios(
            conn, user_id, {position.portfolio_id for position in open_positions}
        )
    synced = [wallet.last_synced_at for wallet in own_wallets if wallet.last_synced_at is not None]
    return {
        "data": {
            **_sums(valuation.totals(open_positions)),
            "positions_count": len(open_positions),
            "wallets_count": len(own_wallets),
            "by_portfolio": worths,
            "last_synced_at": min(synced, default=None),
        }
    }


def _sums(totals: valuation.Totals) -> dict[str, Any]:
    return {
        "total_value": totals.total_value,
        "total_supplied": totals.by_kind[PositionKind.SUPPLIED],
        "total_borrowed": totals.by_kind[PositionKind.BORROWED],
        "total_staked": totals.by_kind[PositionKind.STAKED],
        "total_liquidity": totals.by_kind[PositionKind.LIQUIDITY],
        "total_rewards": totals.by_kind[PositionKind.REWARD],
        "protocols_count": len(totals.by_protocol),
        "by_protocol": [
            {"slug": slug, "value": worth} for slug, worth in totals.by_protocol.items()
        ],
        "unpriced": totals.unpriced,
    }


@defi.post("/sync")
@signed_in
@defi.input(schemas.SyncIn)
@defi.output(envelopes.SyncsAnswer, 202)
def start_sync(json_data: schemas.SyncIn) -> dict[str, Any]:
    """Have wallets read by the worker: one, or all of one's own. A sync that waits already is not doubled."""
    user_id = access.principal().user_id
    with services().database.connection() as conn:
        if json_data.wallet_id is None:
            chosen = wallets.list_for(conn, user_id)
        else:
            chosen = [use_cases.find(conn, str(json_data.wallet_id))]
        started = [
            {"wallet_id": wallet.id, "job_id": sync.request(conn, user_id, wallet.id)}
            for wallet in chosen
        ]
    return {"data": {"syncs": started, "count": len(started)}, "message": "Sync initiated"}


@defi.get("/sync/<job_id>")
@signed_in
@defi.output(envelopes.SyncAnswer)
def get_sync(job_id: str) -> dict[str, Any]:
    """A sync and how far it is."""
    with services().database.connection() as conn:
        requested = sync.get(conn, paths.uuid(job_id, "sync"), access.principal().user_id)
    if requested is None:
        raise errors.not_found("sync")
    return {"data": requested}
