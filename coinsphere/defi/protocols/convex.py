"""Convex: shares of Curve's pools staked through it, the CRV that they earned, and staked CVX."""

from dataclasses import dataclass

from coinsphere.defi.model import Position, PositionKind, Reading, whole
from coinsphere.defi.protocols import curve
from coinsphere.wallets.evm import balance_of
from coinsphere.wallets.multicall import Call, Plan


@dataclass(frozen=True, slots=True)
class Convex:
    """A deployment, by its Booster, Curve's registry, its own token and the locker of it."""

    booster: str
    registry: str
    crv: str
    cvx: str
    locker: str

    def __call__(self, owner: str) -> Plan[Reading]:
        """Plan: see `model.Reader`."""
        pools = yield from curve.listed(self.booster)
        rows = yield [
            *(balance_of(pool.rewards, owner) for pool in pools),
            *(balance_of(pool.deposit, owner) for pool in pools),
            *(Call(pool.rewards, "earned(address)", (owner,)) for pool in pools),
            Call(self.locker, "lockedBalanceOf(address)", (owner,)),
        ]
        staked, loose, earned = (
            [whole(row) for row in rows[first : first + len(pools)]]
            for first in (0, len(pools), 2 * len(pools))
        )
        used = [
            (pool, stake + rest)
            for pool, stake, rest in zip(pools, staked, loose, strict=True)
            if stake + rest
        ]
        known = yield from curve.contents(self.registry, [pool.shares for pool, _ in used])
        positions = [
            position
            for pool, raw in used
            for position in curve.parts(
                f"pool:{pool.number}", pool.shares, raw, known.get(pool.shares), {"in": "convex"}
            )
        ]
        positions += [
            Position(f"pool:{pool.number}:earned", PositionKind.REWARD, self.crv, raw,
                     {"group": f"pool:{pool.number}"})
            for pool, raw in zip(pools, earned, strict=True) if raw > 0
        ]  # fmt: skip
        if locked := whole(rows[-1]):
            positions.append(Position("locked", PositionKind.STAKED, self.cvx, locked))
        receipts = {token for pool in pools for token in (pool.rewards, pool.deposit)}
        return Reading(tuple(positions), frozenset(receipts | {self.locker}))
