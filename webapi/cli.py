"""The sub-commands of `webapi`: accounts, listed tokens, and what is made from the reference."""

import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from webapi.demo.cli import demo
from webapi.tokens.cli import tokens

if TYPE_CHECKING:
    from coinsphere.settings import Settings

_TO_CHOOSE = timedelta(hours=1)
"""A new administrator's time to choose a password."""


def register(cli: click.Group) -> None:
    """Add the commands to `coinsphere`."""
    cli.add_command(users)
    cli.add_command(api)
    cli.add_command(tokens)
    cli.add_command(demo)


@click.group()
def users() -> None:
    """Accounts of the API."""


@users.command("create-admin")
@click.argument("email")
def create_admin(email: str) -> None:
    """Create an administrator, who has no password: a token to choose one by is printed once, and good once."""
    from coinsphere.settings import Settings
    from webapi.auth import schemas

    try:
        address = schemas.email_address(email)
    except ValueError as error:
        raise click.BadParameter(f"{email} {error}", param_hint="EMAIL") from error
    settings = Settings.from_env()
    token = _administrator(settings, address)
    click.echo(
        f"Administrator {address} created, without a password. Choose one within an hour, on the page\n"
        f"{settings.pages_url}/reset-password?token={token}\n"
        'or by POST /api/v1/auth/reset-password {"token": …, "newPassword": …} with this token, good once:\n'
        f"{token}"
    )


def _administrator(settings: "Settings", address: str) -> str:
    """Creates the account, and returns the token by which its password is chosen."""
    import psycopg

    from coinsphere.accounts import password_resets
    from coinsphere.audit import chain
    from coinsphere.audit.events import Event
    from coinsphere.clock import utc_now
    from coinsphere.db import owner
    from coinsphere.db.owner import Scope
    from coinsphere.security.symmetric_keys import SymmetricKeys
    from coinsphere.settings import Role
    from webapi.auth import queries
    from webapi.security.passwords import Passwords

    now = utc_now()
    nobody_knows = Passwords.of(settings).made(secrets.token_urlsafe(32))
    with psycopg.connect(settings.url_for(Role.API)) as conn:
        owner.act(conn, None, Scope.ADMINISTRATION)
        user = queries.create(conn, address, nobody_knows, role="admin")
        if user is None:
            raise click.ClickException(f"There is an account with the address {address} already.")
        token = password_resets.issue(conn, user.id, _TO_CHOOSE, now)
        keys = SymmetricKeys(settings.audit_keys)
        chain.append(conn, keys, Event.ADMIN_CREATED, now, target=str(user.id))
    return token


@users.command("list")
def list_() -> None:
    """List all accounts, oldest first."""
    import psycopg
    from rich.table import Table

    from coinsphere.cli.console import console as new_console
    from coinsphere.db import owner
    from coinsphere.db.owner import Scope
    from coinsphere.settings import Role, Settings
    from webapi.auth import queries

    with psycopg.connect(Settings.from_env().url_for(Role.API)) as conn:
        owner.act(conn, None, Scope.ADMINISTRATION)
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


@click.group()
def api() -> None:
    """What is made from the API's own description."""


@api.command("postman")
@click.option("--base-url", default="http://127.0.0.1:3001", help="Where the API is.")
def postman_(base_url: str) -> None:
    """Print the API as a Postman collection; needs no running system."""
    from webapi.documentation import postman
    from webapi.http import json

    click.echo(json.dumps(postman.collection(_document(), base_url)).decode())


@api.command("openapi")
def openapi() -> None:
    """Print the OpenAPI document; needs no running system."""
    from webapi.http import json

    click.echo(json.dumps(_document()).decode())


@api.command("graphql")
def graphql() -> None:
    """Print the schema of GraphQL, as `docs/schema.graphql` has it; needs no running system."""
    from webapi.graphql import schema

    click.echo(schema.printed(), nl=False)


def _document() -> dict[str, Any]:
    """The OpenAPI document of an API without connections; its signing key is discarded."""
    import tempfile
    from pathlib import Path

    from pydantic import SecretStr

    from coinsphere.settings import Settings
    from webapi.app import create_app
    from webapi.documentation import specification

    with tempfile.TemporaryDirectory() as folder:
        nowhere = Settings(
            home=Path(folder),
            database_url=SecretStr("postgresql://nobody@127.0.0.1:1/none"),
            redis_url=SecretStr("redis://127.0.0.1:1/0"),
        )
        return specification.document(create_app(nowhere))
