"""Rocket Pool: staked ether as rETH, whose value in ether grows."""

from dataclasses import dataclass

from coinsphere.chains.blockchains import NATIVE
from coinsphere.chains.evm import balance_of
from coinsphere.chains.multicall import Call, Plan
from coinsphere.defi.model import Position, PositionKind, Reading, required

_WORTH = "getEthValue(uint256)"


@dataclass(frozen=True, slots=True)
class RocketPool:
    """A deployment, by its token."""

    reth: str

    def __call__(self, owner: str) -> Plan[Reading]:
        """Plan: see `model.Reader`."""
        (balance,) = yield [balance_of(self.reth, owner)]
        (shares,) = required(balance, "rETH of Rocket Pool")
        if not shares:
            return Reading((), frozenset((self.reth,)), {self.reth: _WORTH})
        (worth,) = yield [Call(self.reth, _WORTH, (shares,))]
        raw = int(required(worth, "the worth of rETH")[0])
        staked = Position(
            "reth", PositionKind.STAKED, NATIVE, raw, {"as": "rETH", "shares": str(shares)}
        )
        return Reading((staked,), frozenset((self.reth,)), {self.reth: _WORTH})
