"""Answers about wallets and DeFi: the models of `schemas` in the envelope `success`, `data`."""

from typing import Any, Literal

from pydantic import ConfigDict

from webapi.defi import net_worth
from webapi.defi.schemas import (
    EXAMPLE_ADDRESS,
    BalancesOut,
    ConnectedWalletOut,
    DefiStatsOut,
    NonceOut,
    PositionsOut,
    ProtocolOut,
    SyncsOut,
    WalletOut,
    WalletsOut,
    WalletSyncOut,
)
from webapi.http.schema import Output

_ID = "5b7c1f0e-8d55-4a53-9c2e-1b1de8a1c0aa"
_AT = "2026-11-24T08:00:00Z"
_WALLET: dict[str, Any] = {
    "id": _ID, "address": EXAMPLE_ADDRESS, "blockchain": "ethereum", "label": "Main", "ownership": "watch", "status": "active",
    "portfolioId": None, "tokens": [], "lastBlock": None, "lastError": None, "lastSyncedAt": None, "createdAt": _AT,
}  # fmt: skip
_POSITION: dict[str, Any] = {
    "id": _ID, "walletId": _ID, "walletAddress": EXAMPLE_ADDRESS, "blockchain": "ethereum",
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
    """The example of an answer."""
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
