"""`coinsphere mail`: what was sent, what waits, and why."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from uuid import UUID

import click

from coinsphere.cli import database
from coinsphere.settings import Role

if TYPE_CHECKING:
    from rich.table import Table

    from coinsphere.notify.mail import Mail


def register(cli: click.Group) -> None:
    """Add the sub-commands."""
    cli.add_command(mail)


@click.group(invoke_without_command=True)
@click.pass_context
def mail(context: click.Context) -> None:
    """Mails: what was sent, what waits, and why. Without a sub-command, the newest."""
    if context.invoked_subcommand is None:
        context.invoke(list_)


@mail.command("list")
@click.option(
    "--limit",
    type=click.IntRange(1, 10_000),
    default=50,
    show_default=True,
    help="How many, newest first.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def list_(limit: int, *, as_json: bool) -> None:
    """List the newest mails."""
    from coinsphere.cli.console import console as new_console
    from coinsphere.notify import mail as outbox

    with database.connection(Role.PIPELINE) as conn:
        mails = outbox.newest(conn, limit)
    if as_json:
        click.echo(json.dumps([_as_json(queued) for queued in mails], indent=2))
    else:
        new_console().print(_table(mails))


def _as_json(queued: "Mail") -> dict[str, Any]:
    from coinsphere.clock import iso

    return {
        "id": str(queued.id),
        "recipient": queued.recipient,
        "subject": queued.subject,
        "attempts": queued.attempts,
        "lastError": queued.last_error,
        "createdAt": iso(queued.created_at),
        "sentAt": iso(queued.sent_at) if queued.sent_at else None,
    }


def _table(mails: Sequence["Mail"]) -> "Table":
    from rich.markup import escape
    from rich.table import Table

    table = Table("id", "created", "to", "subject", "state")
    for queued in mails:
        sent_at = queued.sent_at
        state = f"sent {sent_at:%H:%M:%S}" if sent_at else queued.last_error or "waiting"
        table.add_row(
            str(queued.id),
            f"{queued.created_at:%Y-%m-%d %H:%M:%S}",
            escape(queued.recipient),
            escape(queued.subject),
            escape(state),
        )
    return table


@mail.command()
@click.argument("mail_id", type=click.UUID)
def show(mail_id: UUID) -> None:
    """Print one mail."""
    from coinsphere.notify import mail as outbox

    with database.connection(Role.PIPELINE) as conn:
        stored_mail = outbox.get(conn, mail_id)
    if stored_mail is None:
        raise click.ClickException(
            f"There is no mail {mail_id}; `coinsphere mail list` shows what there is."
        )
    click.echo(f"To: {stored_mail.recipient}\nSubject: {stored_mail.subject}\n\n{stored_mail.text}")


@mail.command()
def retry() -> None:
    """Try every mail again whose sending failed."""
    from coinsphere.notify import mail as outbox

    with database.connection(Role.PIPELINE) as conn:
        count = outbox.retry(conn)
    click.echo(f"{count} mail{' is' if count == 1 else 's are'} tried again.")
