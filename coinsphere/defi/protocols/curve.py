"""Curve: shares of pools, in the wallet or staked in a gauge, as the coins behind them, and the gauges' rewards.

Which pools there are is told by Convex, which lists the pool of every gauge that it stakes in; a pool's coins and
their amounts by Curve's own registry.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from coinsphere.chains.evm import balance_of
from coinsphere.chains.multicall import Call, Plan, Result, grouped
from coinsphere.defi.model import Position, PositionKind, Reading, coin_or, required, share, whole
from coinsphere.defi.protocols import gauges

_POOL = ("address", "address", "address", "address", "address", "bool")
_COINS = 8


class Listed(NamedTuple):
    """A pool that Convex lists: the token of its shares, the gauge, and where Convex stakes."""

    number: int
    shares: str
    deposit: str
    gauge: str
    rewards: str


class Stake(NamedTuple):
    """Shares of a pool in the wallet or in a gauge: `raw` is the owner's balance of `token`."""

    where: str
    token: str
    shares: str
    raw: int

    @property
    def group(self) -> str:
        """The name that groups the positions behind these shares."""
        return f"{self.where}:{self.token}"


class Contents(NamedTuple):
    """The coins behind all shares of a pool."""

    supply: int
    coins: tuple[tuple[str, int], ...]


def listed(booster: str) -> Plan[list[Listed]]:
    """Plan: the pools that Convex lists."""
    (length,) = yield [Call(booster, "poolLength()")]
    (count,) = required(length, "the pools of Convex")
    rows = yield [Call(booster, "poolInfo(uint256)", (number,), _POOL) for number in range(count)]
    return [
        Listed(number, *map(str, required(row, "a pool of Convex")[:4]))
        for number, row in enumerate(rows)
    ]


def contents(registry: str, shares: Sequence[str]) -> Plan[dict[str, Contents]]:
    """Plan: the coins behind shares of pools; shares of an unknown pool are left out."""
    tokens = list(dict.fromkeys(shares))
    addresses = yield [
        Call(registry, "get_pool_from_lp_token(address)", (token,), ("address",))
        for token in tokens
    ]
    pools = {
        token: str(row[0])
        for token, row in zip(tokens, addresses, strict=True)
        if row is not None and coin_or(row[0])
    }
    states = yield from grouped(
        [
            (
                Call(registry, "get_coins(address)", (pool,), (f"address[{_COINS}]",)),
                Call(registry, "get_balances(address)", (pool,), (f"uint256[{_COINS}]",)),
                Call(token, "totalSupply()"),
            )
            for token, pool in pools.items()
        ]
    )
    return {token: _contents(state) for token, state in zip(pools, states, strict=True)}


def _contents(state: Sequence[Result]) -> Contents:
    (coins,), (balances,), (supply,) = (required(row, "a pool of Curve") for row in state)
    contained = (
        (coin_or(coin), amount) for coin, amount in zip(coins, balances, strict=True) if amount > 0
    )
    return Contents(int(supply), tuple(contained))


def parts(
    group: str, shares: str, raw: int, of: Contents | None, details: dict[str, object]
) -> list[Position]:
    """The coins behind some shares; where they are not known, the shares themselves, unpriced."""
    described = {"group": group, "shares": str(raw), **details}
    if of is None:
        return [Position(group, PositionKind.LIQUIDITY, shares, raw, described)]
    return [
        Position(f"{group}:{coin}", PositionKind.LIQUIDITY, coin, part, described)
        for coin, amount in of.coins
        if (part := share(raw, of.supply, amount)) > 0
    ]


@dataclass(frozen=True, slots=True)
class Curve:
    """A deployment, by Curve's registry of registries, the list of pools and Curve's own token."""

    registry: str
    booster: str
    crv: str

    def __call__(self, owner: str) -> Plan[Reading]:
        """Plan: see `model.Reader`."""
        pools = yield from listed(self.booster)
        tokens = list(dict.fromkeys(token for pool in pools for token in (pool.shares, pool.gauge)))
        answers = yield [balance_of(token, owner) for token in tokens]
        stakes = _stakes(pools, dict(zip(tokens, map(whole, answers), strict=True)))
        contained = yield from contents(self.registry, [stake.shares for stake in stakes])
        positions = [
            position
            for stake in stakes
            for position in parts(
                stake.group,
                stake.shares,
                stake.raw,
                contained.get(stake.shares),
                {"in": stake.where},
            )
        ]
        in_gauges = [
            gauges.Stake(stake.group, stake.token) for stake in stakes if stake.where == "gauge"
        ]
        earned = yield from gauges.earned(owner, in_gauges, self.crv)
        unread = None if earned.is_whole else "rewards of gauges"
        return Reading((*positions, *earned.positions), frozenset(tokens), unread=unread)


def _stakes(pools: Sequence[Listed], balances: Mapping[str, int]) -> list[Stake]:
    """Where shares lie, by the balance of each token; a pool that is listed twice counts once."""
    return [
        Stake(where, token, pool.shares, balances[token])
        for pool in {pool.shares: pool for pool in pools}.values()
        for where, token in (("wallet", pool.shares), ("gauge", pool.gauge))
        if balances[token]
    ]
