"""`coinsphere market events`: what happened to tokens' names and units; listed, added and removed."""

import getpass
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from uuid import UUID

import click
from psycopg import Connection
from rich.markup import escape
from rich.table import Table

from coinsphere.cli.console import console as new_console
from coinsphere.market.reference import asset_events, tokens
from coinsphere.market.reference.asset_events import AssetEvent, EventKind, NewEvent
from coinsphere.settings import Settings

Connect = Callable[[], AbstractContextManager[tuple[Connection, Settings]]]
_KINDS = click.Choice([str(kind) for kind in EventKind])
_WHEN = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"])


def register(market: click.Group, connect: Connect) -> None:
    """Add the commands to `coinsphere market`."""

    @market.group()
    def events() -> None:
        """Renames, redenominations, swaps, splits, delistings and reused tickers."""

    @events.command("list")
    @click.argument("symbol", required=False)
    @click.option("--past", is_flag=True, help="Removed ones too.")
    def list_(symbol: str | None, *, past: bool) -> None:
        """List what happened, to one token or to all."""
        with connect() as (conn, _):
            token_id = _token(conn, symbol) if symbol else None
            listed = asset_events.listed(conn, token_id=token_id, past=past)
        new_console().print(_table(listed) if listed else "No events.", highlight=False)

    @events.command()
    @click.argument("kind", type=_KINDS)
    @click.argument("symbol")
    @click.option("--to", "successor", help="The other token: its symbol or id.")
    @click.option("--ratio", default="1:1", help="Old units and what they became: 1:24000.")
    @click.option("--at", "happened_at", type=_WHEN, required=True, help="When, in UTC.")
    @click.option("--reason", required=True, help="What says so; kept with the event.")
    def add(  # noqa: PLR0917 - the options of a command
        kind: str,
        symbol: str,
        successor: str | None,
        ratio: str,
        happened_at: datetime,
        reason: str,
    ) -> None:
        """Record an event; the worker brings listings, alerts and books in line with it."""
        with connect() as (conn, _), conn.transaction():
            parts = asset_events.ratio(ratio)
            event = NewEvent(
                EventKind(kind), _token(conn, symbol), happened_at.replace(tzinfo=UTC), reason,
                _token(conn, successor) if successor else None, *parts,
            )  # fmt: skip
            number = asset_events.add(conn, event, _operator())
        new_console().print(f"Recorded as {number}; the worker applies it when it has happened.")

    @events.command()
    @click.argument("event_id", type=click.UUID)
    @click.option("--reason", required=True, help="Kept with the event.")
    def remove(event_id: UUID, reason: str) -> None:
        """Let an event count no more: books and history are as if it had not happened."""
        with connect() as (conn, _), conn.transaction():
            gone = asset_events.remove(conn, event_id, _operator(), reason)
        if gone is None:
            raise click.ClickException(f"No event that counts has the id {event_id}.")
        new_console().print(
            f"The {gone.kind} of {gone.symbol} counts no more; alerts that it changed stay changed."
        )


def _table(events: list[AssetEvent]) -> Table:
    table = Table("id", "happened", "what", "token", "became", "ratio", "why", "state")
    for each in events:
        table.add_row(
            str(each.id),
            f"{each.happened_at:%Y-%m-%d %H:%M}",
            each.kind.replace("_", " "),
            each.symbol,
            each.successor_symbol or "",
            str(each.ratio) if each.old_units != each.new_units else "",
            escape(each.reason),
            escape(_state(each)),
        )
    return table


def _state(event: AssetEvent) -> str:
    if event.removed_at is not None:
        return f"removed by {event.removed_by}: {event.removal_reason}"
    return f"by {event.recorded_by}" if event.applied_at else "not applied yet"


def _operator() -> str:
    return f"operator {getpass.getuser()}"


def _token(conn: Connection, which: str) -> UUID:
    """The token of that symbol or id."""
    try:
        return tokens.named(conn, which).id
    except LookupError as error:
        raise click.ClickException(f"No token has the symbol or id {which}.") from error
