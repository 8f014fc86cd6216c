"""Balances of an EVM address: the coin and any number of ERC-20 tokens, in as few requests as the calls fit into."""

from collections.abc import Mapping, Sequence

from coinsphere.chains.blockchains import MULTICALL3, NATIVE
from coinsphere.chains.model import Balance, TokenFacts
from coinsphere.chains.multicall import Call, Plan, Result

_LONGEST_SYMBOL = 30


def balance_of(contract: str, owner: str) -> Call:
    """The balance of an ERC-20 token."""
    return Call(contract, "balanceOf(address)", (owner,))


def balances(
    owner: str, tokens: Mapping[str, TokenFacts], multicall: str = MULTICALL3
) -> Plan[dict[str, Balance | None]]:
    """Plan: what `owner` holds of each token, by contract; None where the contract did not answer.

    Args:
        owner: the address.
        tokens: contracts, with what is known of them; the rest is asked.
        multicall: the contract that answers many calls at once, and knows the coin's balance.
    """
    contracts = [contract for contract in tokens if contract != NATIVE]
    coin, *rows = yield [
        Call(multicall, "getEthBalance(address)", (owner,)),
        *(balance_of(contract, owner) for contract in contracts),
    ]
    raw = dict(zip(contracts, map(_number, rows), strict=True))
    unknown = [
        contract for contract in contracts if raw[contract] and tokens[contract].decimals is None
    ]
    facts = {**tokens, **(yield from token_facts(unknown))}
    balances_by_contract: dict[str, Balance | None] = {
        contract: None if amount is None else Balance(contract, amount, facts[contract])
        for contract, amount in raw.items()
    }
    amount = _number(coin)
    balances_by_contract[NATIVE] = (
        None if amount is None else Balance(NATIVE, amount, tokens[NATIVE])
    )
    return balances_by_contract


def token_facts(contracts: Sequence[str]) -> Plan[dict[str, TokenFacts]]:
    """Plan: symbol and decimals of tokens. A symbol of old contracts comes as 32 bytes and is left out."""
    if not contracts:
        return {}
    symbols = [Call(contract, "symbol()", (), ("string",)) for contract in contracts]
    decimals = [Call(contract, "decimals()", (), ("uint8",)) for contract in contracts]
    rows = yield [*symbols, *decimals]
    return {
        contract: TokenFacts(_symbol(symbol), _number(decimal))
        for contract, symbol, decimal in zip(
            contracts, rows[: len(contracts)], rows[len(contracts) :], strict=True
        )
    }


def _symbol(result: Result) -> str | None:
    """A label that can be shown: a contract may call itself anything."""
    text = "" if result is None else str(result[0])
    return text[:_LONGEST_SYMBOL] if text.isprintable() and text.strip() else None


def _number(result: Result) -> int | None:
    return None if result is None else int(result[0])
