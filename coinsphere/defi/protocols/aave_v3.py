"""Aave V3: what is supplied and what is owed, reserve by reserve. Its aTokens and debt tokens are receipts."""

from dataclasses import dataclass
from itertools import chain
from typing import Any

from coinsphere.defi.model import Position, PositionKind, Reading, required
from coinsphere.wallets.multicall import Call, Plan

_RESERVE = (
    "uint256", "uint256", "uint256", "uint256", "uint256", "uint256", "uint256", "uint40", "bool",
)  # fmt: skip
_TOKENS = ("address", "address", "address")


@dataclass(frozen=True, slots=True)
class AaveV3:
    """A market, by its `PoolAddressesProvider`: the one contract of it whose address never changes."""

    provider: str

    def __call__(self, owner: str) -> Plan[Reading]:
        """Plan: see `model.Reader`."""
        found = yield [
            Call(self.provider, "getPool()", (), ("address",)),
            Call(self.provider, "getPoolDataProvider()", (), ("address",)),
        ]
        (pool,), (data,) = (required(each, "the addresses of Aave") for each in found)
        (reserves,) = yield [Call(pool, "getReservesList()", (), ("address[]",))]
        (assets,) = required(reserves, "the reserves of Aave")
        users = [
            Call(data, "getUserReserveData(address,address)", (asset, owner), _RESERVE)
            for asset in assets
        ]
        tokens = [
            Call(data, "getReserveTokensAddresses(address)", (asset,), _TOKENS) for asset in assets
        ]
        rows = yield [*users, *tokens]
        states = [required(each, "a reserve of Aave") for each in rows[: len(assets)]]
        receipts = [required(each, "the tokens of Aave") for each in rows[len(assets) :]]
        positions = chain.from_iterable(map(_positions, assets, states))
        return Reading(tuple(positions), frozenset(chain.from_iterable(receipts)))


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
