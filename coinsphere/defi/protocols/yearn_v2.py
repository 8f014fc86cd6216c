"""Yearn V2: shares of vaults as the token behind them; where that is a share of a Curve pool, as its coins."""

from collections.abc import Sequence
from dataclasses import dataclass

from coinsphere.chains.evm import balance_of
from coinsphere.chains.multicall import Call, Plan, Result, grouped
from coinsphere.defi.model import Position, PositionKind, Reading, required, whole
from coinsphere.defi.protocols import curve
from coinsphere.defi.protocols.curve import Contents


@dataclass(frozen=True, slots=True)
class YearnV2:
    """A deployment, by its registry of vaults and Curve's of pools."""

    registry: str
    curve_registry: str

    def __call__(self, owner: str) -> Plan[Reading]:
        """Plan: see `model.Reader`."""
        vaults = yield from self._vaults()
        rows = yield [balance_of(vault, owner) for vault in vaults]
        balances = [
            (vault, shares)
            for vault, row in zip(vaults, rows, strict=True)
            if (shares := whole(row))
        ]
        states = yield from grouped([_state(vault) for vault, _ in balances])
        worth = [
            (vault, *_worth(shares, state))
            for (vault, shares), state in zip(balances, states, strict=True)
        ]
        contents = yield from curve.contents(self.curve_registry, [token for _, token, _ in worth])
        positions = [
            position
            for vault, token, raw in worth
            for position in _positions(vault, token, raw, contents.get(token))
        ]
        return Reading(tuple(positions), frozenset(vaults))

    def _vaults(self) -> Plan[list[str]]:
        """Every vault that was ever endorsed: who holds shares of an old one holds them still."""
        (length,) = yield [Call(self.registry, "numTokens()")]
        (count,) = required(length, "the vaults of Yearn")
        rows = yield [
            Call(self.registry, "tokens(uint256)", (number,), ("address",))
            for number in range(count)
        ]
        tokens = [required(row, "the vaults of Yearn")[0] for row in rows]
        counts = yield [Call(self.registry, "numVaults(address)", (token,)) for token in tokens]
        found_vaults = yield [
            Call(self.registry, "vaults(address,uint256)", (token, number), ("address",))
            for token, each in zip(tokens, counts, strict=True)
            for number in range(whole(each))
        ]
        vaults = (str(required(row, "a vault of Yearn")[0]) for row in found_vaults)
        return list(dict.fromkeys(vaults))


def _state(vault: str) -> list[Call]:
    return [
        Call(vault, "token()", (), ("address",)),
        Call(vault, "pricePerShare()"),
        Call(vault, "decimals()"),
    ]


def _worth(shares: int, state: Sequence[Result]) -> tuple[str, int]:
    """The token behind a vault, and the amount of it that some shares stand for."""
    (token,), (price,), (decimals,) = (required(row, "a vault of Yearn") for row in state)
    return str(token), shares * price // 10**decimals


def _positions(vault: str, token: str, raw: int, of: Contents | None) -> list[Position]:
    group = f"vault:{vault}"
    if of is not None:
        return curve.parts(group, token, raw, of, {"vault": vault})
    details = {"group": group, "vault": vault}
    return [Position(group, PositionKind.SUPPLIED, token, raw, details)] if raw else []
