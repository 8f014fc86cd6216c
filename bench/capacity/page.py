"""`docs/capacity.md` and the table of costs in the deployment guide, written from `bench/capacity/results.json` alone."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from bench.capacity import model
from bench.capacity.assumptions import SIZES, Behaviour, Limits, Prices

ROOT = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).parent / "results.json"
OTHERS = ROOT / "bench" / "results.json"
PAGE = ROOT / "docs" / "capacity.md"
GUIDE = ROOT / "docs" / "guides" / "deployment.md"
BEGIN, END = "<!-- costs, written by `make capacity` -->", "<!-- end of costs -->"
_MB, _GB = 1e6, 1e9
World = dict[str, Any]


def write() -> None:
    """Write both anew."""
    results, others = read()
    PAGE.write_text(page(results, others))
    GUIDE.write_text(with_costs(GUIDE.read_text(), results, others))


def read() -> tuple[dict[str, Any], dict[str, Any]]:
    """What was measured here, and by `make bench`."""
    return json.loads(RESULTS.read_text()), json.loads(OTHERS.read_text())["measures"]


def with_costs(guide: str, results: dict[str, Any], others: dict[str, Any]) -> str:
    """The guide with the table between its marks replaced."""
    before, _, rest = guide.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{_bills(_costs(results, others))}\n{END}{after}"


def page(results: dict[str, Any], others: dict[str, Any]) -> str:
    """The whole page."""
    worlds: list[World] = sorted(
        results["worlds"].values(), key=lambda world: world["crowd"]["users"]
    )
    small, large = worlds[0], worlds[-1]
    cost = _costs(results, others)
    parts = {
        "machine": _machine(results, large),
        "crowd": _crowd(small, large),
        "units": _units(cost),
        "routes": _routes(small, large),
        "jobs": _jobs(small, large),
        "tables": _tables(small, large),
        "first": _first(cost),
        "needs": _needs(cost),
        "behaviour": _behaviour(),
        "bills": _bills(cost),
        "prices": _prices(),
    }
    return _PAGE.format(**parts)


def _costs(results: dict[str, Any], others: dict[str, Any]) -> model.Costs:
    largest = max(results["worlds"].values(), key=lambda world: world["crowd"]["users"])
    return model.costs(largest, others, Behaviour())


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Of Markdown, numbers to the right."""
    lines = [head, ["---", *("---:" for _ in head[1:])], *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def number(value: float) -> str:
    """Three digits that count, and no more."""
    if abs(value) < 0.0005:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _machine(results: dict[str, Any], large: World) -> str:
    return (
        f"Measured at {results['commit']} on {results['at'][:10]}, on {results['machine']['cores']} cores that others used, too,"
        f" with PostgreSQL's embedded build and its shared buffers of {large['shared_buffers']}."
    )


def _crowd(small: World, large: World) -> str:
    head = ("", *(f"{world['crowd']['users']:,} users" for world in (small, large)))
    rows = [
        (name, *(f"{world['tables'][of]['rows']:,.0f}" for world in (small, large)))
        for name, of in (
            ("alerts", "alerts"),
            ("transactions", "transactions"),
            ("entries of the ledger", "ledger_entries"),
            ("holdings", "holdings"),
        )
    ]
    weigh = [
        sum(each["bytes"] + each["index_bytes"] for each in world["tables"].values()) / _GB
        for world in (small, large)
    ]
    rows.append(("GB of rows and indexes", *(number(each) for each in weigh)))
    rows.append(("seconds to write them", *(number(world["fill_s"]) for world in (small, large))))
    return table(head, rows)


def _units(cost: model.Costs) -> str:
    return table(
        ("one", "costs"),
        [
            ("request of the mix below, API", f"{number(1000 * cost.api_request)} ms of CPU"),
            ("the same, PostgreSQL", f"{number(1000 * cost.postgres_request)} ms of CPU"),
            ("the same, Redis", f"{number(1000 * cost.redis_request)} ms of CPU"),
            ("login", f"{number(1000 * cost.login)} ms of CPU (`bench/results.json`)"),
            (
                "transaction that is added, until values show it",
                f"{number(1000 * cost.change)} ms (`bench/results.json`)",
            ),
            ("alert and minute in which its price moved", f"{number(1e6 * cost.alert)} µs of CPU"),
            ("portfolio and night", f"{number(1000 * (cost.mark + cost.value))} ms of CPU"),
            ("price to a client of the stream", f"{number(1e6 * cost.stream_message)} µs of CPU"),
            ("client of the stream", f"{number(cost.stream_kb)} kB of memory"),
            (
                "token and minute, all of the pipeline",
                f"{number(cost.token_minute)} s of CPU (`bench/results.json`)",
            ),
            ("user", f"{number(cost.user_bytes / 1000)} kB of disk"),
            (
                "transaction with its entries, lot and position",
                f"{number(cost.transaction_bytes / 1000)} kB of disk",
            ),
            ("alert", f"{number(cost.alert_bytes / 1000)} kB of disk"),
            ("portfolio and day of its value", f"{number(cost.day_bytes / 1000)} kB of disk"),
        ],
    )


def _routes(small: World, large: World) -> str:
    few, many = (f"{world['crowd']['users']:,}" for world in (small, large))
    head = ["`GET`"]
    for figure in ("CPU", "pages", "p99"):
        head += [f"{figure}, {few} users", f"{figure}, {many}", "times"]
    rows = []
    for route, less in small["routes"].items():
        more = large["routes"][route]
        cpu = [each["api_ms"] + each["postgres_ms"] + each["redis_ms"] for each in (less, more)]
        figures = (
            *_grown(*cpu, " ms"),
            *_grown(less["pages"], more["pages"]),
            *_grown(less["p99_ms"], more["p99_ms"], " ms"),
        )
        rows.append((f"`{route}`", *figures))
    return table(head, rows)


def _grown(less: float, more: float, unit: str = "") -> tuple[str, str, str]:
    """Of the small crowd, of the large one, and how many times that is."""
    return f"{number(less)}{unit}", f"{number(more)}{unit}", f"{more / less:.2f}"


def _jobs(small: World, large: World) -> str:
    head = ("", "of", "seconds", "CPU of PostgreSQL", "own CPU", "MB of its log")
    rows = []
    for world in (small, large):
        users = f"{world['crowd']['users']:,} users"
        for name, label in (
            ("quiet", "alerts, no price moved"),
            ("moving", "alerts, all prices moved"),
        ):
            figures = world["alerts"][name]
            rows.append(_job(label, f"{users}, {figures['alerts']:,.0f} alerts", figures))
        mark, value, whole = (world["valuation"][name] for name in ("mark", "value", "rebuild"))
        rows.append(_job("night: mark what is new", users, mark))
        rows.append(_job("night: value a sample", f"{value['portfolios']:,.0f} of {users}", value))
        rows.append(
            _job("all of their history anew", f"{whole['portfolios']:,.0f} of {users}", whole)
        )
    return table(head, rows)


def _job(label: str, of: str, figures: dict[str, float]) -> tuple[str, ...]:
    names = ("seconds", "postgres_cpu_s", "own_cpu_s")
    return (
        label,
        of,
        *(f"{number(figures[name])} s" for name in names),
        number(figures["wal_bytes"] / _MB),
    )


def _tables(small: World, large: World) -> str:
    few, many = (f"{world['crowd']['users']:,}" for world in (small, large))
    head = (
        "table",
        f"rows, {many} users",
        "GB",
        "GB of indexes",
        "vacuum",
        f"bytes a row, {few}",
        f"bytes a row, {many}",
    )
    rows = []
    for name, each in large["tables"].items():
        a_row = [
            number(
                (world["tables"][name]["bytes"] + world["tables"][name]["index_bytes"])
                / max(world["tables"][name]["rows"], 1)
            )
            for world in (small, large)
        ]
        weigh = (
            number(each["bytes"] / _GB),
            number(each["index_bytes"] / _GB),
            f"{number(each['vacuum_s'])} s",
        )
        rows.append((f"`{name}`", f"{each['rows']:,.0f}", *weigh, *a_row))
    return table(head, rows)


def _first(cost: model.Costs) -> str:
    full = model.carried(cost, Behaviour(), Limits())
    return table(("", "users"), [(name, f"{users:,.0f}") for name, users in full.items()])


def _needs(cost: model.Costs) -> str:
    wanted = [model.need(users, cost, Behaviour(), Limits()) for users in SIZES]
    named = {
        "requests a second in the busiest minute": "requests_s",
        "cores of the API": "api_cores",
        "cores of PostgreSQL": "postgres_cores",
        "cores of Redis": "redis_cores",
        "seconds of CPU for a minute's alerts": "alert_seconds",
        "hours of CPU for a night's valuation": "night_hours",
        "processes that value at night": "night_processes",
        "cores of workers by day": "worker_cores",
        "clients of the stream": "stream_clients",
        "cores of the stream": "stream_cores",
        "GB of memory for its clients": "stream_gb",
        "GB of disk": "disk_gb",
        "GB of memory of PostgreSQL": "memory_gb",
        "GB that are sent in a month": "sent_gb_month",
    }
    head = ("", *(f"{each.users:,} users" for each in wanted))
    return table(
        head,
        [(name, *(number(getattr(each, of)) for each in wanted)) for name, of in named.items()],
    )


def _behaviour() -> str:
    people, limits = Behaviour(), Limits()
    rows = [
        ("requests of a registered user a day", number(people.requests_a_day)),
        ("the busiest minute, times the average one", number(people.peak_factor)),
        ("logins a day", number(people.logins_a_day)),
        ("transactions added a day", number(people.changes_a_day)),
        ("alerts", number(people.alerts)),
        ("transactions kept", number(people.transactions)),
        ("days of values kept", number(people.days)),
        ("share of users with the stream open in the busiest minute", number(people.connected)),
        ("prices a second to each of them", number(people.messages_a_second)),
        ("share of the rows that memory should hold", number(people.active)),
        ("how busy a core is planned to be", number(limits.busy)),
        *((f"share of `GET {route}`", number(share)) for route, share in people.mix.items()),
    ]
    return table(("assumption", "value"), rows)


def _bills(cost: model.Costs) -> str:
    sizes = (1_000, *SIZES[1:])
    made = [model.bill(model.need(users, cost, Behaviour(), Limits()), Prices()) for users in sizes]
    rows = [
        ("tasks of the API (1 vCPU, 2 GB)", *(str(each.api_tasks) for each in made)),
        ("tasks of the stream (0.5 vCPU, 1 GB)", *(str(each.stream_tasks) for each in made)),
        ("tasks of workers (0.5 vCPU, 2 GB)", *(str(each.worker_tasks) for each in made)),
        (
            "cores of the database, 8 GB each",
            *(f"{each.database_cores}{', and a replica' * each.replica}" for each in made),
        ),
        *((f"{part}, $", *(f"{each.parts[part]:,.0f}" for each in made)) for part in made[0].parts),
        ("**all, $ a month**", *(f"**{each.total:,.0f}**" for each in made)),
        (
            "a user, $ a month",
            *(number(each.total / users) for each, users in zip(made, sizes, strict=True)),
        ),
    ]
    return table(("", *(f"{users:,} users" for users in sizes)), rows)


def _prices() -> str:
    price = Prices()
    rows = [
        ("vCPU of Fargate, an hour", price.vcpu_hour),
        ("GB of Fargate, an hour", price.gb_hour),
        ("core and 8 GB of the database in two zones, an hour", price.database_core_hour),
        ("GB of its disk, a month", price.database_gb_month),
        ("node of Redis, an hour", price.cache_node_hour),
        ("GB of backups, a month", price.backup_gb_month),
        ("GB that is sent", price.sent_gb),
        ("fixed: load balancer, NAT, firewall, keys, secrets, alarms, a month", price.fixed_month),
    ]
    return table(("price", "$"), [(name, f"{value:g}") for name, value in rows])


_PAGE = (Path(__file__).parent / "page.md").read_text()
