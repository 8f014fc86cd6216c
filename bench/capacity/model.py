"""From measured costs to what an installation needs. Pure: everything is linear in users, and the page says so."""

import math
from dataclasses import dataclass
from typing import Any

from bench.capacity.assumptions import Behaviour, Limits, Prices

_DAY = 86_400
_MINUTE = 60
_TOKENS = 31
"""Followed by the system whose minute was measured."""
_GB = 1e9
_OF_TRANSACTIONS = ("transactions", "ledger_entries", "positions", "position_flows", "lots")
_OF_USERS = ("users", "sessions", "portfolios", "portfolio_states", "holdings")


@dataclass(frozen=True, slots=True)
class Costs:
    """What one of each thing costs, of the largest crowd that was measured; times in seconds of CPU."""

    api_request: float
    postgres_request: float
    redis_request: float
    bytes_request: float
    login: float
    change: float
    alert: float
    mark: float
    value: float
    stream_message: float
    stream_kb: float
    stream_alone_mb: float
    user_bytes: float
    transaction_bytes: float
    alert_bytes: float
    day_bytes: float
    token_minute: float


@dataclass(frozen=True, slots=True)
class Need:
    """What so many users need; cores as they are to be provided, not as they are used."""

    users: int
    requests_s: float
    api_cores: float
    postgres_cores: float
    redis_cores: float
    alert_seconds: float
    night_hours: float
    night_processes: int
    worker_cores: float
    stream_clients: float
    stream_cores: float
    stream_gb: float
    disk_gb: float
    memory_gb: float
    sent_gb_month: float


def costs(world: dict[str, Any], others: dict[str, Any], behaviour: Behaviour) -> Costs:
    """Of the figures of one crowd, and of those of `bench/results.json`."""
    routes, tables, nights = world["routes"], world["tables"], world["valuation"]
    ticks, stream = world["alerts"]["moving"], world["stream"]

    def mixed(figure: str) -> float:
        return sum(share * routes[route][figure] for route, share in behaviour.mix.items())

    def weight(table: str) -> float:
        return float(tables[table]["bytes"] + tables[table]["index_bytes"])

    def each(names: tuple[str, ...], of: str) -> float:
        return sum(weight(name) for name in names) / tables[of]["rows"]

    def cpu(figures: dict[str, float]) -> float:
        return figures["own_cpu_s"] + figures["postgres_cpu_s"]

    return Costs(
        api_request=mixed("api_ms") / 1000,
        postgres_request=mixed("postgres_ms") / 1000,
        redis_request=mixed("redis_ms") / 1000,
        bytes_request=mixed("bytes"),
        login=others["login, argon2id, median"]["value"] / 1000,
        change=others["a change at the end until values show it at 500 transactions"]["value"],
        alert=cpu(ticks) / ticks["alerts"],
        mark=cpu(nights["mark"]) / nights["mark"]["portfolios"],
        value=cpu(nights["value"]) / nights["value"]["portfolios"],
        stream_message=stream["cpu_us_a_message"] / 1e6,
        stream_kb=stream["kilobytes"],
        stream_alone_mb=stream["alone_megabytes"],
        user_bytes=each(_OF_USERS, "users"),
        transaction_bytes=each(_OF_TRANSACTIONS, "transactions"),
        alert_bytes=each(("alerts",), "alerts"),
        day_bytes=each(("portfolio_values_daily",), "portfolio_values_daily"),
        token_minute=others["idle, scheduled minutes included, simulated"]["value"]
        / 100
        * _MINUTE
        / _TOKENS,
    )


