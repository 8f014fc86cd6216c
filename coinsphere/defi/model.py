"""The model of a wallet's positions in a protocol, as read from the protocol's own contracts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from coinsphere.chains.blockchains import NATIVE
from coinsphere.chains.multicall import Plan, Result


class PositionKind(StrEnum):
    """What a position is. `borrowed` is a debt: it is subtracted."""

    SUPPLIED = "supplied"
    BORROWED = "borrowed"
    STAKED = "staked"
    LIQUIDITY = "liquidity"
    REWARD = "reward"


@dataclass(frozen=True, slots=True)
class Position:
    """An amount of one token in a protocol.

    `key` names it within the wallet and the protocol, as long as it is open. `raw` is of the token's smallest unit.
    What belongs together, like both tokens of a pool, says so by the same `group` in `details`.
    """

    key: str
    kind: PositionKind
    contract: str
    raw: int
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """The result of reading a protocol.

    `receipts` are tokens that stand for a position, and count as that alone. `worth` says of tokens that are a claim on
    the chain's coin which function of the contract tells how much of it, None where it is one for one: they may lie in
    another protocol. `unread` says in words what of the rewards could not be read: those that are known stay.
    """

    positions: tuple[Position, ...] = ()
    receipts: frozenset[str] = frozenset()
    worth: Mapping[str, str | None] = field(default_factory=dict)
    unread: str | None = None


class Unreadable(Exception):
    """A protocol's contracts did not answer as expected; what was known of it stays as it is."""


Reader = Callable[[str], Plan[Reading]]
"""A plan that reads what an address has in one protocol on one chain. Raises `Unreadable` while it runs."""

COIN_PLACEHOLDERS = frozenset(
    (
        "0xeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee",
        "0x0000000000000000000000000000000000000000",
    )
)
"""What contracts write where the chain's coin is meant."""


def coin_or(contract: str) -> str:
    """The contract, or '' where it stands for the chain's coin."""
    return NATIVE if contract.lower() in COIN_PLACEHOLDERS else contract


def whole(result: Result) -> int:
    """The whole number that a call returned; zero where it failed, for calls that a contract need not support."""
    return 0 if result is None else int(result[0])


def required(result: Result, what: str) -> tuple[Any, ...]:
    """The result of a call. Raises `Unreadable` where it failed."""
    if result is None:
        raise Unreadable(what)
    return result


def share(part: int, total: int, amount: int) -> int:
    """`amount * part / total`, rounded down as contracts do; zero of an empty pool."""
    return amount * part // total if total > 0 else 0
