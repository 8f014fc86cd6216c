"""`coinsphere mail`: what was sent, what waits, and why."""

import json
from uuid import UUID

import click

from coinsphere.cli import database
from coinsphere.settings import Role


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
    from rich.markup import escape
    from rich.table import Table

    from coinsphere.cli.console import console as new_console
    from coinsphere.clock import iso
    from coinsphere.notify import mail as outbox

    with database.connection(Role.PIPELINE) as conn:
        mails = outbox.newest(conn, limit)
    if as_json:
        rows = [
            {
                "id": str(found.id),
                "recipient": found.recipient,
                "subject": found.subject,
                "attempts": found.attempts,
                "lastError": found.last_error,
                "createdAt": iso(found.created_at),
                "sentAt": iso(found.sent_at) if found.sent_at else None,
            }
            for found in mails
        ]
        click.echo(json.dumps(rows, indent=2))
        return
    table = Table("id", "created", "to", "subject", "state")
    for found in mails:
        state = f"sent {found.sent_at:%H:%M:%S}" if found.sent_at else found.last_error or "waiting"
        table.add_row(
            str(found.id),
            f"{found.created_at:%Y-%m-%d %H:%M:%S}",
            escape(found.recipient),
            escape(found.subject),
            escape(state),
        )
    new_console().print(table)


@mail.command()
@click.argument("mail_id", type=click.UUID)
def show(mail_id: UUID) -> None:
    """Print one mail."""
    from coinsphere.notify import mail as outbox

    with database.connection(Role.PIPELINE) as conn:
        found = outbox.get(conn, mail_id)
    if found is None:
        raise click.ClickException(
            f"There is no mail {mail_id}; `coinsphere mail list` shows what there is."
        )
    click.echo(f"To: {found.recipient}\nSubject: {found.subject}\n\n{found.text}")


@mail.command()
def retry() -> None:
    """Try every mail again whose sending failed."""
    from coinsphere.notify import mail as outbox

    with database.connection(Role.PIPELINE) as conn:
        count = outbox.retry(conn)
    click.echo(f"{count} mail{' is' if count == 1 else 's are'} tried again.")