def need(users: int, cost: Costs, behaviour: Behaviour, limits: Limits) -> Need:
    """Of an installation of so many users."""
    requests = users * behaviour.requests_a_day * behaviour.peak_factor / _DAY
    logins = users * behaviour.logins_a_day * behaviour.peak_factor / _DAY
    changes = users * behaviour.changes_a_day * behaviour.peak_factor / _DAY
    alerts = users * behaviour.alerts * cost.alert
    night = users * (cost.mark + cost.value) / 3600
    clients = users * behaviour.connected
    disk = _disk(users, cost, behaviour)
    postgres = requests * cost.postgres_request + changes * cost.change / 2 + alerts / _MINUTE
    return Need(
        users=users,
        requests_s=requests,
        api_cores=(requests * cost.api_request + logins * cost.login) / limits.busy,
        postgres_cores=postgres / limits.busy,
        redis_cores=requests * cost.redis_request / limits.busy,
        alert_seconds=alerts,
        night_hours=night,
        night_processes=math.ceil(night / limits.night_hours),
        worker_cores=changes * cost.change / 2 / limits.busy,
        stream_clients=clients,
        stream_cores=clients * behaviour.messages_a_second * cost.stream_message / limits.busy,
        stream_gb=clients * cost.stream_kb / 1e6,
        disk_gb=disk,
        memory_gb=max(limits.least_memory_gb, behaviour.active * disk),
        sent_gb_month=users * behaviour.requests_a_day * 30 * cost.bytes_request / _GB,
    )


def _disk(users: int, cost: Costs, behaviour: Behaviour) -> float:
    each = (
        cost.user_bytes
        + behaviour.transactions * cost.transaction_bytes
        + behaviour.alerts * cost.alert_bytes
        + behaviour.days * cost.day_bytes
    )
    return users * each / _GB


def carried(cost: Costs, behaviour: Behaviour, limits: Limits) -> dict[str, float]:
    """Users that one of each thing carries, fewest first: what stands first is full first."""
    one = need(1_000_000, cost, behaviour, limits)
    cores = 16
    limit = {
        "one API process on a core": one.api_cores,
        "one process of the stream on a core": one.stream_cores,
        "one core of Redis": one.redis_cores,
        "the minute's alerts, one after the other": one.alert_seconds / _MINUTE / limits.busy,
        f"the night's valuation in {limits.night_hours:g} hours, one process": one.night_hours
        / limits.night_hours,
        f"one PostgreSQL of {cores} cores": one.postgres_cores / cores,
        f"the memory of such a PostgreSQL, {8 * cores} GB": one.memory_gb / 8 / cores,
        "a worker that books changes, on a core": one.worker_cores,
    }
    return dict(
        sorted(((name, one.users / full) for name, full in limit.items()), key=lambda each: each[1])
    )


@dataclass(frozen=True, slots=True)
class Bill:
    """What an installation on AWS has, and its US dollars a month by part."""

    api_tasks: int
    stream_tasks: int
    worker_tasks: int
    database_cores: int
    replica: bool
    parts: dict[str, float]

    @property
    def total(self) -> float:
        """US dollars a month."""
        return sum(self.parts.values())


_CLASSES = (2, 4, 8, 16, 32, 48, 64, 96)
"""Cores of the classes of RDS, with 8 GB each."""
_REPLICA_FROM = 50_000
"""Users from which on a replica serves reads that allow its lag."""


def bill(wanted: Need, prices: Prices) -> Bill:
    """The smallest installation of `deploy/aws` that gives what is needed: two of each task at least."""
    api, stream = max(2, math.ceil(wanted.api_cores)), max(2, math.ceil(2 * wanted.stream_cores))
    worker = max(2, math.ceil(2 * (wanted.worker_cores + wanted.night_processes - 1)))
    wish = max(wanted.postgres_cores, wanted.memory_gb / 8)
    cores = next((each for each in _CLASSES if each >= wish), _CLASSES[-1])
    replica = wanted.users >= _REPLICA_FROM

    def fargate(vcpu: float, gb: float) -> float:
        return prices.hours * (vcpu * prices.vcpu_hour + gb * prices.gb_hour)

    parts = {
        "API": api * fargate(1, 2),
        "stream": stream * fargate(0.5, 1),
        "worker": worker * fargate(0.5, 2),
        "models, MLflow, Dagster": 2 * fargate(1, 4) + fargate(0.5, 2) + fargate(4, 16),
        "database": prices.hours * prices.database_core_hour * cores * (1.5 if replica else 1),
        "its disk and backups": wanted.disk_gb
        * (prices.database_gb_month * (1.5 if replica else 1) + prices.backup_gb_month),
        "Redis": 2 * prices.hours * prices.cache_node_hour * max(1, math.ceil(wanted.redis_cores)),
        "sent": wanted.sent_gb_month * prices.sent_gb,
        "fixed": prices.fixed_month,
    }
    return Bill(api, stream, worker, cores, replica, parts)
