"""The nodes that are asked: the operator's, or public ones that need no account."""

from collections import defaultdict
from typing import Self

from coinsphere.chains.blockchains import CHAINS, Blockchain
from coinsphere.chains.rpc import Node
from coinsphere.errors import ConfigurationError
from coinsphere.network import outbound
from coinsphere.settings import Settings, variable

_PUBLIC = {
    Blockchain.ETHEREUM: ("https://ethereum-rpc.publicnode.com", "https://eth.drpc.org"),
    Blockchain.POLYGON: ("https://polygon-bor-rpc.publicnode.com", "https://polygon.drpc.org"),
    Blockchain.OPTIMISM: ("https://mainnet.optimism.io", "https://optimism-rpc.publicnode.com"),
    Blockchain.ARBITRUM: (
        "https://arb1.arbitrum.io/rpc",
        "https://arbitrum-one-rpc.publicnode.com",
    ),
    Blockchain.BASE: ("https://mainnet.base.org", "https://base-rpc.publicnode.com"),
    Blockchain.BSC: ("https://bsc-dataseed.bnbchain.org", "https://bsc-rpc.publicnode.com"),
    Blockchain.BITCOIN: ("https://blockstream.info/api", "https://mempool.space/api"),
    Blockchain.SOLANA: ("https://api.mainnet-beta.solana.com",),
}


class Nodes:
    """The nodes of all chains, with one HTTP client. For a chain named in the setting, only the nodes of the setting are used.

    Raises:
        ConfigurationError: the setting is wrong.
    """

    def __init__(self, settings: Settings, *, seconds: float = outbound.PATIENCE) -> None:
        setting = settings.wallet_nodes
        own = _parse("" if setting is None else setting.get_secret_value())
        self.urls = {name: own.get(name) or urls for name, urls in _PUBLIC.items()}
        self.http = outbound.client(
            is_private_allowed=settings.wallet_private_networks, seconds=seconds
        )
        self._nodes: dict[Blockchain, Node] = {}

    def of(self, blockchain: Blockchain) -> Node:
        """The node of a chain that speaks JSON-RPC, which is every one except Bitcoin."""
        if blockchain not in self._nodes:
            self._nodes[blockchain] = Node(CHAINS[blockchain], self.urls[blockchain], self.http)
        return self._nodes[blockchain]

    def close(self) -> None:
        """Close every connection."""
        self.http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _parse(text: str) -> dict[Blockchain, tuple[str, ...]]:
    by_chain: dict[Blockchain, list[str]] = defaultdict(list)
    for part in filter(None, map(str.strip, text.split(","))):
        name, is_pair, url = part.partition("=")
        if not is_pair or name not in CHAINS or not url.startswith(("https://", "http://")):
            known = ", ".join(CHAINS)
            raise ConfigurationError(
                f"{variable('wallet_nodes')} wants chain=url pairs with commas between them; chains are {known}"
            )
        by_chain[Blockchain(name)].append(url)
    return {name: tuple(urls) for name, urls in by_chain.items()}
