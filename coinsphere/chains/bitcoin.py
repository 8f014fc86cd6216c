"""Balances of Bitcoin by Esplora's interface: of an address, or of all addresses of an extended public key.

An extended key says by its first letter which addresses its wallet makes: `ypub` nested and `zpub` native segregated
witness; `xpub` is used for old addresses and, by newer wallets, for native ones, so both are looked for.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import httpx2
from embit import script
from embit.bip32 import HDKey

from coinsphere import log
from coinsphere.chains import addresses
from coinsphere.errors import BadPayload, ProviderError, Unavailable
from coinsphere.network import outbound

_GAP = 20
"""Unused addresses in a row after which a wallet looks no further (BIP-44)."""
_MOST_ADDRESSES = 1_000
_SOURCE = "bitcoin"
_LARGEST_ANSWER = 100_000
_MOST_SATOSHI = 21_000_000 * 10**8
_BRANCHES = (0, 1)

_log = log.get("wallets")
_Script = Callable[[HDKey], Any]


def _nested(key: HDKey) -> Any:
    return script.p2sh(script.p2wpkh(key))


_SCRIPTS: dict[str, tuple[_Script, ...]] = {
    "x": (script.p2pkh, script.p2wpkh),
    "y": (_nested,),
    "z": (script.p2wpkh,),
}


def balance(http: httpx2.Client, urls: Sequence[str], address: str) -> int:
    """Satoshi that an address, or an extended public key, holds in confirmed transactions.

    Raises:
        RateLimited, Unavailable, BadPayload: see there.
    """
    if not addresses.is_extended(address):
        return _look(http, urls, address)[0]
    key = addresses.extended_key(address)
    scripts = _SCRIPTS[address[0]]
    return sum(_branch(http, urls, key, branch, make) for make in scripts for branch in _BRANCHES)


def _branch(
    http: httpx2.Client, urls: Sequence[str], key: HDKey, branch: int, make: _Script
) -> int:
    total, unused = 0, 0
    for address in derived(key, branch, make):
        satoshi, used = _look(http, urls, address)
        total += satoshi
        unused = 0 if used else unused + 1
        if unused == _GAP:
            return total
    raise BadPayload(_SOURCE, f"more than {_MOST_ADDRESSES} addresses of one key")


def derived(key: HDKey, branch: int, make: _Script) -> Iterator[str]:
    """The addresses of a branch (0 receives, 1 takes change), the first thousand."""
    parent = key.child(branch)
    for number in range(_MOST_ADDRESSES):
        yield make(parent.child(number)).address()


def _look(http: httpx2.Client, urls: Sequence[str], address: str) -> tuple[int, bool]:
    """What an address holds, and whether it was ever used."""
    failure: ProviderError = Unavailable(_SOURCE, "no interface is set")
    for url in urls:
        try:
            return _ask(http, f"{url.rstrip('/')}/address/{address}")
        except ProviderError as error:
            _log.warning("node failed", chain=_SOURCE, node=httpx2.URL(url).host, error=str(error))
            failure = error
    raise failure


def _ask(http: httpx2.Client, url: str) -> tuple[int, bool]:
    answer = outbound.ask(http, _SOURCE, url, largest=_LARGEST_ANSWER)
    try:
        stats = answer["chain_stats"]
        satoshi = stats["funded_txo_sum"] - stats["spent_txo_sum"]
        used = stats["tx_count"] + answer["mempool_stats"]["tx_count"] > 0
    except (KeyError, TypeError):
        raise BadPayload(_SOURCE, "the answer makes no sense", repr(answer)) from None
    if not isinstance(satoshi, int) or not 0 <= satoshi <= _MOST_SATOSHI:
        raise BadPayload(_SOURCE, "no such amount exists", repr(answer))
    return satoshi, used
