"""`coinsphere status`: what runs, where prices come from, and what is wrong."""

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import click
import psycopg
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from coinsphere.cli.console import console as new_console
from coinsphere.cli.system import links
from coinsphere.clock import iso, utc_now
from coinsphere.settings import Role, Settings

if TYPE_CHECKING:
    from coinsphere.health.disk import Room
    from coinsphere.local.system import Health
    from coinsphere.market.origin import Origin
    from coinsphere.market.quality.set_aside import Entry


def register(cli: click.Group) -> None:
    """Add the command."""
    cli.add_command(status)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def status(*, as_json: bool) -> None:
    """Show every process, where prices come from, and what is wrong: jobs, schedules, old data, the disk. Exits with 1 if ill."""
    from coinsphere.cli.market.quarantine import as_dict, show_set_aside
    from coinsphere.health.disk import Room
    from coinsphere.local import system

    settings = Settings.from_env()
    healths, room = system.status(settings), Room.of(settings)
    origin = stored_origin(settings)
    aside = held(settings)
    problems = _conditions(settings)
    if as_json:
        document = _as_json(settings, healths, origin, room) | {
            "setAside": [as_dict(each) for each in aside],
            "problems": problems,
        }
        click.echo(json.dumps(document, indent=2))
    else:
        console = new_console()
        console.print(_health_table(healths))
        show_origin(console, origin)
        _show_feed(console, settings)
        show_set_aside(console, aside)
        _show_problems(console, problems, room)
        console.print(links.as_text(settings), highlight=False, markup=False, soft_wrap=True)
    if problems or room.remedy or not all(health.is_well for health in healths):
        raise click.exceptions.Exit(1)


def stored_origin(settings: Settings) -> "Origin | None":
    """The source of prices; None where the database cannot be asked now."""
    from coinsphere.market import origin

    try:
        with psycopg.connect(settings.url_for(Role.READONLY), connect_timeout=3) as conn:
            return origin.get(conn)
    except psycopg.Error:
        return None


def held(settings: Settings) -> "list[Entry]":
    """The rows that checks set aside; empty where the database cannot be asked now."""
    from coinsphere.market.quality import set_aside

    try:
        with psycopg.connect(settings.url_for(Role.READONLY), connect_timeout=3) as conn:
            return set_aside.entries(conn)
    except psycopg.Error:
        return []


def show_origin(console: Console, origin: "Origin | None") -> None:
    """Print the source of prices, loudly where they are simulated."""
    if origin is None:
        console.print(
            "[red]Where prices come from is not known: the database does not answer.[/red]"
        )
    elif origin.is_simulated:
        console.print(
            f"[bold yellow]PRICES ARE SIMULATED[/bold yellow] (seed {origin.seed}): no figure here is a real market's."
        )
    else:
        place = f" in {escape(origin.location)}" if origin.location else ""
        console.print(f"Prices come from {origin.source}{place}.", highlight=False)


def _show_feed(console: Console, settings: Settings) -> None:
    """Say which venues are asked for prices instead of heard; nothing where there is no feed."""
    from coinsphere.cli.market import feed

    try:
        with psycopg.connect(settings.url_for(Role.READONLY), connect_timeout=3) as conn:
            feed.show_briefly(console, conn)
    except psycopg.Error:
        return


def _conditions(settings: Settings) -> list[str]:
    """What is wrong though every process lives; empty where the database cannot say now."""
    from coinsphere.local import probes

    try:
        return probes.conditions(settings)
    except psycopg.Error:
        return []


def _health_table(healths: list["Health"]) -> Table:
    now = utc_now()
    table = Table("process", "port", "pid", "state", "for", "health")
    for health in healths:
        lasted = (
            timedelta(seconds=round((now - health.since).total_seconds())) if health.since else ""
        )
        table.add_row(
            health.name,
            str(health.port or "-"),
            str(health.pid or "-"),
            health.state,
            str(lasted),
            "[green]ok[/green]" if health.is_well else f"[red]{escape(health.problem or '')}[/red]",
        )
    return table


def _show_problems(console: Console, problems: list[str], room: "Room") -> None:
    for problem in problems:
        console.print(f"[red]{escape(problem)}[/red]", highlight=False)
    if room.remedy:
        console.print(f"[red]{escape(f'{room.found}. {room.remedy}')}[/red]")


def _as_json(
    settings: Settings, healths: list["Health"], origin: "Origin | None", room: "Room"
) -> dict[str, object]:
    return {
        "state": str(settings.state),
        "disk": {"freeBytes": room.free, "leastBytes": room.least, "problem": room.remedy},
        "market": origin
        and {
            "source": origin.source,
            "location": origin.location,
            "seed": origin.seed,
            "decidedAt": iso(origin.decided_at),
        },
        "processes": [
            {
                "name": health.name,
                "port": health.port,
                "pid": health.pid,
                "state": health.state,
                "health": "ok" if health.is_well else "error",
                "problem": health.problem,
                "since": iso(health.since) if health.since else None,
            }
            for health in healths
        ],
    }
