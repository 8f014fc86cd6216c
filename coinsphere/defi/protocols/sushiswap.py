"""SushiSwap: shares of pairs, in the wallet or staked at a MasterChef, as both tokens of the pair, and SUSHI rewards.

Pairs that are looked for: those that a MasterChef ever rewarded, those of two tokens of the curated list, and those that
the wallet's user ticked. What is ticked may be anybody's contract, so the factory must know it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

from coinsphere.chains.evm import balance_of
from coinsphere.chains.multicall import Call, Plan, Result, grouped
from coinsphere.defi.model import (
    Position,
    PositionKind,
    Reading,
    coin_or,
    required,
    share,
    whole,
)

_USER = ("uint256", "uint256")
_RESERVES = ("uint112", "uint112", "uint32")
_PAIR = "getPair(address,address)"
_POOLS = ("poolInfo(uint256)", "lpToken(uint256)")
"""How the first and the second MasterChef name a pool's pair."""
_PREFIXES = ("pool", "pool-v2")


class Pool(NamedTuple):
    """A pool of a MasterChef: its name, the chef, its number there, and the pair that is staked in it."""

    name: str
    chef: str
    number: int
    pair: str

    def staked(self, owner: str) -> Call:
        """The call that asks how many shares of the pair an owner has staked."""
        return Call(self.chef, "userInfo(uint256,address)", (self.number, owner), _USER)

    def earned(self, owner: str) -> Call:
        """The call that asks how much SUSHI an owner has earned and not claimed."""
        return Call(self.chef, "pendingSushi(uint256,address)", (self.number, owner))

    def reward(self, sushi: str, raw: int) -> Position:
        """The position of `raw` units of SUSHI that were earned."""
        group = f"{self.name}:{self.pair}"
        return Position(f"{self.name}:earned", PositionKind.REWARD, sushi, raw, {"group": group})


@dataclass(frozen=True, slots=True)
class SushiSwap:
    """A deployment.

    Args:
        chefs: the first and the second MasterChef.
        factory: knows every pair.
        sushi: what the chefs reward with.
        tokens: the curated ones.
        ticked: contracts that the wallet's user named.
    """

    chefs: tuple[str, str]
    factory: str
    sushi: str
    tokens: tuple[str, ...] = ()
    ticked: tuple[str, ...] = ()

    def __call__(self, owner: str) -> Plan[Reading]:
        """Plan: see `model.Reader`."""
        pools = yield from self._pools()
        pairs = [pool.pair for pool in pools]
        others = yield from self._others()
        in_wallet, staked, earned = yield from grouped(
            [
                [balance_of(pair, owner) for pair in (*pairs, *others)],
                [pool.staked(owner) for pool in pools],
                [pool.earned(owner) for pool in pools],
            ]
        )
        # A pair may have several pools; what lies in the wallet is counted once.
        loose = dict(zip((*pairs, *others), map(whole, in_wallet), strict=True))
        stakes = [("wallet", pair, raw) for pair, raw in loose.items()]
        stakes += [
            (pool.name, pool.pair, whole(row)) for pool, row in zip(pools, staked, strict=True)
        ]
        positions = yield from _contents([stake for stake in stakes if stake[2]])
        positions += [
            pool.reward(self.sushi, raw)
            for pool, row in zip(pools, earned, strict=True)
            if (raw := whole(row)) > 0
        ]
        unread = None if None not in earned else "SUSHI earned"
        return Reading(tuple(positions), frozenset(loose), unread=unread)

    def _pools(self) -> Plan[list[Pool]]:
        """Plan: every pool of both chefs."""
        counts = yield [Call(chef, "poolLength()") for chef in self.chefs]
        named = [
            (f"{prefix}:{number}", chef, number, function)
            for prefix, chef, function, row in zip(
                _PREFIXES, self.chefs, _POOLS, counts, strict=True
            )
            for number in range(required(row, "the pools of SushiSwap")[0])
        ]
        rows = yield [
            Call(chef, function, (number,), ("address",)) for _, chef, number, function in named
        ]
        return [
            Pool(name, chef, number, str(required(row, "a pool of SushiSwap")[0]))
            for (name, chef, number, _), row in zip(named, rows, strict=True)
        ]

    def _others(self) -> Plan[list[str]]:
        """Plan: the pairs of curated tokens and the ticked pairs that the factory knows."""
        ends = yield from grouped(
            [
                [Call(each, f"{side}()", (), ("address",)) for side in ("token0", "token1")]
                for each in self.ticked
            ]
        )
        claimed = {
            each: (str(first[0]), str(second[0]))
            for each, (first, second) in zip(self.ticked, ends, strict=True)
            if first and second
        }
        pairs = yield [
            Call(self.factory, _PAIR, both, ("address",))
            for both in (*combinations(self.tokens, 2), *claimed.values())
        ]
        known = [str(row[0]) for row in pairs if row is not None and coin_or(row[0])]
        return list(dict.fromkeys(known))


def _contents(stakes: Sequence[tuple[str, str, int]]) -> Plan[list[Position]]:
    """Plan: both tokens behind shares of pairs, named by where the shares lie."""
    states = yield from grouped([_pair(pair) for _, pair, _ in stakes])
    return [
        position
        for stake, state in zip(stakes, states, strict=True)
        for position in _parts(*stake, state)
    ]


def _pair(pair: str) -> list[Call]:
    return [
        Call(pair, "token0()", (), ("address",)),
        Call(pair, "token1()", (), ("address",)),
        Call(pair, "getReserves()", (), _RESERVES),
        Call(pair, "totalSupply()"),
    ]


def _parts(where: str, pair: str, raw: int, state: Sequence[Result]) -> list[Position]:
    (token0,), (token1,), reserves, (supply,) = (
        required(row, "a pair of SushiSwap") for row in state
    )
    group = f"{where}:{pair}"
    details = {"group": group, "shares": str(raw)}
    return [
        Position(f"{group}:{token}", PositionKind.LIQUIDITY, str(token), part, details)
        for token, reserve in zip((token0, token1), reserves[:2], strict=True)
        if (part := share(raw, supply, reserve)) > 0
    ]
