"""`coinsphere audit`: who did what, and whether the log of it was touched."""

import json
from typing import TYPE_CHECKING
from uuid import UUID

import click

if TYPE_CHECKING:
    from psycopg import Connection

    from coinsphere.audit.chain import Entry
    from coinsphere.settings import Settings


def register(cli: click.Group) -> None:
    """Add the sub-commands."""
    cli.add_command(audit)


@click.group()
def audit() -> None:
    """The audit log: who did what, and whether somebody changed it afterwards."""


@audit.command("list")
@click.option("--limit", default=50, show_default=True, help="How many, newest first.")
@click.option("--event", help="Only this one, like `login.refused`.")
@click.option("--actor", type=click.UUID, help="Only what this user did.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for programs.")
def list_(limit: int, event: str | None, actor: UUID | None, *, as_json: bool) -> None:
    """List the newest entries."""
    from coinsphere.audit import chain
    from coinsphere.settings import Settings

    with _connection(Settings.from_env()) as conn:
        entries = chain.newest(conn, limit, action=event, actor_id=actor)
    if as_json:
        for entry in entries:
            click.echo(json.dumps(_row(entry)))
    else:
        _print(entries)


@audit.command()
def verify() -> None:
    """Check the whole chain and every anchor; the first thing that is wrong is named, and the exit code is 1."""
    from coinsphere.audit import anchoring, verification
    from coinsphere.clock import utc_now
    from coinsphere.security.symmetric_keys import SymmetricKeys
    from coinsphere.settings import Settings

    settings = Settings.from_env()
    anchors = anchoring.read_anchors(settings.audit_anchors)
    with _connection(settings) as conn:
        verdict = verification.verify(conn, SymmetricKeys(settings.audit_keys), anchors)
        verification.keep(conn, verdict, utc_now())
    if verdict.loose:
        click.echo(f"{verdict.loose} entries are in no chain.")
    if verdict.problem:
        raise click.ClickException(
            f"{verdict.problem}. {verdict.checked} entries before it are good. See docs/runbooks/audit-broken.md."
        )
    click.echo(f"{verdict.checked} entries and {verdict.anchors} anchors are good.")


@audit.command()
def anchor() -> None:
    """Note the chain's present end in the anchor file, as the worker does every hour."""
    from coinsphere.audit import anchoring
    from coinsphere.clock import utc_now
    from coinsphere.security.symmetric_keys import SymmetricKeys
    from coinsphere.settings import Settings

    settings = Settings.from_env()
    with _connection(settings) as conn:
        sealed = anchoring.anchor(
            conn, SymmetricKeys(settings.audit_keys), settings.audit_anchors, utc_now()
        )
    if sealed is None:
        click.echo("There is no entry yet.")
    else:
        click.echo(f"Entry {sealed.seq} is anchored in {settings.audit_anchors}.")


@audit.command()
@click.option("--reason", required=True, help="Why entries are missing, like which backup.")
def reseal(reason: str) -> None:
    """After a restore from a backup: note what was lost, and begin a new anchor file."""
    from coinsphere.audit import anchoring
    from coinsphere.clock import utc_now
    from coinsphere.security.symmetric_keys import SymmetricKeys
    from coinsphere.settings import Settings

    settings = Settings.from_env()
    seals = SymmetricKeys(settings.audit_keys)
    with _connection(settings) as conn:
        sealed, old_file = anchoring.reseal(conn, seals, settings.audit_anchors, utc_now(), reason)
    if sealed is not None:
        click.echo(f"The log goes on with entry {sealed.seq}.")
    if old_file is not None:
        click.echo(f"The old anchors are kept in {old_file}.")


def _connection(settings: "Settings") -> "Connection":
    import psycopg

    from coinsphere.settings import Role

    options = "-c timezone=UTC"
    return psycopg.connect(settings.url_for(Role.OWNER), options=options, connect_timeout=5)


def _row(entry: "Entry") -> dict[str, object]:
    from coinsphere.clock import iso

    return {
        "seq": entry.seq,
        "occurredAt": iso(entry.occurred_at),
        "event": entry.action,
        "actorId": str(entry.actor_id) if entry.actor_id else None,
        "target": entry.target,
        "network": entry.ip_address,
        "requestId": entry.request_id,
        "details": entry.details,
    }


def _print(entries: "list[Entry]") -> None:
    from rich.markup import escape
    from rich.table import Table

    from coinsphere.cli.console import console as new_console
    from coinsphere.log import printable

    table = Table("no.", "when (UTC)", "event", "by", "on", "from", "details")
    for entry in entries:
        details = ", ".join(f"{name}={value}" for name, value in entry.details.items())
        # Whoever writes into the table by other ways must not command this terminal.
        texts = [entry.action, entry.actor_id, entry.target, entry.ip_address, details]
        shown = [escape(printable(str(text))) if text else "" for text in texts]
        table.add_row(str(entry.seq or "-"), f"{entry.occurred_at:%Y-%m-%d %H:%M:%S}", *shown)
    new_console().print(table)
