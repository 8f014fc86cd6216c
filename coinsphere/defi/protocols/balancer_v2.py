"""Balancer V2: shares of pools, held or staked in a gauge, as the tokens that they stand for.

No contract lists the pools, so those that are looked for are named in `deployments.py`.
"""

from dataclasses import dataclass
from typing import NamedTuple

from coinsphere.defi.model import Position, PositionKind, Reading, coin_or, required, share, whole
from coinsphere.wallets.evm import balance_of
from coinsphere.wallets.multicall import Call, Plan

_TOKENS = ("address[]", "uint256[]", "uint256")


class Pool(NamedTuple):
    """A pool, which is the token of its shares, and its gauge where it has one."""

    shares: str
    gauge: str | None = None


@dataclass(frozen=True, slots=True)
class BalancerV2:
    """A deployment, by the vault that holds the tokens of all pools."""

    vault: str
    pools: tuple[Pool, ...]

    def __call__(self, owner: str) -> Plan[Reading]:
        """Plan: see `model.Reader`."""
        places = [
            (where, token, pool.shares)
            for pool in self.pools
            for where, token in (("wallet", pool.shares), ("gauge", pool.gauge))
            if token is not None
        ]
        found = yield [balance_of(token, owner) for _, token, _ in places]
        stakes = [
            (*place, raw) for place, row in zip(places, found, strict=True) if (raw := whole(row))
        ]
        rows = yield [
            call
            for _, _, shares, _ in stakes
            for call in (
                Call(shares, "getPoolId()", (), ("bytes32",)),
                Call(shares, "totalSupply()"),
                Call(shares, "getActualSupply()"),
            )
        ]
        tokens = yield [
            Call(self.vault, "getPoolTokens(bytes32)", required(row, "a pool of Balancer"), _TOKENS)
            for row in rows[::3]
        ]
        positions: list[Position] = []
        for (where, token, shares, raw), supply, actual, row in zip(
            stakes, rows[1::3], rows[2::3], tokens, strict=True
        ):
            # Pools that hold shares of themselves say apart how many are out.
            total = whole(actual) or whole(required(supply, "a pool of Balancer"))
            contracts, amounts, _ = required(row, "a pool of Balancer")
            group = f"{where}:{token}"
            details = {"group": group, "shares": str(raw), "in": where}
            positions += [
                Position(f"{group}:{coin}", PositionKind.LIQUIDITY, coin_or(coin), part, details)
                for coin, amount in zip(contracts, amounts, strict=True)
                if coin.lower() != shares.lower() and (part := share(raw, total, amount)) > 0
            ]
        return Reading(tuple(positions), frozenset(token for _, token, _ in places))
