"""Rules for new passwords: long enough, not among the most common, and not derived from known data.

The list of common passwords is zxcvbn's, of 30,000; nothing is asked of the network.
"""

from collections.abc import Iterable
from functools import cache

from webapi.http import errors

MIN_CHARACTERS = 8
MAX_BYTES = 256
_SHORTEST_WORD = 3
_LEAST_REST = 5
"""So many characters must be left of a password once the known words are taken out of it."""
_PRODUCT = ("coinsphere", "password")


def problem_with(password: str) -> str | None:
    """The reason to refuse `password` for anybody; None if it is good."""
    if len(password) < MIN_CHARACTERS:
        return f"must have at least {MIN_CHARACTERS} characters"
    if len(password.encode()) > MAX_BYTES:
        return f"must have at most {MAX_BYTES} bytes"
    if password.casefold() in _common():
        return "is one of the passwords that are tried first"
    return None


def problem_in_context(password: str, words: Iterable[str | None]) -> str | None:
    """The reason to refuse `password` for somebody with these names and addresses; None if it is good."""
    rest = password.casefold()
    known = {part for word in (*_PRODUCT, *words) for part in _parts(word)}
    for word in sorted(known, key=len, reverse=True):
        rest = rest.replace(word, "")
    made_of_it = rest != password.casefold() and len(rest) < _LEAST_REST
    return "must not be made of your name, your address or ours" if made_of_it else None


def require_unrelated(password: str, *words: str | None, path: str) -> None:
    """Refuse a password that is derived from its owner's data.

    Args:
        password: to be chosen.
        words: names and addresses of the owner.
        path: the field that it came in.

    Raises:
        errors.Problem: 400 that names the field.
    """
    problem = problem_in_context(password, words)
    if problem is not None:
        raise errors.invalid([{"path": path, "message": problem, "code": "value_error"}])


def _parts(word: str | None) -> set[str]:
    """The words in a name or address that are long enough to matter, whole and split at signs."""
    text = (word or "").casefold()
    local = text.partition("@")[0]
    signs = "".join(" " if not character.isalnum() else character for character in local)
    return {part for part in (text, local, *signs.split()) if len(part) >= _SHORTEST_WORD}


@cache
def _common() -> frozenset[str]:
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415  half a second, needed only here

    return frozenset(word for word in FREQUENCY_LISTS["passwords"] if len(word) >= MIN_CHARACTERS)
