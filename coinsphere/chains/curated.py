"""The tokens that every wallet is searched for, by blockchain and contract; so spam tokens never show.

Those are the tokens that the system follows, and `tokens.csv`: what a followed token is on other chains, where its
issuer or the chain's own bridge stands for it one to one. A claim on a third party, like WBTC, is a token of its own.
"""

import csv
from functools import cache
from importlib import resources
from typing import NamedTuple
from uuid import UUID

from psycopg import Connection

from coinsphere.chains.blockchains import CHAINS, NATIVE, Blockchain
from coinsphere.chains.model import TokenFacts

_FOLLOWED = """
    select id, coingecko_id, lower(blockchain), lower(contract_address), symbol, decimals from market.tokens
"""


class Listed(NamedTuple):
    """A line of `tokens.csv`."""

    blockchain: str
    contract: str
    symbol: str
    decimals: int
    coingecko_id: str


class Directory(NamedTuple):
    """The tokens of one chain by contract in lower case; the chain's coin stands under ''."""

    tokens: dict[str, UUID]
    facts: dict[str, TokenFacts]

    def token_id(self, contract: str) -> UUID | None:
        """The id of a contract's token; None where it is not followed."""
        return self.tokens.get(contract.lower())


def directory(conn: Connection, blockchain: Blockchain) -> Directory:
    """The directory of a chain's curated tokens."""
    rows = conn.execute(_FOLLOWED).fetchall()
    by_coingecko = {row[1]: row[0] for row in rows if row[1]}
    coin = CHAINS[blockchain]
    tokens: dict[str, UUID] = {}
    facts = {NATIVE: TokenFacts(coin.symbol, coin.decimals)}
    if coin.coingecko_id in by_coingecko:
        tokens[NATIVE] = by_coingecko[coin.coingecko_id]
    for each in _listed():
        if each.blockchain == blockchain:
            facts[each.contract.lower()] = TokenFacts(each.symbol, each.decimals)
            if each.coingecko_id in by_coingecko:
                tokens[each.contract.lower()] = by_coingecko[each.coingecko_id]
    for token_id, _, chain, contract, symbol, decimals in rows:
        if chain == blockchain and contract:
            tokens[contract] = token_id
            facts[contract] = TokenFacts(symbol, decimals)
    return Directory(tokens, facts)


@cache
def _listed() -> tuple[Listed, ...]:
    text = (resources.files("coinsphere.chains") / "tokens.csv").read_text(encoding="utf-8")
    return tuple(
        Listed(
            row["blockchain"],
            row["contract"],
            row["symbol"],
            int(row["decimals"]),
            row["coingecko_id"],
        )
        for row in csv.DictReader(text.splitlines())
    )
