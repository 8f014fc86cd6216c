"""`coinsphere market quarantine`, `release` and `remove`: rows that checks set aside, and a person's decisions about them."""

import getpass
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Literal

import click
from psycopg import Connection
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from coinsphere.cli.console import console as new_console
from coinsphere.clock import iso, utc_now
from coinsphere.market.quality import quarantine_review, set_aside, summaries
from coinsphere.market.quality.quarantine_review import Refused
from coinsphere.market.quality.set_aside import Entry
from coinsphere.market.reference import tokens

Decide = Callable[[Connection, Sequence[int], str, str, datetime], int]

Decision = Literal["release", "remove"]

_DECISIONS: dict[tuple[Decision, bool], Decide] = {
    ("release", False): set_aside.release,
    ("remove", False): set_aside.remove,
    ("release", True): quarantine_review.release,
    ("remove", True): quarantine_review.remove,
}
_SHOWN = 20
_ROWS_SHOWN = 1000


def show(conn: Connection, symbol: str | None, *, past: bool) -> None:
    """Print what is set aside, and how many rows were refused on arrival."""
    console = new_console()
    token_id = _token(conn, symbol) if symbol else None
    entries = set_aside.entries(conn, token_id=token_id, past=past)
    console.print(_table(entries) if entries else "Nothing is set aside.")
    for cause in quarantine_review.waiting(conn, token_id):
        console.print(escape(summaries.of_refused(cause)), highlight=False)


def show_refused(conn: Connection, symbol: str | None, *, past: bool) -> None:
    """Print the rows that were refused on arrival, each with the number by which it is decided."""
    console = new_console()
    token_id = _token(conn, symbol) if symbol else None
    rows = quarantine_review.rows(conn, token_id=token_id, past=past, limit=_ROWS_SHOWN + 1)
    console.print(_refused_table(rows[:_ROWS_SHOWN]) if rows else "No refused row waits.")
    if len(rows) > _ROWS_SHOWN:
        console.print(f"and older ones; these are the newest {_ROWS_SHOWN:,}")


def decide(
    conn: Connection,
    decision: Decision,
    which: str,
    why: str,
    *,
    of_refused: bool,
    now: datetime | None = None,
) -> None:
    """Release or remove what WHICH names: the number of a row, or a token's symbol for all of its rows."""
    ids = _ids(conn, which, of_refused=of_refused)
    operator = f"operator {getpass.getuser()}"
    changed = _DECISIONS[decision, of_refused](conn, ids, operator, why, now or utc_now())
    if not changed:
        where = " --refused" if of_refused else ""
        raise click.ClickException(
            f"Nothing of {which} can be {decision}d: see `coinsphere market quarantine{where}`."
        )
    rows = "row" if changed == 1 else "rows"
    new_console().print(f"{changed} {rows} of {which} {decision}d.")


def show_set_aside(console: Console, entries: Sequence[Entry]) -> None:
    """Print a line for each token and rule; nothing where nothing is set aside."""
    lines = summaries.of_held(entries)
    for line in lines[:_SHOWN]:
        console.print(f"[yellow]set aside[/yellow] {escape(line)}", highlight=False)
    if len(lines) > _SHOWN:
        console.print(f"and {len(lines) - _SHOWN} more")
    if lines:
        console.print("`coinsphere market quarantine` lists all, `release` and `remove` decide.")


def as_dict(entry: Entry) -> dict[str, Any]:
    """The quarantine as a dictionary, for JSON output."""
    return {
        "id": entry.id,
        "symbol": entry.symbol,
        "scope": entry.scope,
        "about": iso(entry.about) if entry.about else None,
        "rule": entry.rule,
        "reason": entry.reason,
        "since": iso(entry.since),
    }


def _table(entries: Sequence[Entry]) -> Table:
    table = Table("id", "token", "what", "of", "why", "since", "state", title="Set aside")
    for entry in entries:
        by = f"{entry.state} by {entry.changed_by}" if entry.state != "held" else "held"
        why = f"{entry.reason} {entry.evidence}"
        table.add_row(
            str(entry.id),
            entry.symbol,
            entry.scope,
            summaries.moment(entry.about) if entry.about else "",
            escape(why),
            summaries.moment(entry.since),
            escape(by + (f": {entry.change_reason}" if entry.change_reason else "")),
        )
    return table


def _refused_table(rows: Sequence[Refused]) -> Table:
    table = Table(
        "id", "token", "what", "from", "why", "came", "decided", title="Refused on arrival"
    )
    for row in rows:
        decided = f"{row.resolution} by {row.resolved_by}" if row.resolution else ""
        table.add_row(
            str(row.id),
            row.symbol or "",
            row.kind,
            escape(row.source),
            escape(f"{row.reason} {dict(row.payload)}"),
            summaries.moment(row.quarantined_at),
            escape(decided + (f": {row.resolution_reason}" if row.resolution_reason else "")),
        )
    return table


def _ids(conn: Connection, which: str, *, of_refused: bool) -> list[int]:
    if which.isascii() and which.isdecimal():
        return [int(which)]
    token_id = _token(conn, which)
    if of_refused:
        return [row.id for row in quarantine_review.rows(conn, token_id=token_id)]
    return [entry.id for entry in set_aside.entries(conn, token_id=token_id)]


def _token(conn: Connection, symbol: str) -> Any:
    try:
        return tokens.by_symbol(conn, symbol).id
    except LookupError as error:
        raise click.ClickException(f"No token has the symbol {symbol}.") from error
