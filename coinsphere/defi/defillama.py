"""The client of DefiLlama: the value in each protocol and the yields of its largest pools, checked for plausibility.

Two answers of some megabytes hold everything; https://api-docs.defillama.com describes them.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx2
from psycopg import Connection

from coinsphere.chains.blockchains import EVM
from coinsphere.errors import BadPayload, ProviderError
from coinsphere.market.sources.decimals import rounded
from coinsphere.market.sources.logos import logo
from coinsphere.network import outbound

NAME = "defillama"
SLUGS = {
    "uniswap-v3": "uniswap-v3",
    "aave-v3": "aave-v3",
    "compound-v2": "compound-v2",
    "compound-v3": "compound-v3",
    "curve": "curve-dex",
    "lido": "lido",
    "rocket-pool": "rocket-pool",
    "yearn-v2": "yearn-finance",
    "convex": "convex-finance",
    "balancer-v2": "balancer-v2",
    "sushiswap": "sushiswap",
}
"""Our protocols by DefiLlama's names."""

_LARGEST_ANSWER = 64 * 1024 * 1024
_POOLS = 20
"""Pools kept of a protocol, the largest ones."""
_MOST_DOLLARS = Decimal(10) ** 13
_LEAST_APY, _MOST_APY = Decimal(-100), Decimal(100_000)
_LONGEST_SYMBOL = 100
_LONGEST_REASON = 300
_JUMP = 10
_BELIEVED_AFTER = timedelta(days=7)
"""A value that is ten times the last one, or a tenth, is not taken before the last one is so old."""
_CHAINS = {"binance": "bsc", "op mainnet": "optimism"}
_NONSENSE = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError)
_NOT_TOLD = "its source does not tell of it"

_STORED = "select slug, id, tvl, tvl_observed_at from app.defi_protocols"
_TVL = """
    update app.defi_protocols set
        tvl = %(tvl)s, tvl_observed_at = %(now)s, source = %(source)s, logo_url = coalesce(%(logo)s, logo_url),
        untold = null
    where id = %(id)s
"""
_UNTOLD = "update app.defi_protocols set untold = %(why)s where id = %(id)s"
_UNTOLD_AT_ALL = "update app.defi_protocols set untold = %(why)s"
_FORGET = "delete from app.defi_yields where protocol_id = %(id)s"
_YIELD = """
    insert into app.defi_yields
        (protocol_id, pool, blockchain, symbol, tvl, apy, apy_base, apy_reward, observed_at)
    values (%(id)s, %(pool)s, %(blockchain)s, %(symbol)s, %(tvl)s, %(apy)s, %(apy_base)s, %(apy_reward)s, %(now)s)
"""


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool's yields in percent a year, and US dollars in it."""

    pool: str
    blockchain: str
    symbol: str
    tvl: Decimal
    apy: Decimal | None
    apy_base: Decimal | None
    apy_reward: Decimal | None


