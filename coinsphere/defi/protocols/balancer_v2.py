"""Balancer V2: shares of pools of every kind, held or staked in a gauge, as the tokens that they stand for.

No contract lists the pools. Those that are looked for are named in `deployments.py`, or are among the tokens that the
wallet's user ticked: as a pool's share, or as a gauge of it. What is ticked may be anybody's contract, so a pool must be
one of the vault and a gauge one of the factories.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from coinsphere.chains.evm import balance_of
from coinsphere.chains.multicall import Call, Plan, grouped
from coinsphere.defi.model import (
    Position,
    PositionKind,
    Reading,
    coin_or,
    required,
    share,
    whole,
)
from coinsphere.defi.protocols import gauges

_TOKENS = ("address[]", "uint256[]", "uint256")
# Pools that hold shares of themselves say apart how many are out: newer ones by the first name, older by the second.
_SUPPLIES = ("getActualSupply()", "getVirtualSupply()", "totalSupply()")


class Pool(NamedTuple):
    """A pool, which is the token of its shares, and its name in the vault."""

    shares: str
    id: bytes


class Place(NamedTuple):
    """A contract that may hold shares of a pool for the owner: `token` is asked for the owner's balance."""

    where: str
    token: str
    pool: Pool


@dataclass(frozen=True, slots=True)
class BalancerV2:
    """A deployment.

    Args:
        vault: holds the tokens of all pools.
        pools: the shares that are always looked for.
        factories: of gauges; the first tells the gauge of a pool.
        bal: what the gauges pay.
        ticked: contracts that the wallet's user named.
    """

    vault: str
    pools: tuple[str, ...]
    factories: tuple[str, ...]
    bal: str
    ticked: tuple[str, ...] = ()

    def __call__(self, owner: str) -> Plan[Reading]:
        """Plan: see `model.Reader`."""
        places = yield from self._places()
        balances = yield [balance_of(token, owner) for _, token, _ in places]
        stakes = [
            (place, raw) for place, row in zip(places, balances, strict=True) if (raw := whole(row))
        ]
        positions = yield from self._contents(stakes)
        staked = [
            gauges.Stake(_group(place), place.token)
            for place, _ in stakes
            if place.where == "gauge"
        ]
        earned = yield from gauges.earned(owner, staked, self.bal)
        return Reading(
            (*positions, *earned.positions),
            frozenset(place.token for place in places),
            unread=None if earned.is_whole else "rewards of gauges",
        )

    def _places(self) -> Plan[list[Place]]:
        """Plan: shares and gauges of every pool that is looked for."""
        claimed = yield from self._claimed_gauges()
        pools = yield from self._pools((*self.pools, *self.ticked, *claimed.values()))
        listed = yield from self._listed_gauges(list(pools))
        vouched = yield from self._vouched_for(list(claimed))
        gauges_of = [*listed, *((gauge, claimed[gauge]) for gauge in vouched)]
        places = [Place("wallet", pool.shares, pool) for pool in pools.values()]
        places += [
            Place("gauge", gauge, pools[shares]) for gauge, shares in gauges_of if shares in pools
        ]
        return list({place.token.lower(): place for place in places}.values())

    def _claimed_gauges(self) -> Plan[dict[str, str]]:
        """Plan: the ticked contracts that claim to be gauges, each with the shares that it names."""
        shares = yield [Call(gauge, "lp_token()", (), ("address",)) for gauge in self.ticked]
        return {gauge: str(row[0]) for gauge, row in zip(self.ticked, shares, strict=True) if row}

    def _listed_gauges(self, pools: Sequence[str]) -> Plan[list[tuple[str, str]]]:
        """Plan: the gauges that the first factory lists of pools, each with the pool's shares."""
        rows = yield [
            Call(self.factories[0], "getPoolGauge(address)", (pool,), ("address",))
            for pool in pools
        ]
        return [
            (str(row[0]), pool)
            for pool, row in zip(pools, rows, strict=True)
            if row is not None and coin_or(row[0])
        ]

    def _vouched_for(self, candidates: Sequence[str]) -> Plan[list[str]]:
        """Plan: the candidates that are gauges, as a factory confirms."""
        answers = yield from grouped(
            [
                [
                    Call(factory, "isGaugeFromFactory(address)", (gauge,), ("bool",))
                    for factory in self.factories
                ]
                for gauge in candidates
            ]
        )
        return [
            gauge
            for gauge, rows in zip(candidates, answers, strict=True)
            if any(row and row[0] for row in rows)
        ]

    def _pools(self, candidates: Iterable[str]) -> Plan[dict[str, Pool]]:
        """Plan: the candidates that the vault knows as pools."""
        asked = list(dict.fromkeys(each.lower() for each in candidates))
        names = yield [Call(each, "getPoolId()", (), ("bytes32",)) for each in asked]
        named = [Pool(each, row[0]) for each, row in zip(asked, names, strict=True) if row]
        rows = yield [
            Call(self.vault, "getPool(bytes32)", (pool.id,), ("address", "uint8")) for pool in named
        ]
        return {
            pool.shares: pool
            for pool, row in zip(named, rows, strict=True)
            if row and row[0].lower() == pool.shares.lower()
        }

    def _contents(self, stakes: Sequence[tuple[Place, int]]) -> Plan[list[Position]]:
        """Plan: the tokens behind shares of pools."""
        states = yield from grouped(
            [
                (
                    Call(self.vault, "getPoolTokens(bytes32)", (place.pool.id,), _TOKENS),
                    *(Call(place.pool.shares, supply) for supply in _SUPPLIES),
                )
                for place, _ in stakes
            ]
        )
        return [
            position
            for (place, raw), state in zip(stakes, states, strict=True)
            for position in _parts(place, raw, *state)
        ]


def _group(place: Place) -> str:
    return f"{place.where}:{place.token}"


def _parts(
    place: Place, raw: int, tokens: tuple[object, ...] | None, *supplies: tuple[int, ...] | None
) -> list[Position]:
    contracts, amounts, _ = required(tokens, "a pool of Balancer")
    total = next((row[0] for row in supplies if row is not None and row[0]), 0)
    group = _group(place)
    details = {"group": group, "shares": str(raw), "in": place.where}
    return [
        Position(f"{group}:{coin}", PositionKind.LIQUIDITY, coin_or(coin), part, details)
        for coin, amount in zip(contracts, amounts, strict=True)
        if coin.lower() != place.pool.shares.lower() and (part := share(raw, total, amount)) > 0
    ]
