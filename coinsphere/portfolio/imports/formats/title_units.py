"""Reads the unit in the title of a column of numbers: `Price (EUR)`, `fee_btc`, `Preis in €`, `amount (mBTC)`.

Only the titles of a table that somebody maps are looked at: those of exchanges are known word by word.
"""

import re

from coinsphere.parsing.number_formats import currency_of
from coinsphere.portfolio.errors import UnreadableFile
from coinsphere.portfolio.imports.statements.record import MONEY

_SCALES = re.compile(
    r"[%‰]|\b(?:percent(?:age)?|prozent|pct|bps|basis points?|satoshis?|sats?|[gm]?wei|lamports?|cents?|pence|[mµμu]btc|"
    r"thousands?|millions?|billions?|mio|mrd|tsd|per [0-9]+|k)\b",
    re.IGNORECASE,
)
_WHOLE = re.compile(
    r"\b(?:(?:sub)?totals?|gesamt\w*|summe|proceeds|turnover|umsatz|subtotal)\b", re.IGNORECASE
)
_EACH = re.compile(r"\b(?:per|unit|each|avg|average|pro|je)\b", re.IGNORECASE)
_BRACKETED = re.compile(r"[(\[]\s*([A-Z][A-Z0-9]{1,9})\s*[)\]]")
_NO_UNITS = frozenset(("AVG", "NET", "INCL", "EXCL", "MAX", "MIN", "UTC", "GMT", "VAT", "NO", "ID"))


def unit(title: str) -> str | None:
    """The currency or token in capitals, `$` where it is one of several dollars; None where the title names none.

    Raises:
        UnreadableFile: it names parts or multiples, which would be read as wholes.
    """
    words = title.replace("_", " ")
    scale = _SCALES.search(words)
    if scale is not None:
        raise UnreadableFile(
            f"counts in {scale[0]!r} in the column {title.strip()!r}: write whole units, or leave the column out"
        )
    bracketed = [each for each in _BRACKETED.findall(title) if each not in _NO_UNITS]
    units = {*bracketed, *_money(words)}
    return units.pop() if len(units) == 1 else None


def require_each(title: str) -> None:
    """Raise where the title of prices names a total instead: `Total (EUR)`.

    Raises:
        UnreadableFile: it does.
    """
    words = title.replace("_", " ")
    whole = _WHOLE.search(words)
    if whole is not None and not _EACH.search(words):
        raise UnreadableFile(
            f"has a {whole[0]!r} in the column {title.strip()!r}, which is mapped as the price of one unit: leave it out"
        )


def _money(words: str) -> list[str]:
    signs = [currency for each in words if (currency := currency_of(each)) is not None]
    return signs + [
        each.upper() for each in re.findall(r"[A-Za-z]+", words) if each.upper() in MONEY
    ]