@dataclass(slots=True)
class Report:
    """The number of values that a refresh stored, and the reasons of what it refused."""

    protocols: int = 0
    pools: int = 0
    refused: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Snapshot:
    """Figures of protocols from a source, by our slugs.

    Attributes:
        source: its name.
        tvl: US dollars in a protocol.
        logos: addresses of pictures.
        pools: the largest ones of a protocol.
        refused: reasons why rows were refused; `unbelieved` has those that concern a protocol's value, by protocol.
        missing: why one of the two responses is missing.
    """

    source: str
    tvl: dict[str, Decimal] = field(default_factory=dict)
    logos: dict[str, str] = field(default_factory=dict)
    pools: dict[str, list[Pool]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    unbelieved: dict[str, str] = field(default_factory=dict)
    missing: ProviderError | None = None


def fetch(http: httpx2.Client, url: str, yields_url: str) -> Snapshot:
    """The figures that DefiLlama has of our protocols; where one of its two responses is missing, the content of the other.

    Raises:
        RateLimited, Unavailable, BadPayload: neither came; see there.
    """
    ours = {theirs: slug for slug, theirs in SLUGS.items()}
    snapshot = Snapshot(NAME)
    errors: list[ProviderError] = []
    for address, read in ((f"{url}/protocols", _read_values), (f"{yields_url}/pools", _read_pools)):
        try:
            read(snapshot, outbound.ask(http, NAME, address, largest=_LARGEST_ANSWER), ours)
        except ProviderError as error:
            errors.append(error)
    if len(errors) == 2:  # noqa: PLR2004 - both
        raise errors[0]
    snapshot.missing = errors[0] if errors else None
    return snapshot


def _read_values(snapshot: Snapshot, answer: Any, ours: Mapping[str, str]) -> None:
    for row in _rows(answer):
        slug = ours.get(str(row.get("slug")))
        if slug is not None:
            _take(snapshot, slug, row)


def _read_pools(snapshot: Snapshot, answer: Any, ours: Mapping[str, str]) -> None:
    pools: dict[str, dict[str, Pool]] = defaultdict(dict)
    for row in _rows(answer.get("data") if isinstance(answer, dict) else None):
        slug = ours.get(str(row.get("project")))
        if slug is not None and _chain(row) in EVM:
            _add(pools[slug], slug, row, snapshot.refused)
    for slug, named in pools.items():
        largest = sorted(named.values(), key=lambda pool: (-pool.tvl, pool.pool))
        snapshot.pools[slug] = largest[:_POOLS]


def store(conn: Connection, snapshot: Snapshot, now: datetime) -> Report:
    """Store plausible values; a protocol without one keeps its last, with its age and the reason."""
    report = Report(refused=list(snapshot.refused))
    for slug, protocol_id, tvl, observed_at in conn.execute(_STORED).fetchall():
        new = snapshot.tvl.get(slug)
        reason = snapshot.unbelieved.get(slug, str(snapshot.missing or _NOT_TOLD))
        if new is not None and _is_jump(new, tvl, observed_at, now):
            reason = f"{new:f} US dollars after {tvl:f} is no change to believe"
            report.refused.append(f"{slug}: {reason}")
            new = None
        if new is None:
            conn.execute(_UNTOLD, {"id": protocol_id, "why": reason})
        else:
            logo_url = snapshot.logos.get(slug)
            values = {"id": protocol_id, "tvl": new, "now": now, "logo": logo_url}
            conn.execute(_TVL, {**values, "source": snapshot.source})
            report.protocols += 1
        if slug in snapshot.pools:
            _store_pools(conn, protocol_id, snapshot.pools[slug], now)
            report.pools += len(snapshot.pools[slug])
    return report


def note_absence(conn: Connection, error: ProviderError) -> None:
    """Store at every protocol why the last request brought nothing; its last values stay, with their age."""
    conn.execute(_UNTOLD_AT_ALL, {"why": str(error)[:_LONGEST_REASON]})


def _store_pools(conn: Connection, protocol_id: UUID, pools: Iterable[Pool], now: datetime) -> None:
    conn.execute(_FORGET, {"id": protocol_id})
    rows = [
        {"id": protocol_id, "now": now, **{name: getattr(pool, name) for name in pool.__slots__}}
        for pool in pools
    ]
    with conn.cursor() as cursor:
        cursor.executemany(_YIELD, rows)


def _is_jump(
    new: Decimal, stored: Decimal | None, observed_at: datetime | None, now: datetime
) -> bool:
    if not stored or observed_at is None or now - observed_at > _BELIEVED_AFTER:
        return False
    return not stored / _JUMP <= new <= stored * _JUMP


def _rows(answer: Any) -> Iterable[Mapping[str, Any]]:
    if not isinstance(answer, list):
        raise BadPayload(NAME, "the answer is no list", repr(answer))
    return (row for row in answer if isinstance(row, dict))


def _take(snapshot: Snapshot, slug: str, row: Mapping[str, Any]) -> None:
    picture = logo(row.get("logo"))
    if picture is not None:
        snapshot.logos[slug] = picture
    try:
        snapshot.tvl[slug] = _dollars(row["tvl"])
    except _NONSENSE as error:
        snapshot.unbelieved[slug] = f"its value makes no sense ({error})"[:_LONGEST_REASON]
        snapshot.refused.append(f"{slug}: {snapshot.unbelieved[slug]}")


def _add(pools: dict[str, Pool], slug: str, row: Mapping[str, Any], refused: list[str]) -> None:
    """Add a pool by its name; of duplicates the first stays."""
    try:
        pool = Pool(
            pool=_text(row["pool"]),
            blockchain=_chain(row),
            symbol=_text(row["symbol"]),
            tvl=_dollars(row["tvlUsd"]),
            apy=_percent(row["apy"]),
            apy_base=_percent(row.get("apyBase")),
            apy_reward=_percent(row.get("apyReward")),
        )
    except _NONSENSE as error:
        refused.append(f"{slug}: a pool makes no sense ({error})")
        return
    if pools.setdefault(pool.pool, pool) != pool:
        refused.append(f"{slug}: the pool {pool.pool} stands twice and differs")


def _chain(row: Mapping[str, Any]) -> str:
    name = str(row.get("chain")).lower()
    return _CHAINS.get(name, name)


def _text(value: Any) -> str:
    if (
        not isinstance(value, str)
        or not value.isprintable()
        or not 0 < len(value) <= _LONGEST_SYMBOL
    ):
        raise ValueError("a name is none")
    return value


def _dollars(value: Any) -> Decimal:
    amount = rounded(value)
    if isinstance(value, bool | str) or not 0 <= amount < _MOST_DOLLARS:
        raise ValueError(f"{value} US dollars")
    return amount


def _percent(value: Any) -> Decimal | None:
    if value is None:
        return None
    percent = rounded(value)
    if isinstance(value, bool | str) or not _LEAST_APY <= percent <= _MOST_APY:
        raise ValueError(f"{value} %")
    return percent
