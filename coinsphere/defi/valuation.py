"""Values positions at our own prices. Debts are subtracted; a position without a price is named and not counted."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext

from coinsphere.defi.model import PositionKind
from coinsphere.defi.repository import StoredPosition

_EXACT = Context(prec=120)
_UNIT = Decimal(1).scaleb(-18)
_ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums in US dollars; None where nothing of the kind has a price."""

    total_value: Decimal | None
    by_kind: dict[PositionKind, Decimal | None]
    by_protocol: dict[str, Decimal | None]
    unpriced: list[str]


def value(position: StoredPosition) -> Decimal | None:
    """The value in US dollars that a position adds, negative for a debt; None without a price."""
    if position.price is None:
        return None
    with localcontext(_EXACT):
        worth = (position.amount * position.price).quantize(_UNIT)
    return -worth if position.position_type == PositionKind.BORROWED else worth


def totals(positions: Sequence[StoredPosition]) -> Totals:
    """Sums over positions. The sum of the kind `borrowed` is positive."""
    by_kind: dict[PositionKind, list[Decimal | None]] = {kind: [] for kind in PositionKind}
    by_protocol: dict[str, list[Decimal | None]] = defaultdict(list)
    for each in positions:
        worth = value(each)
        by_kind[PositionKind(each.position_type)].append(None if worth is None else abs(worth))
        by_protocol[each.protocol_slug].append(worth)
    return Totals(
        total_value=known_sum([value(each) for each in positions]),
        by_kind={kind: known_sum(parts) for kind, parts in by_kind.items()},
        by_protocol={slug: known_sum(parts) for slug, parts in by_protocol.items()},
        unpriced=sorted(
            {each.token_symbol or each.contract_address for each in positions if each.price is None}
        ),
    )


def known_sum(parts: Sequence[Decimal | None]) -> Decimal | None:
    """The sum of the known parts: zero of no parts, None of unknown parts alone."""
    known = [part for part in parts if part is not None]
    if parts and not known:
        return None
    with localcontext(_EXACT):
        return sum(known, _ZERO)
