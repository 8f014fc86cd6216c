"""Refuses invisible text: a name of spaces, or of characters that no font draws.

Unicode's general categories, and of its `Default_Ignorable_Code_Point` (https://www.unicode.org/reports/tr44/) the fillers,
which are letters by category.
"""

import unicodedata

from pydantic import AfterValidator

_BLANK = frozenset("\u115f\u1160\u2800\u3164\uffa0")
"""Fillers of Hangul and the empty pattern of Braille."""


def is_seen(character: str) -> bool:
    """Whether a character shows something of its own: a letter, digit, sign or picture."""
    return unicodedata.category(character)[0] in "LNPS" and character not in _BLANK


def _some(text: str) -> str:
    if text and not any(map(is_seen, text)):
        raise ValueError("must hold something that can be seen")
    return text


def _all(text: str) -> str:
    if not all(map(is_seen, text)):
        raise ValueError("must not hold spaces or characters that cannot be seen")
    return text


VISIBLE = AfterValidator(_some)
"""For names and labels; an empty one is refused by its length, or means none. What stands beside is kept as it is."""

WHOLLY_VISIBLE = AfterValidator(_all)
"""For symbols and ids, of which two must not look the same: `BTC` and `BTC` with a zero-width space."""
