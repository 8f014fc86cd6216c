"""Yearn V2: shares of vaults, as the token that they are made of; of a pool of Curve, as its coins."""

from dataclasses import dataclass

from coinsphere.chains.evm import balance_of
from coinsphere.chains.multicall import Call, Plan
from coinsphere.defi.model import Position, PositionKind, Reading, required, whole
from coinsphere.defi.protocols import curve


@dataclass(frozen=True, slots=True)
class YearnV2:
    """A deployment, by its registry of vaults and Curve's of pools."""

    registry: str
    curve_registry: str

    def __call__(self, owner: str) -> Plan[Reading]:
        """Plan: see `model.Reader`."""
        vaults = yield from self._vaults()
        found = yield [balance_of(vault, owner) for vault in vaults]
        held = [
            (vault, raw) for vault, row in zip(vaults, found, strict=True) if (raw := whole(row))
        ]
        rows = yield [
            call
            for vault, _ in held
            for call in (
                Call(vault, "token()", (), ("address",)),
                Call(vault, "pricePerShare()"),
                Call(vault, "decimals()"),
            )
        ]
        told = [required(row, "a vault of Yearn")[0] for row in rows]
        tokens = [str(each) for each in told[::3]]
        known = yield from curve.contents(self.curve_registry, tokens)
        positions: list[Position] = []
        for (vault, shares), token, price, decimals in zip(
            held, tokens, told[1::3], told[2::3], strict=True
        ):
            raw = shares * price // 10**decimals
            group = f"vault:{vault}"
            details: dict[str, object] = {"vault": vault}
            if token in known:
                positions += curve.parts(group, token, raw, known[token], details)
            elif raw:
                positions.append(
                    Position(group, PositionKind.SUPPLIED, token, raw, {"group": group, **details})
                )
        return Reading(tuple(positions), frozenset(vaults))

    def _vaults(self) -> Plan[list[str]]:
        """Every vault that was ever endorsed: who holds shares of an old one holds them still."""
        (found,) = yield [Call(self.registry, "numTokens()")]
        (count,) = required(found, "the vaults of Yearn")
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
