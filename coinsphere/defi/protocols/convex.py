"""Convex: staked shares of Curve's pools with their rewards, and locked CVX with its rewards."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from coinsphere.chains.evm import balance_of
from coinsphere.chains.multicall import Call, Plan, Result, grouped
from coinsphere.defi.model import Position, PositionKind, Reading, whole
from coinsphere.defi.protocols import curve
from coinsphere.defi.protocols.curve import Listed

_LOCKED_EARNED = ("(address,uint256)[]",)
_EARNED = "earned(address)"
_CLIFFS = ("totalSupply()", "reductionPerCliff()", "totalCliffs()", "maxSupply()")


class _Extra(NamedTuple):
    """A further reward of a pool: the pool's number, the reward's contract, the token, and the amount owed."""

    number: int
    place: str
    token: str
    raw: int


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
        *of_pools, (locked, locked_earned), cliffs = yield from grouped(
            [*(_of_pool(pool, owner) for pool in pools), *self._of_cvx(owner)]
        )
        amounts = [(pool, list(map(whole, row))) for pool, row in zip(pools, of_pools, strict=True)]
        used = [(pool, staked + loose) for pool, (staked, loose, _) in amounts if staked + loose]
        owed = [(pool, earned) for pool, (_, _, earned) in amounts if earned > 0]
        positions = yield from self._shares(used)
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

    def _of_cvx(self, owner: str) -> list[list[Call]]:
        """The calls for locked CVX with its rewards, then for the figures by which CVX is minted with CRV."""
        return [
            [
                Call(self.locker, "lockedBalanceOf(address)", (owner,)),
                Call(self.locker, "claimableRewards(address)", (owner,), _LOCKED_EARNED),
            ],
            [Call(self.cvx, name) for name in _CLIFFS],
        ]

    def _shares(self, used: Sequence[tuple[Listed, int]]) -> Plan[list[Position]]:
        """Plan: the coins behind the shares that are staked or wait to be."""
        contents = yield from curve.contents(self.registry, [pool.shares for pool, _ in used])
        return [
            position
            for pool, raw in used
            for position in curve.parts(
                f"pool:{pool.number}", pool.shares, raw, contents.get(pool.shares), {"in": "convex"}
            )
        ]

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
    """The CVX minted with claimed CRV: less with each cliff of the supply, and none after the last."""
    passed = supply // each_cliff if each_cliff else cliffs
    if passed >= cliffs:
        return 0
    return min(crv * (cliffs - passed) // cliffs, max(most - supply, 0))


def _of_pool(pool: Listed, owner: str) -> list[Call]:
    """The calls for a pool's staked shares, its unstaked ones, and the CRV earned."""
    return [
        balance_of(pool.rewards, owner),
        balance_of(pool.deposit, owner),
        Call(pool.rewards, _EARNED, (owner,)),
    ]


def _extra(owner: str, pools: Sequence[Listed]) -> Plan[tuple[list[Position], bool]]:
    """Plan: rewards of pools beside CRV and CVX, and whether all of them could be read."""
    places, is_listed = yield from _extra_contracts(pools)
    states = yield from grouped(
        [
            (Call(place, _EARNED, (owner,)), Call(place, "rewardToken()", (), ("address",)))
            for _, place in places
        ]
    )
    owed = [
        _Extra(number, place, str(token[0]), earned[0])
        for (number, place), (earned, token) in zip(places, states, strict=True)
        if earned is not None and token is not None and earned[0] > 0
    ]
    positions = yield from _extra_positions(owed)
    return positions, is_listed and all(None not in state for state in states)


def _extra_contracts(pools: Sequence[Listed]) -> Plan[tuple[list[tuple[int, str]], bool]]:
    """Plan: the contracts of further rewards, each with its pool's number, and whether all could be read."""
    counts = yield [Call(pool.rewards, "extraRewardsLength()") for pool in pools]
    rewards = yield from grouped(
        [
            [
                Call(pool.rewards, "extraRewards(uint256)", (number,), ("address",))
                for number in range(whole(count))
            ]
            for pool, count in zip(pools, counts, strict=True)
        ]
    )
    contracts = [
        (pool.number, str(row[0]))
        for pool, rows in zip(pools, rewards, strict=True)
        for row in rows
        if row is not None
    ]
    return contracts, None not in counts and all(None not in rows for rows in rewards)


def _extra_positions(owed: Sequence[_Extra]) -> Plan[list[Position]]:
    # The token of newer pools only wraps the one that is paid out: it says so by naming its pool.
    wrapped = yield from grouped(
        [
            [Call(each.token, name, (), ("address",)) for name in ("rewardPool()", "token()")]
            for each in owed
        ]
    )
    return [
        _reward(f"pool:{number}", _unwrapped(place, token, pool, inner), raw, f"extra:{place}")
        for (number, place, token, raw), (pool, inner) in zip(owed, wrapped, strict=True)
    ]


def _unwrapped(
    place: str, token: str, pool: tuple[str, ...] | None, inner: tuple[str, ...] | None
) -> str:
    is_wrapper = pool is not None and inner is not None and pool[0].lower() == place.lower()
    return inner[0] if is_wrapper and inner is not None else token


def _reward(group: str, token: str, raw: int, name: str) -> Position:
    return Position(f"{group}:{name}", PositionKind.REWARD, token, raw, {"group": group})
