"""`coinsphere market quarantine`, `release` and `remove`: what checks set aside, and what a person decides about it."""

import getpass
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from operator import attrgetter
from typing import Any

import click
from psycopg import Connection
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from coinsphere.cli.console import console as new_console
from coinsphere.clock import iso, utc_now
from coinsphere.market import quarantine, set_aside, tokens
from coinsphere.market.set_aside import Held

Decide = Callable[[Connection, Sequence[int], str, str, datetime], int]

_SHOWN = 20


def show(conn: Connection, symbol: str | None, *, past: bool) -> None:
    """Print what is set aside, and how many rows were refused on arrival."""
    console = new_console()
    token_id = _token(conn, symbol) if symbol else None
    held = set_aside.entries(conn, token_id=token_id, past=past)
    console.print(_table(held) if held else "Nothing is set aside.")
    for refused in quarantine.waiting(conn, token_id):
        console.print(
            f"{refused.symbol or 'no token'}: {refused.rows:,} {refused.kind} rows refused on arrival, the last "
            f"{_moment(refused.last)}: {escape(refused.reason)}",
            highlight=False,
        )


def decide(  # noqa: PLR0917 - what is decided, of what, and why
    conn: Connection, decision: Decide, done: str, which: str, why: str, now: datetime | None = None
) -> None:
    """Release or remove what WHICH names: the number of an entry, or a token's symbol for all of its entries."""
    ids = _ids(conn, which)
    changed = decision(conn, ids, f"operator {getpass.getuser()}", why, now or utc_now())
    if not changed:
        raise click.ClickException(
            f"Nothing of {which} can be {done}: see `coinsphere market quarantine`."
        )
    new_console().print(f"{changed} {'entry' if changed == 1 else 'entries'} of {which} {done}.")


def show_set_aside(console: Console, held: Sequence[Held]) -> None:
    """Print a line for each token and rule; nothing where nothing is set aside."""
    lines = list(_summaries(held))
    for line in lines[:_SHOWN]:
        console.print(f"[yellow]set aside[/yellow] {escape(line)}", highlight=False)
    if len(lines) > _SHOWN:
        console.print(f"and {len(lines) - _SHOWN} more")
    if lines:
        console.print("`coinsphere market quarantine` lists all, `release` and `remove` decide.")


def as_dict(held: Held) -> dict[str, Any]:
    """An entry for programs."""
    return {
        "id": held.id,
        "symbol": held.symbol,
        "scope": held.scope,
        "about": iso(held.about) if held.about else None,
        "rule": held.rule,
        "reason": held.reason,
        "since": iso(held.since),
    }


def _summaries(held: Sequence[Held]) -> list[str]:
    order = attrgetter("symbol", "scope", "rule")
    lines = []
    for (symbol, scope, _), rows in groupby(sorted(held, key=order), order):
        same = list(rows)
        days = sorted(each.about for each in same if each.about)
        what = (
            ""
            if scope == "token"
            else f", {len(same)} {scope}{'s' * (len(same) > 1)} {_span(days)}"
        )
        lines.append(f"{symbol}{what}: {same[0].reason}")
    return lines


def _span(moments: Sequence[datetime]) -> str:
    if len(moments) == 1:
        return f"of {_moment(moments[0])}"
    whole = all(after - before <= timedelta(days=1) for before, after in pairwise(moments))
    return f"{'from' if whole else 'between'} {_moment(moments[0])} {'to' if whole else 'and'} {_moment(moments[-1])}"


def _table(held: Sequence[Held]) -> Table:
    table = Table("id", "token", "what", "of", "why", "since", "state", title="Set aside")
    for each in held:
        by = f"{each.state} by {each.changed_by}" if each.state != "held" else "held"
        why = f"{each.reason} {each.evidence}"
        table.add_row(
            str(each.id),
            each.symbol,
            each.scope,
            _moment(each.about) if each.about else "",
            escape(why),
            _moment(each.since),
            escape(by + (f": {each.change_reason}" if each.change_reason else "")),
        )
    return table


def _ids(conn: Connection, which: str) -> list[int]:
    if which.isdecimal():
        return [int(which)]
    return [each.id for each in set_aside.entries(conn, token_id=_token(conn, which))]


def _token(conn: Connection, symbol: str) -> Any:
    try:
        return tokens.by_symbol(conn, symbol).id
    except LookupError as error:
        raise click.ClickException(f"No token has the symbol {symbol}.") from error


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}" if moment.hour == moment.minute == 0 else f"{moment:%Y-%m-%d %H:%M}"
