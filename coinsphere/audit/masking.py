"""Masks what the audit log stores: short, on one line, without secrets and without full addresses."""

import ipaddress
import re
from collections.abc import Mapping

from coinsphere import log

Detail = str | int | bool | None

_LONGEST_TEXT = 500
_MOST_DETAILS = 20

_EMAIL = re.compile(r"([\w.!#$%&'*+/=?^`{|}~-])[\w.!#$%&'*+/=?^`{|}~-]*@([\w-]+(\.[\w-]+)+)")
_CHAIN_ADDRESS = re.compile(
    r"\b(0x[0-9a-fA-F]{4}|bc1[0-9a-z]{3})[0-9a-zA-Z]{16,}([0-9a-zA-Z]{4})\b"
)


def network(address: str | None) -> str | None:
    """The /24 (IPv4) or /48 (IPv6) network of an address: it shows the origin, but names no household.

    None where `address` is none.
    """
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    bits = 24 if parsed.version == 4 else 48  # noqa: PLR2004  the Internet Protocol's version
    return str(ipaddress.ip_network((parsed, bits), strict=False))


def text(value: str | None) -> str | None:
    """`value` on one line of at most 500 characters; secrets, mail and wallet addresses are masked."""
    if value is None:
        return None
    masked = _CHAIN_ADDRESS.sub(r"\1…\2", _EMAIL.sub(r"\1***@\2", log.redact_text(value)))
    return log.printable(masked[:_LONGEST_TEXT])


def details(values: Mapping[str, Detail]) -> dict[str, Detail]:
    """The first 20 of `values`, each masked like `text`; a value whose name is a secret's is masked whole."""
    kept = list(values.items())[:_MOST_DETAILS]
    return {log.printable(name)[:_LONGEST_TEXT]: _detail(name, value) for name, value in kept}


def _detail(name: str, value: Detail) -> Detail:
    if isinstance(value, bool) or value is None:
        return value
    if log.is_secret_name(name):
        return log.MASK
    return value if isinstance(value, int) else text(str(value))
