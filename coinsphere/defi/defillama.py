"""DefiLlama: what lies in each protocol and what its largest pools yield, checked before it is believed.

Two answers of some megabytes hold everything; https://api-docs.defillama.com describes them.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID

import httpx2
from psycopg import Connection

from coinsphere.errors import BadPayload
from coinsphere.market.sources.decimals import rounded
from coinsphere.wallets import outbound
from coinsphere.wallets.chains import EVM

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
_JUMP = 10
_BELIEVED_AFTER = timedelta(days=7)
"""A value that is ten times the last one, or a tenth, is not taken before the last one is so old."""
_CHAINS = {"binance": "bsc", "op mainnet": "optimism"}
_NONSENSE = (KeyError, TypeError, ValueError, AttributeError, InvalidOperation)

_STORED = "select slug, id, tvl, tvl_observed_at from app.defi_protocols"
_TVL = """
    update app.defi_protocols set tvl = %(tvl)s, tvl_observed_at = %(now)s where id = %(id)s
"""
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
    """What a refresh did; `refused` says in words what was not believed."""

    protocols: int = 0
    pools: int = 0
    refused: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What DefiLlama tells, by our slugs."""

    tvl: dict[str, Decimal]
    pools: dict[str, list[Pool]]
    refused: list[str]


def fetch(http: httpx2.Client, url: str, yields_url: str) -> Snapshot:
    """What DefiLlama tells of our protocols.

    Raises:
        RateLimited, Unavailable, BadPayload: see there.
    """
    ours = {theirs: slug for slug, theirs in SLUGS.items()}
    refused: list[str] = []
    tvl: dict[str, Decimal] = {}
    for row in _rows(outbound.ask(http, NAME, f"{url}/protocols", largest=_LARGEST_ANSWER)):
        slug = ours.get(str(row.get("slug")))
        if slug is not None:
            _take(tvl, slug, row, refused)
    answer = outbound.ask(http, NAME, f"{yields_url}/pools", largest=_LARGEST_ANSWER)
    pools: dict[str, list[Pool]] = defaultdict(list)
    for row in _rows(answer.get("data") if isinstance(answer, dict) else None):
        slug = ours.get(str(row.get("project")))
        if slug is not None and _chain(row) in EVM:
            _add(pools[slug], slug, row, refused)
    largest = {
        slug: sorted(found, key=lambda each: (-each.tvl, each.pool))[:_POOLS]
        for slug, found in pools.items()
    }
    return Snapshot(tvl, largest, refused)


def store(conn: Connection, found: Snapshot, now: datetime) -> Report:
    """Store what is believed; a protocol that was not told of keeps what it has, with its age."""
    report = Report(refused=list(found.refused))
    for slug, protocol_id, tvl, observed_at in conn.execute(_STORED).fetchall():
        new = found.tvl.get(slug)
        if new is not None and _is_jump(new, tvl, observed_at, now):
            report.refused.append(
                f"{slug}: {new:f} US dollars after {tvl:f} is no change to believe"
            )
        elif new is not None:
            conn.execute(_TVL, {"id": protocol_id, "tvl": new, "now": now})
            report.protocols += 1
        if slug in found.pools:
            _store_pools(conn, protocol_id, found.pools[slug], now)
            report.pools += len(found.pools[slug])
    return report


def _store_pools(conn: Connection, protocol_id: UUID, pools: Iterable[Pool], now: datetime) -> None:
    conn.execute(_FORGET, {"id": protocol_id})
    rows = [
        {"id": protocol_id, "now": now, **{name: getattr(each, name) for name in each.__slots__}}
        for each in pools
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


def _take(tvl: dict[str, Decimal], slug: str, row: Mapping[str, Any], refused: list[str]) -> None:
    try:
        tvl[slug] = _dollars(row["tvl"])
    except _NONSENSE as error:
        refused.append(f"{slug}: its value makes no sense ({error})")


def _add(pools: list[Pool], slug: str, row: Mapping[str, Any], refused: list[str]) -> None:
    try:
        pools.append(
            Pool(
                pool=_text(row["pool"]),
                blockchain=_chain(row),
                symbol=_text(row["symbol"]),
                tvl=_dollars(row["tvlUsd"]),
                apy=_percent(row["apy"]),
                apy_base=_percent(row.get("apyBase")),
                apy_reward=_percent(row.get("apyReward")),
            )
        )
    except _NONSENSE as error:
        refused.append(f"{slug}: a pool makes no sense ({error})")


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
