"""Scopes of API keys, and the scope that each route requires."""

import json
from enum import StrEnum
from functools import cache
from importlib import resources


class KeyScope(StrEnum):
    """One kind of act that a key may be allowed."""

    MARKET_READ = "market:read"
    PORTFOLIOS_READ = "portfolios:read"
    PORTFOLIOS_WRITE = "portfolios:write"
    ALERTS_READ = "alerts:read"
    ALERTS_WRITE = "alerts:write"
    DEFI_READ = "defi:read"
    DEFI_WRITE = "defi:write"
    EXCHANGES_READ = "exchanges:read"
    EXCHANGES_WRITE = "exchanges:write"
    PAYOUTS_WRITE = "payouts:write"


SIGNED = frozenset((KeyScope.EXCHANGES_WRITE, KeyScope.PAYOUTS_WRITE))
"""They change where money or secrets go: a key that has one of them must sign its requests."""


BY_FIELD = "by-field"
"""What the policy says of a route whose parts each ask for the scope of the route that gives the same."""


def needed(method: str, rule: str) -> KeyScope | None:
    """The scope that `method` on the route `rule` requires of a key; None where no key may call it, or see `is_by_field`."""
    entry = policy().get(f"{'GET' if method == 'HEAD' else method} {rule}", {})
    scope = entry.get("scope")
    return None if scope in (None, BY_FIELD) else KeyScope(str(scope))


def is_by_field(method: str, rule: str) -> bool:
    """Whether a key may call a route of which each part of the answer requires its own scope."""
    return policy().get(f"{method} {rule}", {}).get("scope") == BY_FIELD


@cache
def policy() -> dict[str, dict[str, str | None]]:
    """The policy file: by method and route, who may call it (`access`) and the scope a key needs (`scope`).

    The decorators of the routes decide on access; a test compares them, and what each role gets, with this file. On
    scopes this file decides: a route that it does not name is closed to keys.
    """
    text = (resources.files("webapi.security") / "policy.json").read_text()
    rules: dict[str, dict[str, str | None]] = json.loads(text)
    return rules
