"""Nodes of blockchains, and what is known of DeFi."""

from pydantic import Field, SecretStr

from coinsphere.settings.base import Base


class Chains(Base):
    """Nodes of blockchains, and what is known of DeFi."""

    wallet_nodes: SecretStr | None = Field(
        None,
        description="Nodes of chains as `chain=url` pairs (comma-separated, several of one chain in order of "
        "preference; a provider's key may stand in the URL): JSON-RPC, of `bitcoin` an Esplora interface. Chains that "
        "are not named use public nodes.",
    )
    wallet_private_networks: bool = Field(
        default=False,
        description="Nodes may lie in private networks and be asked by plain HTTP, like one's own.",
    )
    defillama_url: str = Field("https://api.llama.fi", description="DefiLlama's base URL.")
    defillama_yields_url: str = Field(
        "https://yields.llama.fi", description="DefiLlama's base URL of yields."
    )
