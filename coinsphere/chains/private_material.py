"""Recognises seed phrases and private keys, so that they are refused before they are stored, logged or sent on."""

import json
import re
from functools import cache

from embit import base58
from embit.base import EmbitError

from coinsphere.chains.errors import SecretRefused

_SHORTEST_PHRASE = 12
_SHARE_OF_WORDS = 0.8
_WIF = re.compile(
    r"(?<![1-9A-HJ-NP-Za-km-z])[5KLc9][1-9A-HJ-NP-Za-km-z]{50,51}(?![1-9A-HJ-NP-Za-km-z])"
)
_EXTENDED = re.compile(r"\b[xyztuvYZUV]prv[1-9A-HJ-NP-Za-km-z]{50,}")
_HEX_KEY = re.compile(r"(?<![0-9a-fA-F])(?:0[xX])?[0-9a-fA-F]{64}(?![0-9a-fA-F])")
_SOLANA_KEY = re.compile(
    r"(?<![1-9A-HJ-NP-Za-km-z])[1-9A-HJ-NP-Za-km-z]{86,88}(?![1-9A-HJ-NP-Za-km-z])"
)
_BYTES = re.compile(r"\[\s*\d{1,3}(?:\s*,\s*\d{1,3}){31,63}\s*\]")
_KEY_SIZES = (32, 64)
_SECRET_KEY_BYTES = 64
_WIF_BYTES = (33, 34)
_WIF_VERSIONS = (0x80, 0xEF)


def refuse(*texts: str | None) -> None:
    """Raise `SecretRefused` where one of the texts holds a seed phrase or private key."""
    if any(text is not None and is_secret(text) for text in texts):
        raise SecretRefused


def is_secret(text: str) -> bool:
    """Whether a text holds a BIP-39 phrase, an extended or WIF key, 32 bytes of hex or a Solana key.

    A transaction's hash looks like a private key and is refused with it: no field of ours takes one.
    """
    return (
        _EXTENDED.search(text) is not None
        or _HEX_KEY.search(text) is not None
        or _holds_phrase(text)
        or any(_is_wif(match) for match in _WIF.findall(text))
        or any(_decoded_size(match) == _SECRET_KEY_BYTES for match in _SOLANA_KEY.findall(text))
        or any(_is_bytes(match) for match in _BYTES.findall(text))
    )


def _holds_phrase(text: str) -> bool:
    """Whether twelve words in a row are mostly of BIP-39's list, however they are set apart."""
    words = re.findall(r"[^\W\d_]+", text.lower())
    known = [word in _words() for word in words]
    return any(
        sum(known[first : first + _SHORTEST_PHRASE]) >= _SHARE_OF_WORDS * _SHORTEST_PHRASE
        for first in range(len(words) - _SHORTEST_PHRASE + 1)
    )


@cache
def _words() -> frozenset[str]:
    from embit.wordlists.bip39 import WORDLIST  # noqa: PLC0415  2,048 words that most processes never need

    return frozenset(WORDLIST)


def _is_wif(text: str) -> bool:
    try:
        data = base58.decode_check(text)
    except (EmbitError, ValueError):
        return False
    return len(data) in _WIF_BYTES and data[0] in _WIF_VERSIONS


def _decoded_size(text: str) -> int:
    try:
        return len(base58.decode(text))
    except (EmbitError, ValueError):
        return 0


def _is_bytes(text: str) -> bool:
    numbers = json.loads(text) if not re.search(r"\b0\d", text) else []
    return len(numbers) in _KEY_SIZES and all(number < 256 for number in numbers)  # noqa: PLR2004  a byte
