"""Identifies equal rows and transactions of a file, by their own ids, else by their content."""

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import fields, replace
from decimal import Decimal
from operator import attrgetter
from typing import NamedTuple

from coinsphere.parsing.decimals import plain
from coinsphere.portfolio.imports.formats.row import Cells, Parsed, Problem, text


class Numbered(NamedTuple):
    """A row, and the line on which it begins."""

    number: int
    cells: Cells


def told_once(
    rows: list[Numbered], identity: str | None, names: Mapping[str, str]
) -> tuple[list[Numbered], list[Problem], list[Problem]]:
    """Rows without repetitions by id, as where two exports overlap; two different rows of one id contradict."""
    first: dict[str, Numbered] = {}
    once, again, contradicting = [], [], []
    for row in rows:
        name = text(row.cells, identity) if identity else None
        earlier = first.setdefault(name, row) if name else row
        if earlier is row:
            once.append(row)
        elif earlier.cells == row.cells:
            again.append(Problem(row.number, None, f"is line {earlier.number} again"))
        else:
            reason = f"is that of line {earlier.number}, which says something else"
            column = names.get(identity or "", identity)
            contradicting.append(Problem(row.number, column, reason))
    return once, again, contradicting


def named(parsed: list[tuple[int, Parsed]], form: str) -> list[tuple[int, Parsed]]:
    """The transactions with ids: the source's own, or one by content and the number of equal ones before.

    `form` is the format, or that whose names it shares.
    """
    seen: Counter[str] = Counter()
    with_ids = []
    for line, each in parsed:
        if each.external_id is None:
            says = _digest(each)
            seen[says] += 1
            name = f"{form}:{says}:{seen[says]}"
        else:
            name = each.external_id if form == "coinsphere" else f"{form}:{each.external_id}"
        with_ids.append((line, replace(each, external_id=name[:200])))
    return with_ids


_SAYS = attrgetter(*(each.name for each in fields(Parsed)))


def _digest(parsed: Parsed) -> str:
    """By what it says, not by how the file writes it: `1.50` and `1.5` are the same."""
    parts = [plain(part) if isinstance(part, Decimal) else str(part) for part in _SAYS(parsed)]
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]
