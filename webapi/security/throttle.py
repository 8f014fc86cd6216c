"""Throttles guesses at secrets, by whomever and from wherever, counted in PostgreSQL, for known and unknown accounts alike.

After the fifth wrong guess the wait doubles from a second to a quarter of an hour, and after a hundred in a row
only a new password opens again. A stranger must not lock the owner out by that: guesses from a network that the owner
has used are counted apart, and a link by mail clears all counts.
"""

import hashlib
import hmac
import ipaddress
import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from psycopg import Connection

from coinsphere.security.symmetric_keys import SymmetricKeys
from webapi.http import errors

FREE = 5
WINDOW = timedelta(minutes=15)
LONGEST_WAIT = timedelta(minutes=15)
MOST = 100
_NEVER = timedelta(days=3650)
_KNOWN_DAYS = 90

_BLOCKED = (
    "select blocked_until from app.login_failures where key = %(key)s and blocked_until > %(now)s"
)
_STRANGERS = """
    select count(*) from (
        select from app.login_failures where last_failed_at > %(since)s limit %(most)s
    ) as recent
"""
_FAILED = """
    insert into app.login_failures (key, recent, consecutive, last_failed_at, blocked_until)
    values (%(key)s, 1, 1, %(now)s, %(now)s)
    on conflict (key) do update set
        recent = case
            when greatest(login_failures.last_failed_at, login_failures.blocked_until) + %(window)s < %(now)s then 1
            else login_failures.recent + 1
        end,
        consecutive = login_failures.consecutive + 1,
        last_failed_at = %(now)s
    returning recent, consecutive
"""
_BLOCK = "update app.login_failures set blocked_until = %(until)s where key = %(key)s"
_FORGET = "delete from app.login_failures where key = any(%(keys)s)"
_KNOWN_NETWORK = """
    select exists (
        select from app.sessions s join app.users u on u.id = s.user_id
        where lower(u.email) = lower(%(login)s) and s.ip_address <<= %(network)s::inet and s.created_at > %(since)s
    )
"""


class Kind(StrEnum):
    """A kind of secret that can be guessed."""

    PASSWORD = "password"  # noqa: S105 - a name, no password
    SECOND_FACTOR = "second_factor"


@dataclass(frozen=True, slots=True)
class Guarded:
    """A secret that is guarded against one kind of guesser.

    Attributes:
        key: names it in the database; an HMAC, so that the table is no list of accounts.
        others: the keys that a new password clears, this one among them.
        is_known: whether the guess comes from a network that the owner has used.
    """

    key: bytes
    others: tuple[bytes, ...]
    is_known: bool


def account(
    conn: Connection,
    keys: SymmetricKeys,
    kind: Kind,
    *,
    login: str,
    address: str | None,
    now: datetime,
) -> Guarded:
    """The guard of a secret of an account, which need not exist, against a guess from `address`."""
    network = network_of(address)
    since = now - timedelta(days=_KNOWN_DAYS)
    parameters = {"login": login, "network": network, "since": since}
    row = conn.execute(_KNOWN_NETWORK, parameters).fetchone()
    is_known = network is not None and row is not None and bool(row[0])
    strangers = _key(keys, kind, login.casefold())
    own = _key(keys, kind, login.casefold(), str(network))
    return Guarded(own if is_known else strangers, (own, strangers), is_known)


def require_patience(
    conn: Connection, guarded: Guarded, most_strangers: int, now: datetime
) -> None:
    """Raise where a guess comes too soon.

    Args:
        conn: the present transaction.
        guarded: what is guessed at.
        most_strangers: so many secrets guessed wrongly within a quarter of an hour are an attack on all accounts;
            who comes from a known network still gets in.
        now: the present instant.

    Raises:
        errors.Problem: 429, with the seconds to wait.
    """
    row = conn.execute(_BLOCKED, {"key": guarded.key, "now": now}).fetchone()
    if row is not None:
        raise _too_soon(min(row[0] - now, LONGEST_WAIT))
    if not guarded.is_known:
        parameters = {"since": now - WINDOW, "most": most_strangers}
        count = conn.execute(_STRANGERS, parameters).fetchone()
        if count is not None and count[0] >= most_strangers:
            raise _too_soon(LONGEST_WAIT)


def failed(conn: Connection, guarded: Guarded, now: datetime) -> None:
    """Count a wrong guess; the caller must commit `conn`."""
    parameters = {"key": guarded.key, "now": now, "window": WINDOW}
    row = conn.execute(_FAILED, parameters).fetchone()
    assert row is not None
    wait = _wait(*row)
    if wait:
        conn.execute(_BLOCK, {"key": guarded.key, "until": now + wait})


def forget(conn: Connection, guarded: Guarded) -> None:
    """Reset the counter of a guesser, after a right guess."""
    conn.execute(_FORGET, {"keys": [guarded.key]})


def forget_all(
    conn: Connection, keys: SymmetricKeys, *, login: str, address: str | None, now: datetime
) -> None:
    """Reset the counters of strangers and of `address`, after a new password."""
    guarded = [account(conn, keys, kind, login=login, address=address, now=now) for kind in Kind]
    conn.execute(_FORGET, {"keys": [key for each in guarded for key in each.others]})


def network_of(address: str | None) -> str | None:
    """The network that an address shares with its neighbours: /24, or /64 of IPv6; None if it is no address."""
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped:
        parsed = parsed.ipv4_mapped
    bits = 24 if parsed.version == 4 else 64  # noqa: PLR2004 - the Internet Protocol's version
    return str(ipaddress.ip_network((parsed, bits), strict=False))


def _wait(recent: int, consecutive: int) -> timedelta:
    if consecutive >= MOST:
        return _NEVER
    if recent < FREE:
        return timedelta(0)
    # Bounded first: 2 to the 90th seconds are no timedelta.
    return min(timedelta(seconds=2 ** min(recent - FREE, 20)), LONGEST_WAIT)


def _key(keys: SymmetricKeys, *parts: str) -> bytes:
    return hmac.digest(keys.active.secret, "\0".join(parts).encode(), hashlib.sha256)


def _too_soon(wait: timedelta) -> errors.Problem:
    seconds = max(1, math.ceil(wait.total_seconds()))
    return errors.Problem(
        429,
        "too many wrong attempts",
        detail="Wait before you try again, or choose a new password by mail.",
        code="too-many-attempts",
        headers={"Retry-After": str(seconds)},
        extra={"retryAfter": seconds},
    )
