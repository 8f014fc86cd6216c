"""What goes over the wire of `/defi`: `{success, data}` around every answer."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from coinsphere.defi.model import PositionKind
from coinsphere.wallets.chains import Blockchain
from coinsphere.wallets.repository import MOST_TOKENS
from webapi.defi import net_worth
from webapi.defi.net_worth import InProtocolsOut
from webapi.http.schema import Amount, Input, Line, Output, Query

_ADDRESS = "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045"
Address = Annotated[Line, StringConstraints(min_length=1, max_length=200)]


class ConnectWalletIn(Input):
    """A wallet. With `message` and `signature` (EIP-4361) it is proved to be one's own, else it is only watched."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"address": _ADDRESS, "blockchain": "ethereum", "label": "Main"}
        }
    )

    address: Address = Field(description="Of Bitcoin also an extended public key.")
    blockchain: Blockchain
    label: Annotated[Line, StringConstraints(min_length=1, max_length=100)] | None = None
    portfolio_id: UUID | None = Field(
        None,
        description="Whose ledger the balances are booked in; without one they are only shown.",
    )
    message: Annotated[str, StringConstraints(max_length=4000)] | None = None
    signature: Annotated[str, StringConstraints(max_length=8200)] | None = None


class NonceQuery(Query):
    """For whom the message shall be written."""

    address: Address | None = None
    blockchain: Blockchain = Blockchain.ETHEREUM


class TokensIn(Input):
    """Tokens to look for beside those that we look for anyway."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"contracts": ["0x6982508145454Ce325dDbE47a25d4ec3d2311933"]}}
    )

    contracts: Annotated[tuple[Address, ...], Field(max_length=MOST_TOKENS)]


class SyncIn(Input):
    """Which wallet; all of them without one."""

    model_config = ConfigDict(json_schema_extra={"example": {}})
    body_optional = True

    wallet_id: UUID | None = None


class PositionsQuery(Query):
    """Positions of one wallet, or of all."""

    wallet_id: UUID | None = None


class WalletOut(Output):
    """A wallet; `lastError` tells what the last sync could not read."""

    id: UUID
    address: str
    blockchain: Blockchain
    label: str | None
    ownership: Literal["verified", "watch"]
    status: Literal["active", "syncing", "error", "disabled"]
    portfolio_id: UUID | None
    tokens: list[str]
    last_block: int | None
    last_error: str | None
    last_synced_at: datetime | None
    created_at: datetime


class ConnectedWalletOut(Output):
    """A connected wallet and the sync that reads it."""

    wallet: WalletOut
    sync_job_id: UUID


class NonceOut(Output):
    """What a message of EIP-4361 must say to prove ownership here; `message` is it, ready to be signed."""

    nonce: str
    domain: str
    uri: str
    version: str
    chain_id: int
    statement: str
    issued_at: datetime
    expires_at: datetime
    message: str | None


class WalletsOut(Output):
    """One's wallets."""

    wallets: list[WalletOut]
    count: int


class BalanceOut(Output):
    """What a wallet holds of a token; the address is empty for the chain's coin."""

    contract_address: str
    token_id: UUID | None
    symbol: str | None
    amount: Amount
    block_number: int | None
    observed_at: datetime


class BalancesOut(Output):
    """What a wallet held when it was read last."""

    balances: list[BalanceOut]
    count: int


class ProtocolRef(Output):
    """The protocol of a position."""

    id: UUID
    slug: str
    name: str
    category: str
    logo_url: str | None


class PositionOut(Output):
    """An amount of a token in a protocol, in US dollars; `value` is below zero for a debt, null without a price."""

    id: UUID
    wallet_id: UUID
    wallet_address: str
    blockchain: str
    protocol: ProtocolRef
    position_type: PositionKind
    token_symbol: str | None
    token_name: str | None
    token_logo_url: str | None
    contract_address: str
    amount: Amount
    price: Amount | None
    price_source: str | None
    price_updated_at: datetime | None
    value: Amount | None
    details: dict[str, Any]
    opened_at: datetime
    observed_at: datetime


