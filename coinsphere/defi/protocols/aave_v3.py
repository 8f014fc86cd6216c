"""Aave V3: supplies and debts, reserve by reserve, and unclaimed incentives.

Its aTokens and debt tokens are receipts; each names the contract that counts its incentives.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from coinsphere.chains.multicall import Call, Plan
from coinsphere.defi.model import Position, PositionKind, Reading, coin_or, required

_RESERVE = (
    "uint256", "uint256", "uint256", "uint256", "uint256", "uint256", "uint256", "uint40", "bool",
)  # fmt: skip
_TOKENS = ("address", "address", "address")
_REWARDS = ("address[]", "uint256[]")


@dataclass(frozen=True, slots=True)
class AaveV3:
    """A market, by its `PoolAddressesProvider`: the one contract of it whose address never changes."""

    provider: str

    def __call__(self, owner: str) -> Plan[Reading]:
        """Plan: see `model.Reader`."""
        answers = yield [
            Call(self.provider, "getPool()", (), ("address",)),
            Call(self.provider, "getPoolDataProvider()", (), ("address",)),
        ]
        (pool,), (data,) = (required(each, "the addresses of Aave") for each in answers)
        (reserves,) = yield [Call(pool, "getReservesList()", (), ("address[]",))]
        (assets,) = required(reserves, "the reserves of Aave")
        users = [
            Call(data, "getUserReserveData(address,address)", (asset, owner), _RESERVE)
            for asset in assets
        ]
        tokens_of = [
            Call(data, "getReserveTokensAddresses(address)", (asset,), _TOKENS) for asset in assets
        ]
        rows = yield [*users, *tokens_of]
        states = [required(each, "a reserve of Aave") for each in rows[: len(assets)]]
        tokens = [required(each, "the tokens of Aave") for each in rows[len(assets) :]]
        positions = chain.from_iterable(map(_positions, assets, states))
        receipts = [token for row in tokens for token in row if coin_or(token)]
        rewards, unread = yield from _rewards(owner, receipts)
        return Reading((*positions, *rewards), frozenset(receipts), unread=unread)


def _rewards(owner: str, receipts: Sequence[str]) -> Plan[tuple[list[Position], str | None]]:
    """Plan: incentives that were not claimed, by token; in words what of them could not be read."""
    controllers = yield [
        Call(token, "getIncentivesController()", (), ("address",)) for token in receipts
    ]
    counted: dict[str, list[str]] = defaultdict(list)
    for token, row in zip(receipts, controllers, strict=True):
        if row is not None and coin_or(row[0]):
            counted[str(row[0])].append(token)
    rows = yield [
        Call(controller, "getAllUserRewards(address[],address)", (tuple(tokens), owner), _REWARDS)
        for controller, tokens in counted.items()
    ]
    owed: Counter[str] = Counter()
    for row in rows:
        owed.update(dict(zip(*(row or ((), ())), strict=True)))
    positions = [
        Position(f"incentive:{token}", PositionKind.REWARD, token, raw)
        for token, raw in owed.items()
        if raw > 0
    ]
    return positions, None if all(row is not None for row in rows) else "incentives"


def _positions(asset: str, state: tuple[Any, ...]) -> list[Position]:
    supplied, stable_debt, variable_debt, *_, is_collateral = state
    amounts = (
        ("supplied", PositionKind.SUPPLIED, supplied, {"isCollateral": is_collateral}),
        ("variable", PositionKind.BORROWED, variable_debt, {"rate": "variable"}),
        ("stable", PositionKind.BORROWED, stable_debt, {"rate": "stable"}),
    )
    return [
        Position(f"{name}:{asset}", kind, asset, raw, details)
        for name, kind, raw, details in amounts
        if raw > 0
    ]
