"""The sub-commands of `webapi`: accounts."""

import secrets

import click


def register(cli: click.Group) -> None:
    """Add them to `coinsphere`."""
    cli.add_command(users)


@click.group()
def users() -> None:
    """Accounts of the API."""


@users.command("create-admin")
@click.argument("email")
def create_admin(email: str) -> None:
    """Create an administrator; the generated password is printed once and stored nowhere."""
    import psycopg

    from coinsphere.settings import Role, Settings
    from webapi.auth import queries, schemas
    from webapi.security.passwords import Passwords

    try:
        address = schemas.email_address(email)
    except ValueError as error:
        raise click.BadParameter(f"{email} {error}", param_hint="EMAIL") from error
    password = secrets.token_urlsafe(15)
    with psycopg.connect(Settings.from_env().url_for(Role.API)) as conn:
        user = queries.create(conn, address, Passwords().hash(password), role="admin")
        if user is None:
            raise click.ClickException(f"There is an account with the address {address} already.")
    click.echo(f"Administrator {address} created. Its password, shown this once:\n{password}")


@users.command("list")
def list_() -> None:
    """List all accounts, oldest first."""
    import psycopg
    from rich.table import Table

    from coinsphere.cli.console import console as new_console
    from coinsphere.settings import Role, Settings
    from webapi.auth import queries

    with psycopg.connect(Settings.from_env().url_for(Role.API)) as conn:
        accounts = queries.all_users(conn)
    table = Table("id", "address", "role", "active", "created", "last login")
    for user in accounts:
        last = f"{user.last_login_at:%Y-%m-%d %H:%M}" if user.last_login_at else "never"
        table.add_row(
            str(user.id),
            user.email,
            user.role,
            "yes" if user.is_active else "no",
            f"{user.created_at:%Y-%m-%d %H:%M}",
            last,
        )
    new_console().print(table)
