"""Compound V3: each market ("Comet") lends one token against several as collateral, and may earn a reward.

A Comet is a receipt of its token.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from coinsphere.chains.multicall import Call, Plan, Result, grouped
from coinsphere.defi.model import Position, PositionKind, Reading, coin_or, required, whole

_ASSET = (
    "(uint8,address,address,uint64,uint64,uint64,uint64,uint128)",
)  # offset, asset, price feed, scale, three factors, supply cap
_ASSET_ADDRESS = 1


@dataclass(frozen=True, slots=True)
class CompoundV3:
    """The Comets of one chain, and the contract that pays their rewards."""

    comets: tuple[str, ...]
    rewards: str

    def __call__(self, owner: str) -> Plan[Reading]:
        """Plan: see `model.Reader`."""
        overviews = yield from grouped([_overview(comet, owner) for comet in self.comets])
        lent = [
            each
            for comet, row in zip(self.comets, overviews, strict=True)
            for each in _lent(comet, row)
        ]
        collateral = yield from self._collateral(owner, [whole(row[-1]) for row in overviews])
        earned, unread = yield from self._earned(owner)
        return Reading((*lent, *collateral, *earned), frozenset(self.comets), unread=unread)

    def _collateral(self, owner: str, counts: Sequence[int]) -> Plan[list[Position]]:
        """Plan: what was given as a security; `counts` tells how many kinds of it each market takes."""
        kinds = [
            (comet, number)
            for comet, count in zip(self.comets, counts, strict=True)
            for number in range(count)
        ]
        infos = yield [
            Call(comet, "getAssetInfo(uint8)", (number,), _ASSET) for comet, number in kinds
        ]
        assets = [
            (comet, str(required(row, "a collateral of Compound")[0][_ASSET_ADDRESS]))
            for (comet, _), row in zip(kinds, infos, strict=True)
        ]
        balances = yield [
            Call(comet, "userCollateral(address,address)", (owner, asset), ("uint128", "uint128"))
            for comet, asset in assets
        ]
        return [
            Position(f"collateral:{comet}:{asset}", PositionKind.SUPPLIED, asset, raw,
                     {"market": comet, "isCollateral": True})
            for (comet, asset), row in zip(assets, balances, strict=True)
            if (raw := int(required(row, "a collateral of Compound")[0])) > 0
        ]  # fmt: skip

    def _earned(self, owner: str) -> Plan[tuple[list[Position], str | None]]:
        """Plan: rewards that were not claimed; in words what of them could not be read."""
        answers = yield [
            Call(self.rewards, "rewardConfig(address)", (comet,), ("address",))
            for comet in self.comets
        ]
        rewarded = [
            comet
            for comet, row in zip(self.comets, answers, strict=True)
            if row is not None and coin_or(row[0])
        ]
        # The contract brings its own books up to date first, so it is no view; nothing of a call is kept.
        rows = yield [
            Call(self.rewards, "getRewardOwed(address,address)", (comet, owner), ("address", "uint256"))
            for comet in rewarded
        ]  # fmt: skip
        positions = [
            Position(f"reward:{comet}", PositionKind.REWARD, str(row[0]), row[1], {"market": comet})
            for comet, row in zip(rewarded, rows, strict=True)
            if row is not None and row[1] > 0
        ]
        is_whole = all(row is not None for row in (*answers, *rows))
        return positions, None if is_whole else "rewards"


def _overview(comet: str, owner: str) -> list[Call]:
    return [
        Call(comet, "baseToken()", (), ("address",)),
        Call(comet, "balanceOf(address)", (owner,)),
        Call(comet, "borrowBalanceOf(address)", (owner,)),
        Call(comet, "numAssets()", (), ("uint8",)),
    ]


def _lent(comet: str, row: Sequence[Result]) -> list[Position]:
    token, supplied, owed, _ = (required(each, "a market of Compound")[0] for each in row)
    amounts = (
        ("supplied", PositionKind.SUPPLIED, supplied),
        ("borrowed", PositionKind.BORROWED, owed),
    )
    return [
        Position(f"{name}:{comet}", kind, str(token), raw, {"market": comet})
        for name, kind, raw in amounts
        if raw > 0
    ]
