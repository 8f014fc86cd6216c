"""Compound V2: supplies and debts, market by market, and COMP earned. Its cTokens are receipts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from coinsphere.chains.blockchains import NATIVE
from coinsphere.chains.multicall import Call, Plan
from coinsphere.defi.model import Position, PositionKind, Reading, required, whole

_SNAPSHOT = ("uint256", "uint256", "uint256", "uint256")
_MANTISSA = 10**18


@dataclass(frozen=True, slots=True)
class CompoundV2:
    """A deployment, by its Comptroller; the market `coin_market` holds the chain's coin, and so names no token."""

    comptroller: str
    coin_market: str

    def __call__(self, owner: str) -> Plan[Reading]:
        """Plan: see `model.Reader`. Interest and COMP since the last activity are not in it."""
        listed, accrued, comp = yield [
            Call(self.comptroller, "getAllMarkets()", (), ("address[]",)),
            Call(self.comptroller, "compAccrued(address)", (owner,)),
            Call(self.comptroller, "getCompAddress()", (), ("address",)),
        ]
        (markets,) = required(listed, "the markets of Compound")
        states = yield from _snapshots(owner, markets)
        used = [market for market, (_, supplied, owed, _) in states.items() if supplied or owed]
        underlying = yield from self._underlying(used)
        positions = [
            position
            for market in used
            for position in _positions(market, underlying[market], *states[market][1:])
        ]
        if raw := whole(accrued):
            token = str(required(comp, "the token of Compound")[0])
            positions.append(Position("comp", PositionKind.REWARD, token, raw))
        unread = "COMP earned" if accrued is None else None
        return Reading(tuple(positions), frozenset(markets), unread=unread)

    def _underlying(self, markets: list[str]) -> Plan[dict[str, str]]:
        asked = [market for market in markets if market.lower() != self.coin_market.lower()]
        rows = yield [Call(market, "underlying()", (), ("address",)) for market in asked]
        tokens = {
            market: str(required(each, "a token of Compound")[0])
            for market, each in zip(asked, rows, strict=True)
        }
        return {market: tokens.get(market, NATIVE) for market in markets}


def _positions(market: str, token: str, supplied: int, owed: int, rate: int) -> list[Position]:
    details = {"market": market}
    amounts = (
        ("supplied", PositionKind.SUPPLIED, supplied * rate // _MANTISSA),
        ("borrowed", PositionKind.BORROWED, owed),
    )
    return [
        Position(f"{name}:{market}", kind, token, raw, details)
        for name, kind, raw in amounts
        if raw > 0
    ]


def _snapshots(owner: str, markets: Sequence[str]) -> Plan[dict[str, tuple[Any, ...]]]:
    """Plan: by market an error code, the cTokens held, what is owed, and the rate of cTokens."""
    rows = yield [
        Call(market, "getAccountSnapshot(address)", (owner,), _SNAPSHOT) for market in markets
    ]
    return {
        market: required(row, "a market of Compound")
        for market, row in zip(markets, rows, strict=True)
    }
