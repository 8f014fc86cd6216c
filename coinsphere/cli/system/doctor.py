"""`coinsphere doctor`: examines this machine and this state, and says how to mend what is wrong."""

import platform
import stat
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import version

import click
import psycopg
from rich.markup import escape
from rich.table import Table

from coinsphere.cli.console import console as new_console
from coinsphere.errors import CoinsphereError
from coinsphere.settings import Role, Settings

_PARTITIONED = """
    select
        (select extversion from pg_extension where extname = 'timescaledb'),
        (select count(*) from pg_inherits where inhparent = 'market.price_data'::regclass)
"""
_PACKAGES = ("dagster", "dbt-core", "mlflow", "torch", "great-expectations", "Flask", "psycopg")


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's result; `remedy` is None where all is well."""

    subject: str
    found: str
    remedy: str | None = None


def register(cli: click.Group) -> None:
    """Add the command."""
    cli.add_command(doctor)


@click.command()
def doctor() -> None:
    """Check the machine, the settings, the state and the database. Exits with 1 if something is wrong."""
    findings = list(examine(Settings.from_env()))
    table = Table("", "what", "found")
    for finding in findings:
        sign = "[green]✓[/green]" if finding.remedy is None else "[red]✗[/red]"
        remedy = f"\n[red]{escape(finding.remedy)}[/red]" if finding.remedy else ""
        table.add_row(sign, finding.subject, escape(finding.found) + remedy)
    new_console().print(table)
    if any(finding.remedy for finding in findings):
        raise click.exceptions.Exit(1)


def examine(settings: Settings) -> Iterator[Finding]:
    """The findings of all checks; one that fails becomes a finding, and the others go on."""
    yield Finding("Python", f"{platform.python_version()} at {sys.executable}")
    yield Finding("packages", ", ".join(f"{name} {version(name)}" for name in _PACKAGES))
    for subject, check in _CHECKS.items():
        try:
            yield check(settings)
        except CoinsphereError as error:
            yield Finding(subject, "not to be had", str(error))
        except (psycopg.Error, OSError) as error:
            yield Finding(subject, "no answer", f"{error}".strip() or type(error).__name__)


def _disk(settings: Settings) -> Finding:
    from coinsphere.health.disk import Room

    room = Room.of(settings)
    return Finding("disk", room.found, room.remedy)


def _credentials(settings: Settings) -> Finding:
    from coinsphere.local.state import State

    path = State(settings.state).credentials
    if not path.exists():
        return Finding("credentials", "none: the local system was never started")
    mode = stat.S_IMODE(path.stat().st_mode)
    remedy = f"Run `chmod 600 {path}`." if mode & 0o077 else None
    return Finding("credentials", f"{path}, mode {mode:04o}", remedy)


def _processes(settings: Settings) -> Finding:
    from coinsphere.local import system

    ill = [health for health in system.status(settings) if not health.is_well]
    remedy = "; ".join(f"{health.name}: {health.problem}" for health in ill)
    remedy = f"{remedy}. `coinsphere logs NAME` shows why." if ill else ""
    return Finding("processes", f"{len(ill)} of them ill" if ill else "all work", remedy or None)


def _database(settings: Settings) -> Finding:
    with psycopg.connect(settings.url_for(Role.OWNER), connect_timeout=3) as conn:
        server = conn.info.parameter_status("server_version")
        return Finding("database", f"PostgreSQL {server} at {conn.info.host}:{conn.info.port}")


def _schema(settings: Settings) -> Finding:
    from coinsphere.db import migrate

    url = settings.url_for(Role.OWNER)
    migrate.require_current(url)
    return Finding("schema", f"revision {migrate.current(url)}, the newest")


def _price_data(settings: Settings) -> Finding:
    with psycopg.connect(settings.url_for(Role.OWNER), connect_timeout=3) as conn:
        extension, partitions = conn.execute(_PARTITIONED).fetchone() or (None, 0)
    if extension is not None:
        return Finding("market.price_data", f"a hypertable of TimescaleDB {extension}")
    return Finding(
        "market.price_data",
        f"natively partitioned by month, {partitions} partitions (TimescaleDB cannot be created here)",
    )


def _prices(settings: Settings) -> Finding:
    from coinsphere.market import origin

    with psycopg.connect(settings.url_for(Role.READONLY), connect_timeout=3) as conn:
        taken = origin.get(conn)
    if taken is None:
        return Finding("prices", "not decided yet", "Run `coinsphere up`.")
    details = {"simulated": f"SIMULATED, seed {taken.seed}", "files": f"files, {taken.location}"}
    return Finding("prices", details.get(taken.source, taken.source))


def _exchange_rates(settings: Settings) -> Finding:
    from coinsphere.clock import utc_now
    from coinsphere.portfolio.valuation import reference_rates

    with psycopg.connect(settings.url_for(Role.READONLY), connect_timeout=3) as conn:
        newest = reference_rates.newest(conn)
    # No remedy: without them all works, and says of what is unknown that it is.
    if newest is None:
        return Finding(
            "exchange rates", f"none: amounts in euros are unknown. {reference_rates.REMEDY}"
        )
    is_old = utc_now().date() - newest > reference_rates.LONGEST_PAUSE
    return Finding(
        "exchange rates",
        f"the newest are of {newest}{'. ' + reference_rates.REMEDY if is_old else ''}",
    )


def _redis(settings: Settings) -> Finding:
    from coinsphere.local import probes

    problem = probes.check("redis", settings)
    return Finding("Redis", "answers" if problem is None else "no answer", problem)


def _conditions(settings: Settings) -> Finding:
    from coinsphere.local import probes

    conditions = probes.conditions(settings)
    remedy = f"{'; '.join(conditions)}. {probes.CONDITIONS_REMEDY}" if conditions else None
    wrong = "1 thing is wrong" if len(conditions) == 1 else f"{len(conditions)} things are wrong"
    return Finding("work", wrong if conditions else "is done in time", remedy)


_CHECKS: dict[str, Callable[[Settings], Finding]] = {
    "disk": _disk,
    "credentials": _credentials,
    "processes": _processes,
    "database": _database,
    "schema": _schema,
    "market.price_data": _price_data,
    "prices": _prices,
    "exchange rates": _exchange_rates,
    "work": _conditions,
    "Redis": _redis,
}
