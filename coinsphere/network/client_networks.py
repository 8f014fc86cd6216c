"""By which address callers are counted."""

import ipaddress


def network(address: str) -> str:
    """An address, or of IPv6 its /64: so many a household has at least, and so many a stranger can take in turn."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:  # noqa: PLR2004 - the Internet Protocol's version
        return address
    return str(parsed.ipv4_mapped or ipaddress.ip_network((parsed, 64), strict=False))
