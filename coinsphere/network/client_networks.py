"""The network that a caller is counted by."""

import ipaddress


def network(address: str) -> str:
    """The address, or the /64 of an IPv6 address: a household has at least that many."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:  # noqa: PLR2004 - the Internet Protocol's version
        return address
    return str(parsed.ipv4_mapped or ipaddress.ip_network((parsed, 64), strict=False))
