"""`coinsphere integrity`: whether what is stored holds together."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.table import Table

    from coinsphere.portfolio.integrity import Result


def register(cli: click.Group) -> None:
    """Add the command."""
    cli.add_command(integrity)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def integrity(*, as_json: bool) -> None:
    """Check ledger, lots, positions and values against each other; exits with 1 where something contradicts."""
    import psycopg

    from coinsphere.cli.console import console
    from coinsphere.clock import utc_now
    from coinsphere.portfolio import integrity as checks
    from coinsphere.settings import Role, Settings

    with psycopg.connect(Settings.from_env().url_for(Role.PIPELINE)) as conn:
        results = checks.check(conn)
        checks.keep(conn, results, utc_now())
    if as_json:
        rows = [
            {
                "name": result.name,
                "rule": result.rule,
                "faults": result.faults,
                "examples": result.examples,
            }
            for result in results
        ]
        click.echo(json.dumps(rows, indent=2))
    else:
        console().print(_table(results))
    if not all(result.holds for result in results):
        raise click.exceptions.Exit(1)


def _table(results: Sequence["Result"]) -> "Table":
    from rich.markup import escape
    from rich.table import Table

    table = Table("check", "what must hold", "faults", "the first of them")
    for result in results:
        sign = "[green]0[/green]" if result.holds else f"[red]{result.faults}[/red]"
        table.add_row(result.name, result.rule, sign, escape("\n".join(result.examples)))
    return table
