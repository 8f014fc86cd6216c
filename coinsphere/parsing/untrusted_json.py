"""Checks JSON from outside as text, before a parser recurses into it.

A parser of C recurses at each bracket. How deep it may is a limit of the whole process, which a library can raise on
import; 50,000 brackets then end the process. So the depth is measured here, without recursion and in linear time.
Names that stand twice are looked for as well: parsers take the last, other readers the first (RFC 8259, section 4).
"""

import json
import re
from collections.abc import Callable
from typing import Any

import msgspec

LEVELS = 32
"""Of what callers of ours send."""
PROVIDER_LEVELS = 100
"""Of what servers of others answer."""

_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_OTHERS = bytes(set(range(256)) - set(b"[]{}"))
_AS_SQUARE = bytes.maketrans(b"{}", b"[]")


class TooDeep(ValueError):
    """JSON that is nested deeper than a parser may go."""


class Repeated(ValueError):
    """JSON with an object that has the same name twice.

    Args:
        name: the name.
    """

    def __init__(self, name: str) -> None:
        super().__init__(f"the name {name[:100]!r} stands twice")
        self.name = name[:100]


def outline(text: bytes) -> bytes:
    """A JSON text without its strings; of one that is cut off, without what follows the quotation mark."""
    return _STRING.sub(b"", text)


def require_shallow(bare: bytes, levels: int) -> None:
    """Refuse what is nested deeper than `levels`, also where it is no JSON otherwise.

    Args:
        bare: what `outline` gives.
        levels: arrays and objects that may lie in one another.

    Raises:
        TooDeep: it is.
    """
    if bare.count(b"[") + bare.count(b"{") <= levels:
        return
    brackets = bare.translate(None, _OTHERS).translate(_AS_SQUARE)
    # Each pass takes the innermost pairs away.
    for _ in range(levels):
        if b"[" not in brackets:
            return
        brackets = brackets.replace(b"[]", b"")
    if b"[" in brackets:
        raise TooDeep(f"JSON nested deeper than {levels}")


def refuse_repeated(bare: bytes, value: Any, text: bytes) -> None:
    """Refuse a text in which an object has a name twice.

    Args:
        bare: what `outline` gives of `text`: it has a colon for each member.
        value: what a parser made of it, at most some levels deep.
        text: valid JSON.

    Raises:
        Repeated: there is one.
    """
    if bare.count(b":") != _members(value):
        json.loads(text, object_pairs_hook=unique, parse_int=str, parse_float=str)


def decode(
    text: bytes | str, parse: Callable[[str], Any] = json.loads, levels: int = PROVIDER_LEVELS
) -> Any:
    """The value of a JSON text of another server, or of a file.

    Args:
        text: in UTF-8 where it is bytes, as RFC 8259 wants it between systems.
        parse: the parser.
        levels: containers that may lie in one another.

    Raises:
        ValueError: it is no JSON, or nested deeper.
    """
    if isinstance(text, bytes):
        # json.loads would take other encodings, in which brackets hide from a search for bytes.
        text = text.decode()
    require_shallow(outline(text.encode(errors="surrogatepass")), levels)
    try:
        return parse(text)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(str(error)) from error


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object from its members, as `object_pairs_hook` of `json.loads`.

    Raises:
        Repeated: a name stands twice.
    """
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise Repeated(name)
        seen.add(name)
    return dict(pairs)


def _members(value: Any) -> int:
    if isinstance(value, dict):
        return len(value) + sum(map(_members, value.values()))
    return sum(map(_members, value)) if isinstance(value, list) else 0