class PositionsOut(Output):
    """Open positions; `totalValue` has debts subtracted and leaves out what `unpriced` names."""

    positions: list[PositionOut]
    total_value: Amount | None
    unpriced: list[str]
    count: int


class ByProtocol(Output):
    """What one has in a protocol, debts subtracted."""

    slug: str
    value: Amount | None


class ByPortfolio(Output):
    """A portfolio whose wallets have something in protocols: all in its currency, `netWorth` with what it holds."""

    portfolio_id: UUID
    name: str
    currency: str
    holdings_value: Amount | None
    net_worth: Amount | None
    defi: InProtocolsOut


class DefiStatsOut(Output):
    """Sums in US dollars; null where nothing of the kind has a price."""

    total_value: Amount | None
    total_supplied: Amount | None
    total_borrowed: Amount | None
    total_staked: Amount | None
    total_liquidity: Amount | None
    total_rewards: Amount | None
    positions_count: int
    protocols_count: int
    wallets_count: int
    by_protocol: list[ByProtocol]
    by_portfolio: list[ByPortfolio]
    unpriced: list[str]
    last_synced_at: datetime | None


class YieldOut(Output):
    """A pool's yield in percent a year."""

    pool: str
    blockchain: str
    symbol: str
    tvl: Amount
    apy: Amount | None
    apy_base: Amount | None
    apy_reward: Amount | None
    observed_at: datetime


class ProtocolOut(Output):
    """A protocol; `tvl` in US dollars, `apy` in percent a year of its largest pool."""

    id: UUID
    name: str
    slug: str
    category: str
    blockchain: str
    logo_url: str | None
    website: str | None
    tvl: Amount | None
    tvl_observed_at: datetime | None
    apy: Amount | None
    apy_observed_at: datetime | None
    source: str | None = Field(
        description="Who told value and yields: `defillama`, or `simulated` where prices are."
    )
    untold: str | None = Field(
        description="Why the last look brought no value: it is null, or as old as it says. Null where all is well."
    )
    is_active: bool
    yields: list[YieldOut]


class StartedSync(Output):
    """A sync of one wallet."""

    wallet_id: UUID
    job_id: UUID


class SyncsOut(Output):
    """Syncs that were started."""

    syncs: list[StartedSync]
    count: int


class WalletSyncOut(Output):
    """A sync and how far it is; `imported` counts transactions that the ledger was told.

    `step` is what a running one does. `balances` and `positions` are counts, null before the wallet was read.
    """

    id: UUID
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


_ID = "5b7c1f0e-8d55-4a53-9c2e-1b1de8a1c0aa"
_AT = "2026-11-24T08:00:00Z"
_WALLET: dict[str, Any] = {
    "id": _ID, "address": _ADDRESS, "blockchain": "ethereum", "label": "Main", "ownership": "watch", "status": "active",
    "portfolioId": None, "tokens": [], "lastBlock": None, "lastError": None, "lastSyncedAt": None, "createdAt": _AT,
}  # fmt: skip
_POSITION: dict[str, Any] = {
    "id": _ID, "walletId": _ID, "walletAddress": _ADDRESS, "blockchain": "ethereum",
    "protocol": {"id": _ID, "slug": "lido", "name": "Lido", "category": "staking", "logoUrl": None},
    "positionType": "staked", "tokenSymbol": "ETH", "tokenName": "Ethereum", "tokenLogoUrl": None, "contractAddress": "",
    "amount": 4, "price": 3000, "priceSource": "binance", "priceUpdatedAt": _AT, "value": 12000,
    "details": {"as": "stETH"}, "openedAt": _AT, "observedAt": _AT,
}  # fmt: skip
_YIELD: dict[str, Any] = {
    "pool": "747c1d2a-c668-4682-b9f9-296708a3dd90", "blockchain": "ethereum", "symbol": "STETH", "tvl": 23908962564,
    "apy": 2.235, "apyBase": 2.235, "apyReward": None, "observedAt": _AT,
}  # fmt: skip
_PROTOCOL: dict[str, Any] = {
    "id": _ID, "name": "Lido", "slug": "lido", "category": "staking", "blockchain": "ethereum", "logoUrl": None,
    "website": "https://lido.fi", "tvl": 23908962564, "tvlObservedAt": _AT, "apy": 2.235, "apyObservedAt": _AT,
    "source": "defillama", "untold": None, "isActive": True, "yields": [_YIELD],
}  # fmt: skip


