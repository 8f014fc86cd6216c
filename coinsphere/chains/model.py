"""A wallet's holdings as its chain gives them: whole numbers of the smallest unit, before decimals are known."""

from dataclasses import dataclass
from decimal import Context, Decimal
from typing import NamedTuple

_EXACT = Context(prec=120)
_UNIT = Decimal(1).scaleb(-18)
_LARGEST = Decimal(10) ** 20
MOST_DECIMALS = 36


class TokenFacts(NamedTuple):
    """A token contract's own symbol and decimals; a symbol is a label, never an identity."""

    symbol: str | None
    decimals: int | None


@dataclass(frozen=True, slots=True)
class Balance:
    """`raw` of the smallest unit of a contract's token, or of the chain's coin where `contract` is empty."""

    contract: str
    raw: int
    facts: TokenFacts


def amount(raw: int, decimals: int | None) -> Decimal | None:
    """Units of a token, rounded to 18 digits after the point.

    None where the decimals are unknown or nonsense, or no numeric(38, 18) holds it: that is no balance to be believed.
    """
    if raw == 0:
        return Decimal(0)
    if decimals is None or not 0 <= decimals <= MOST_DECIMALS or raw < 0:
        return None
    exact = Decimal(raw).scaleb(-decimals, context=_EXACT)
    if exact >= _LARGEST:
        return None
    return exact if decimals <= 18 else exact.quantize(_UNIT, context=_EXACT)  # noqa: PLR2004  digits that we store
