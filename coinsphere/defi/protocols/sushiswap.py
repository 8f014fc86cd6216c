"""SushiSwap: shares of pairs, held or staked at the MasterChef, as both tokens of the pair, and the SUSHI they earned.

The MasterChef lists the pairs that were ever rewarded; others are not looked for.
"""

from dataclasses import dataclass
from typing import Any

from coinsphere.defi.model import Position, PositionKind, Reading, required, share, whole
from coinsphere.wallets.evm import balance_of
from coinsphere.wallets.multicall import Call, Plan

_POOL = ("address", "uint256", "uint256", "uint256")
_USER = ("uint256", "uint256")
_RESERVES = ("uint112", "uint112", "uint32")


@dataclass(frozen=True, slots=True)
class SushiSwap:
    """A deployment, by its MasterChef and the token that it rewards with."""

    chef: str
    sushi: str

    def __call__(self, owner: str) -> Plan[Reading]:
        """Plan: see `model.Reader`."""
        (found,) = yield [Call(self.chef, "poolLength()")]
        (count,) = required(found, "the pools of SushiSwap")
        rows = yield [
            Call(self.chef, "poolInfo(uint256)", (number,), _POOL) for number in range(count)
        ]
        pairs = [str(required(row, "a pool of SushiSwap")[0]) for row in rows]
        held = yield [
            *(balance_of(pair, owner) for pair in pairs),
            *(
                Call(self.chef, "userInfo(uint256,address)", (n, owner), _USER)
                for n in range(count)
            ),
            *(Call(self.chef, "pendingSushi(uint256,address)", (n, owner)) for n in range(count)),
        ]
        loose, staked, pending = (
            [whole(row) for row in held[first : first + count]] for first in (0, count, 2 * count)
        )
        # A pair may have several pools; what lies in the wallet is counted once.
        stakes = [
            ("wallet", pair, raw) for pair, raw in dict(zip(pairs, loose, strict=True)).items()
        ]
        stakes += [
            (f"pool:{number}", pair, raw)
            for number, (pair, raw) in enumerate(zip(pairs, staked, strict=True))
        ]
        used = [stake for stake in stakes if stake[2]]
        states = yield [call for _, pair, _ in used for call in _pair(pair)]
        positions = [
            position
            for number, stake in enumerate(used)
            for position in _parts(*stake, states[4 * number : 4 * number + 4])
        ]
        positions += [
            Position(f"pool:{number}:earned", PositionKind.REWARD, self.sushi, raw,
                     {"group": f"pool:{number}:{pairs[number]}"})
            for number, raw in enumerate(pending) if raw > 0
        ]  # fmt: skip
        return Reading(tuple(positions), frozenset(pairs))


def _pair(pair: str) -> list[Call]:
    return [
        Call(pair, "token0()", (), ("address",)),
        Call(pair, "token1()", (), ("address",)),
        Call(pair, "getReserves()", (), _RESERVES),
        Call(pair, "totalSupply()"),
    ]


def _parts(where: str, pair: str, raw: int, state: Any) -> list[Position]:
    (token0,), (token1,), reserves, (supply,) = (
        required(row, "a pair of SushiSwap") for row in state
    )
    group = f"{where}:{pair}"
    details = {"group": group, "shares": str(raw)}
    return [
        Position(f"{group}:{token}", PositionKind.LIQUIDITY, str(token), part, details)
        for token, reserve in zip((token0, token1), reserves[:2], strict=True)
        if (part := share(raw, supply, reserve)) > 0
    ]