def _example(data: Any = None, **more: Any) -> ConfigDict:
    """What an answer looks like."""
    body: dict[str, Any] = {"success": True, **({} if data is None else {"data": data}), **more}
    return ConfigDict(json_schema_extra={"example": body})


class _Success(Output):
    success: Literal[True] = True


class ProtocolsAnswer(_Success):
    """All protocols."""

    model_config = _example([_PROTOCOL], count=1)

    data: list[ProtocolOut]
    count: int


class NonceAnswer(_Success):
    """A nonce."""

    model_config = _example(
        {
            "nonce": "q7Gm2XbVd0RkYt5LzWc8PnHe", "domain": "app.example.com", "uri": "https://app.example.com",
            "version": "1", "chainId": 1, "statement": "Show Coinsphere that this wallet is yours.", "issuedAt": _AT,
            "expiresAt": "2026-11-24T08:05:00Z", "message": None,
        }
    )  # fmt: skip

    data: NonceOut


class ConnectedAnswer(_Success):
    """A connected wallet."""

    model_config = _example({"wallet": _WALLET, "syncJobId": _ID})

    data: ConnectedWalletOut


class WalletsAnswer(_Success):
    """One's wallets."""

    model_config = _example({"wallets": [_WALLET], "count": 1})

    data: WalletsOut


class WalletData(Output):
    """A wallet."""

    wallet: WalletOut


class WalletAnswer(_Success):
    """A wallet."""

    model_config = _example({"wallet": _WALLET})

    data: WalletData


class BalancesAnswer(_Success):
    """Balances."""

    model_config = _example(
        {
            "balances": [
                {"contractAddress": "", "tokenId": _ID, "symbol": "ETH", "amount": 2.5, "blockNumber": 23900000,
                 "observedAt": _AT}
            ],
            "count": 1,
        }
    )  # fmt: skip

    data: BalancesOut


class PositionsAnswer(_Success):
    """Positions."""

    model_config = _example(
        {"positions": [_POSITION], "totalValue": 12000, "unpriced": [], "count": 1}
    )

    data: PositionsOut


class StatsAnswer(_Success):
    """Sums."""

    model_config = _example(
        {
            "totalValue": 12000, "totalSupplied": 0, "totalBorrowed": 0, "totalStaked": 12000, "totalLiquidity": 0,
            "totalRewards": 0, "positionsCount": 1, "protocolsCount": 1, "walletsCount": 1,
            "byProtocol": [{"slug": "lido", "value": 12000}],
            "byPortfolio": [
                {"portfolioId": _ID, "name": "Long term", "currency": "USD", "holdingsValue": 30000, "netWorth": 42000,
                 "defi": net_worth.EXAMPLE}
            ],
            "unpriced": [], "lastSyncedAt": _AT,
        }
    )  # fmt: skip

    data: DefiStatsOut


class SyncsAnswer(_Success):
    """Started syncs."""

    model_config = _example(
        {"syncs": [{"walletId": _ID, "jobId": _ID}], "count": 1}, message="Sync initiated"
    )

    data: SyncsOut
    message: str


class SyncAnswer(_Success):
    """A sync."""

    model_config = _example(
        {
            "id": _ID, "walletId": _ID, "status": "succeeded", "createdAt": _AT, "startedAt": _AT, "finishedAt": _AT,
            "step": None, "imported": 2, "balances": 2, "positions": 1, "error": None,
        }
    )  # fmt: skip

    data: WalletSyncOut


class MessageAnswer(_Success):
    """A sentence for people."""

    model_config = _example(message="Wallet disconnected successfully")

    message: str
