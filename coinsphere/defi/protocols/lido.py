"""Lido: staked ether, plain (stETH), wrapped (wstETH), or on its way out (requests of withdrawal)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from coinsphere.chains.blockchains import NATIVE
from coinsphere.chains.evm import balance_of
from coinsphere.chains.multicall import Call, Plan
from coinsphere.defi.model import Position, PositionKind, Reading, required, whole

_WORTH = "getStETHByWstETH(uint256)"
_STATUS = ("(uint256,uint256,address,uint256,bool,bool)[]",)


@dataclass(frozen=True, slots=True)
class Lido:
    """A deployment, by its token, the wrapped token and the queue of withdrawals."""

    steth: str
    wsteth: str
    queue: str

    def __call__(self, owner: str) -> Plan[Reading]:
        """Plan: see `model.Reader`. One stETH is one ether that Lido owes."""
        balance, wrapped, requests = yield [
            balance_of(self.steth, owner),
            balance_of(self.wsteth, owner),
            Call(self.queue, "getWithdrawalRequests(address)", (owner,), ("uint256[]",)),
        ]
        shares = int(required(wrapped, "wstETH of Lido")[0])
        ids = () if requests is None else tuple(requests[0])
        unwrapped, states = yield [
            Call(self.wsteth, _WORTH, (shares,)),
            Call(self.queue, "getWithdrawalStatus(uint256[])", (ids,), _STATUS),
        ]
        positions = [
            *_staked("steth", int(required(balance, "stETH of Lido")[0]), {"as": "stETH"}),
            *_staked("wsteth", whole(unwrapped), {"as": "wstETH", "shares": str(shares)}),
        ]
        leaving = required(states, "the withdrawals of Lido")[0] if ids else ()
        return Reading(
            (*positions, *_withdrawals(ids, leaving)),
            frozenset((self.steth, self.wsteth)),
            {self.steth: None, self.wsteth: _WORTH},
        )


def _staked(key: str, raw: int, details: dict[str, object]) -> list[Position]:
    return [Position(key, PositionKind.STAKED, NATIVE, raw, details)] if raw > 0 else []


def _withdrawals(ids: Sequence[int], states: Sequence[tuple[Any, ...]]) -> list[Position]:
    """Requests of withdrawal that were not claimed yet."""
    return [
        Position(
            f"withdrawal:{number}",
            PositionKind.STAKED,
            NATIVE,
            raw,
            {"as": "withdrawal", "request": str(number), "isReady": is_ready},
        )
        for number, (raw, _, _, _, is_ready, is_claimed) in zip(ids, states, strict=True)
        if not is_claimed and raw > 0
    ]
