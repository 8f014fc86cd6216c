"""Request and response bodies of `/defi`: `{success, data}` around every answer."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field, StringConstraints

from coinsphere.chains.blockchains import Blockchain
from coinsphere.defi.model import PositionKind
from coinsphere.wallets.repository import MOST_TOKENS
from webapi.defi.net_worth import InProtocolsOut
from webapi.http.schema import Amount, Input, Line, Output, Query
from webapi.http.visible import VISIBLE

EXAMPLE_ADDRESS = "0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045"
Address = Annotated[Line, StringConstraints(min_length=1, max_length=200)]


class ConnectWalletIn(Input):
    """A wallet. With `message` and `signature` (EIP-4361) it is proved to be one's own, else it is only watched."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {"address": EXAMPLE_ADDRESS, "blockchain": "ethereum", "label": "Main"}
        }
    )

    address: Address = Field(description="Of Bitcoin also an extended public key.")
    blockchain: Blockchain
    label: Annotated[Line, StringConstraints(min_length=1, max_length=100), VISIBLE] | None = None
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
