"""Convex: shares of Curve's pools staked through it, what they earned, and locked CVX with what that earned."""

from collections.abc import Sequence
from dataclasses import dataclass

from coinsphere.chains.evm import balance_of
from coinsphere.chains.multicall import Call, Plan, Result
from coinsphere.defi.model import Position, PositionKind, Reading, whole
from coinsphere.defi.protocols import curve
from coinsphere.defi.protocols.curve import Listed

_LOCKED_EARNED = ("(address,uint256)[]",)
_EARNED = "earned(address)"
_CLIFFS = ("totalSupply()", "reductionPerCliff()", "totalCliffs()", "maxSupply()")


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
            *(Call(pool.rewards, _EARNED, (owner,)) for pool in pools),
            Call(self.locker, "lockedBalanceOf(address)", (owner,)),
            Call(self.locker, "claimableRewards(address)", (owner,), _LOCKED_EARNED),
            *(Call(self.cvx, each) for each in _CLIFFS),
        ]
        count = len(pools)
        staked, loose, earned = (
            [whole(row) for row in rows[first : first + count]] for first in (0, count, 2 * count)
        )
        locked, locked_earned, *cliffs = rows[3 * count :]
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
        owed = [(pool, raw) for pool, raw in zip(pools, earned, strict=True) if raw > 0]
        rewarded = {pool.number: pool for pool, _ in (*used, *owed)}
        extra, is_whole = yield from _extra(owner, tuple(rewarded.values()))
        positions += [*self._of_pools(owed, cliffs), *self._of_locker(locked, locked_earned)]
        receipts = {token for pool in pools for token in (pool.rewards, pool.deposit)}
        is_whole = is_whole and locked_earned is not None and (not owed or None not in cliffs)
        return Reading(
            (*positions, *extra),
            frozenset(receipts | {self.locker}),
            unread=None if is_whole else "rewards",
        )

    def _of_pools(
        self, owed: Sequence[tuple[Listed, int]], cliffs: Sequence[Result]
    ) -> list[Position]:
        """The CRV that pools earned, and the CVX that comes with it where the figures of its cliffs are known."""
        positions = [_reward(f"pool:{pool.number}", self.crv, raw, "earned") for pool, raw in owed]
        if owed and None not in cliffs:
            supply, *rest = map(whole, cliffs)
            positions += [
                _reward(f"pool:{pool.number}", self.cvx, minted, "minted")
                for pool, raw in owed if (minted := with_crv(raw, supply, *rest))
            ]  # fmt: skip
        return positions

    def _of_locker(self, locked: Result, earned: Result) -> list[Position]:
        """Locked CVX, and what it earned."""
        raw = whole(locked)
        return [
            *([Position("locked", PositionKind.STAKED, self.cvx, raw)] if raw else []),
            *(
                _reward("locked", str(token), amount, f"earned:{token}")
                for token, amount in (earned or ((),))[0] if amount > 0
            ),
        ]  # fmt: skip


def with_crv(crv: int, supply: int, each_cliff: int, cliffs: int, most: int) -> int:
    """The CVX that comes with claimed CRV: ever less, cliff by cliff of what was made, until there is no more."""
    passed = supply // each_cliff if each_cliff else cliffs
    if passed >= cliffs:
        return 0
    return min(crv * (cliffs - passed) // cliffs, max(most - supply, 0))


def _extra(owner: str, pools: Sequence[Listed]) -> Plan[tuple[list[Position], bool]]:
    """Plan: what pools earned beside CRV and CVX, and whether all of it was told."""
    counts = yield [Call(pool.rewards, "extraRewardsLength()") for pool in pools]
    found = yield [
        Call(pool.rewards, "extraRewards(uint256)", (number,), ("address",))
        for pool, count in zip(pools, counts, strict=True)
        for number in range(whole(count))
    ]
    numbers = [
        pool.number for pool, count in zip(pools, counts, strict=True) for _ in range(whole(count))
    ]
    extras = [
        (number, str(row[0])) for number, row in zip(numbers, found, strict=True) if row is not None
    ]
    rows = yield [
        call
        for _, place in extras
        for call in (
            Call(place, _EARNED, (owner,)), Call(place, "rewardToken()", (), ("address",))
        )
    ]  # fmt: skip
    owed = [
        (number, place, str(token[0]), earned[0])
        for (number, place), earned, token in zip(extras, rows[::2], rows[1::2], strict=True)
        if earned is not None and token is not None and earned[0] > 0
    ]
    # The token of newer pools only wraps the one that is paid out: it says so by naming its pool.
    inner = yield [
        Call(token, function, (), ("address",))
        for _, _, token, _ in owed
        for function in ("rewardPool()", "token()")
    ]
    positions = [
        _reward(f"pool:{number}", _unwrapped(place, token, *inner[2 * index : 2 * index + 2]), raw,
                f"extra:{place}")
        for index, (number, place, token, raw) in enumerate(owed)
    ]  # fmt: skip
    return positions, None not in (*counts, *found, *rows)


def _unwrapped(
    place: str, token: str, pool: tuple[str, ...] | None, inner: tuple[str, ...] | None
) -> str:
    is_wrapper = pool is not None and inner is not None and pool[0].lower() == place.lower()
    return inner[0] if is_wrapper and inner is not None else token


def _reward(group: str, token: str, raw: int, name: str) -> Position:
    return Position(f"{group}:{name}", PositionKind.REWARD, token, raw, {"group": group})
