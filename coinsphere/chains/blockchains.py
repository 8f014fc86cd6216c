"""The blockchains whose wallets are read. A token is identified by (blockchain, contract), never by its symbol."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

NATIVE = ""
"""Stands where a contract's address would: the chain's own coin."""
MULTICALL3 = "0xcA11bde05977b3631167028862bE2a173976CA11"
"""The same address on every EVM chain that we know."""


class Blockchain(StrEnum):
    """A chain as the wire contract names it."""

    ETHEREUM = "ethereum"
    POLYGON = "polygon"
    OPTIMISM = "optimism"
    ARBITRUM = "arbitrum"
    BASE = "base"
    BSC = "bsc"
    BITCOIN = "bitcoin"
    SOLANA = "solana"


@dataclass(frozen=True, slots=True)
class Chain:
    """The facts of a chain.

    Attributes:
        chain_id: by EIP-155, None where there is none.
        confirmations: blocks from the newest one back to that which is read: what lies deeper is not taken back.
    """

    blockchain: Blockchain
    family: Literal["evm", "bitcoin", "solana"]
    chain_id: int | None
    symbol: str
    decimals: int
    coingecko_id: str
    confirmations: int = 0


CHAINS = {
    chain.blockchain: chain
    for chain in (
        Chain(Blockchain.ETHEREUM, "evm", 1, "ETH", 18, "ethereum", 6),
        Chain(Blockchain.POLYGON, "evm", 137, "POL", 18, "polygon-ecosystem-token", 32),
        Chain(Blockchain.OPTIMISM, "evm", 10, "ETH", 18, "ethereum", 12),
        Chain(Blockchain.ARBITRUM, "evm", 42161, "ETH", 18, "ethereum", 20),
        Chain(Blockchain.BASE, "evm", 8453, "ETH", 18, "ethereum", 12),
        Chain(Blockchain.BSC, "evm", 56, "BNB", 18, "binancecoin", 12),
        Chain(Blockchain.BITCOIN, "bitcoin", None, "BTC", 8, "bitcoin"),
        Chain(Blockchain.SOLANA, "solana", None, "SOL", 9, "solana"),
    )
}
EVM = tuple(name for name, chain in CHAINS.items() if chain.family == "evm")
