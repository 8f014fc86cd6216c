"""Reads an EVM address as of one block: its balances, and its positions in every protocol of its chain."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from coinsphere import log
from coinsphere.chains import evm, multicall
from coinsphere.chains.blockchains import NATIVE
from coinsphere.chains.model import Balance, TokenFacts
from coinsphere.chains.multicall import Ask, Call, Plan, Result
from coinsphere.chains.rpc import Node
from coinsphere.defi.model import Position, Reader, Reading, Unreadable
from coinsphere.errors import Unavailable

_log = log.get("wallets")


@dataclass(frozen=True, slots=True)
class WalletReading:
    """The result of a reading. Protocols that could not be read are missing from `positions`; `facts` by lower-case contract.

    Of the protocols in `unrewarded` all but the rewards was read. `stamp` names the block, also among those of the
    same number that a reorganisation took back; None where the chain has none.
    """

    block: int | None
    balances: dict[str, Balance | None]
    positions: dict[str, tuple[Position, ...]] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    unrewarded: frozenset[str] = frozenset()
    facts: dict[str, TokenFacts] = field(default_factory=dict)
    stamp: str | None = None


def read(
    node: Node,
    owner: str,
    tokens: Mapping[str, TokenFacts],
    readers: Mapping[str, Reader],
    now: datetime,
) -> WalletReading:
    """Read an address.

    Args:
        node: the chain.
        owner: the address.
        tokens: what balances are wanted of, with what is known of those tokens.
        readers: the protocols by slug.
        now: the present instant: nodes that have fallen behind it are not believed.

    Raises:
        RateLimited, Unavailable, BadPayload: the chain's nodes did not answer, or the block was taken back meanwhile.
    """
    block = node.settled(now)
    ask = multicall.asker(node, block.number)
    plans: dict[str, Plan[object]] = {
        slug: _guarded(reader(owner)) for slug, reader in readers.items()
    }
    plans[""] = evm.balances(owner, tokens)
    answers = multicall.run(plans, ask)
    balances = answers.pop("")
    assert isinstance(balances, dict)
    readings = {slug: answer for slug, answer in answers.items() if isinstance(answer, Reading)}
    failed = {slug: answer for slug, answer in answers.items() if isinstance(answer, str)}
    unrewarded = {
        slug: reading.unread for slug, reading in readings.items() if reading.unread is not None
    }
    _tell(node, failed | unrewarded)
    positions, facts = _complete(readings, tokens, ask)
    owned = _without_receipts(balances, readings, tokens, is_complete=not failed)
    if node.block(block.number).hash != block.hash:
        raise Unavailable(str(node.chain.blockchain), "the chain was reorganised while it was read")
    stamp = f"block {block.number} {block.hash[:10]}"
    return WalletReading(
        block.number, owned, positions, failed, frozenset(unrewarded), facts, stamp
    )


def _tell(node: Node, unread: Mapping[str, str]) -> None:
    for slug, reason in unread.items():
        _log.warning(
            "protocol unreadable", protocol=slug, chain=node.chain.blockchain, error=reason
        )


def _without_receipts(
    balances: Mapping[str, Balance | None],
    readings: Mapping[str, Reading],
    tokens: Mapping[str, TokenFacts],
    *,
    is_complete: bool,
) -> dict[str, Balance | None]:
    """The balances without the receipts of positions, whose worth would count twice.

    Where a protocol could not be read, nobody knows which ticked tokens are receipts of it: their balances are unknown.
    Curated tokens are receipts of none.
    """
    receipts = {token.lower() for reading in readings.values() for token in reading.receipts}
    return {
        contract: balance if is_complete or tokens[contract].decimals is not None else None
        for contract, balance in balances.items()
        if contract.lower() not in receipts
    }


def _complete(
    readings: Mapping[str, Reading], tokens: Mapping[str, TokenFacts], ask: Ask
) -> tuple[dict[str, tuple[Position, ...]], dict[str, TokenFacts]]:
    """Positions, with claims on the native coin as that coin, and the facts of their tokens."""
    worth = {
        contract.lower(): function
        for reading in readings.values()
        for contract, function in reading.worth.items()
    }
    known = {contract.lower(): facts for contract, facts in tokens.items()}
    contracts = {
        position.contract for reading in readings.values() for position in reading.positions
    }
    described = worth.keys() | known.keys()
    unknown = sorted(contract for contract in contracts if contract.lower() not in described)
    plans: dict[str, Plan[object]] = {
        slug: _as_coin(reading.positions, worth) for slug, reading in readings.items()
    }
    plans[""] = evm.token_facts(unknown)
    answers = multicall.run(plans, ask)
    facts = answers.pop("")
    assert isinstance(facts, dict)
    known |= {contract.lower(): token for contract, token in facts.items()}
    positions = {slug: answer for slug, answer in answers.items() if isinstance(answer, tuple)}
    return positions, known


def _as_coin(
    positions: Iterable[Position], worth: Mapping[str, str | None]
) -> Plan[tuple[Position, ...]]:
    """Plan: converts positions in claims on the native coin, like wstETH lent to Aave, into that coin."""
    claims = [
        (position, function)
        for position in positions
        if (function := worth.get(position.contract.lower())) is not None
    ]
    asked = [Call(position.contract, function, (position.raw,)) for position, function in claims]
    results: list[Result] = list((yield asked) if asked else [])
    amounts = {
        position.key: result[0]
        for (position, _), result in zip(claims, results, strict=True)
        if result
    }
    return tuple(_converted(position, amounts, worth) for position in positions)


def _converted(
    position: Position, amounts: Mapping[str, int], worth: Mapping[str, str | None]
) -> Position:
    contract = position.contract.lower()
    is_one_for_one = contract in worth and worth[contract] is None
    if position.key not in amounts and not is_one_for_one:
        return position
    details = {**position.details, "heldAs": position.contract, "heldAmount": str(position.raw)}
    raw = amounts.get(position.key, position.raw)
    return replace(position, contract=NATIVE, raw=raw, details=details)


def _guarded(plan: Plan[Reading]) -> Plan[object]:
    """Plan: the reading, or the reason why there is none, so that one changed protocol does not hide the others."""
    try:
        return (yield from plan)
    except Unreadable as error:
        return f"{error} could not be read"
    except (ValueError, TypeError, ArithmeticError) as error:
        return f"its contracts answer nonsense: {error}"
