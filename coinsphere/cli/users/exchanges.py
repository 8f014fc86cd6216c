"""`coinsphere exchanges`: which accounts are connected, how their syncs went, and what could not be booked."""

import json
from typing import Any

import click

from coinsphere.cli import database
from coinsphere.settings import Role


def register(cli: click.Group) -> None:
    """Add the sub-commands."""
    cli.add_command(exchanges)


@click.group()
def exchanges() -> None:
    """Exchange accounts: their state, their syncs, and what could not be booked."""


_LIST = """
    select c.id, c.exchange, c.status, c.last_synced_at, c.last_error,
        (select count(*) from app.exchange_unbooked u where u.connection_id = c.id) as unbooked
    from app.exchange_connections c
    order by c.created_at, c.id
    limit %(limit)s
"""
_UNBOOKED = """
    select reason, count(*), c.exchange, min(u.native_id)
    from app.exchange_unbooked u join app.exchange_connections c on c.id = u.connection_id
    group by reason, c.exchange order by 2 desc, 1 limit %(limit)s
"""


@exchanges.command("list")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def list_(limit: int, *, as_json: bool) -> None:
    """List the connections, the oldest first; never their keys."""
    from rich.markup import escape
    from rich.table import Table

    from coinsphere.cli.console import console as new_console
    from coinsphere.clock import iso

    rows = _rows(_LIST, limit)
    if as_json:
        names = ("id", "exchange", "status", "lastSyncedAt", "lastError", "unbooked")
        shown = [
            dict(
                zip(names, (str(row[0]), *row[1:3], row[3] and iso(row[3]), *row[4:]), strict=True)
            )
            for row in rows
        ]
        click.echo(json.dumps(shown, indent=2))
        return
    table = Table("id", "exchange", "state", "synced", "unbooked", "last error")
    for identity, exchange, status, synced_at, error, unbooked in rows:
        synced = f"{synced_at:%Y-%m-%d %H:%M}" if synced_at else "never"
        table.add_row(str(identity), exchange, status, synced, str(unbooked), escape(error or ""))
    new_console().print(table)


@exchanges.command()
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
def unbooked(limit: int) -> None:
    """Tell why records of exchanges could not be booked, and how many; the next sync tries them again."""
    for reason, count, exchange, name in _rows(_UNBOOKED, limit):
        click.echo(f"{count:>8}  {exchange}: {reason} (like {name})")


@exchanges.command()
@click.argument("connection_id", type=click.UUID)
def sync(connection_id: Any) -> None:
    """Have the worker read an account now."""
    from coinsphere.exchanges.sync import syncs

    with database.connection(Role.WORKER) as conn:
        job_id = syncs.request(conn, connection_id)
    if job_id is None:
        raise click.ClickException(
            f"There is no active connection {connection_id}; `coinsphere exchanges list` shows what there is."
        )
    click.echo(f"Job {job_id}")


def _rows(statement: Any, limit: int) -> list[tuple[Any, ...]]:
    with database.connection(Role.WORKER) as conn:
        return list(conn.execute(statement, {"limit": limit}))
