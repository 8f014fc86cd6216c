"""`coinsphere db`: bring the schema up to date, add the seeds, see what is there."""

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import unquote, urlsplit

import click
import psycopg
from pydantic import SecretStr
from rich.table import Table

from coinsphere.cli.console import console as new_console
from coinsphere.db.catalogue import TableSize
from coinsphere.errors import ConfigurationError, DatabaseNotReady
from coinsphere.settings import Role, Settings, variable

_KIB = 1024


@click.group()
def db() -> None:
    """The database: schema, seeds, sizes."""


@db.command()
def provision() -> None:
    """Make roles and databases on a server of your own, with the passwords that their URLs carry; twice does no harm."""
    from coinsphere.db import provisioning

    settings = Settings.from_env()
    passwords = _passwords(settings)
    with psycopg.connect(_given(settings, "superuser_database_url"), autocommit=True) as conn:
        provisioning.provision(conn, passwords)
    click.echo(f"{len(passwords)} roles and {len(provisioning.DATABASES)} databases are there.")


@db.command()
def upgrade() -> None:
    """Bring the schema to the version that this code needs. Does nothing where it is there already."""
    from coinsphere.db import migrate

    with _owner() as url:
        before = migrate.current(url)
        migrate.upgrade(url)
        after = migrate.current(url)
    click.echo(
        f"The schema is at revision {after} already."
        if before == after
        else f"The schema went from revision {before or 'none'} to {after}."
    )


@db.command()
def seed() -> None:
    """Add the tokens and protocols that are missing; what is there is not touched."""
    from coinsphere.db import migrate, seeds

    with _owner() as url:
        migrate.require_current(url)
        with psycopg.connect(url) as conn:
            added = seeds.apply(conn)
    click.echo(
        f"{added} tokens, events and protocols added." if added else "All seeds are there already."
    )


@db.command()
def status() -> None:
    """Show the schema's revision, how candles are kept, and the size of each table."""
    from coinsphere.db import catalogue, migrate

    with _owner() as url:
        revision, wanted = migrate.current(url), migrate.revisions()[-1]
        with psycopg.connect(url) as conn:
            storage, tables = catalogue.price_storage(conn), catalogue.table_sizes(conn)
    console = new_console()
    todo = (
        "current"
        if revision == wanted
        else f"this version needs {wanted}: run `coinsphere db upgrade`"
    )
    console.print(f"Schema: revision {revision or 'none'}, {todo}.", highlight=False)
    if storage is not None:
        kind = {
            "partitions": "natively partitioned by month",
            "hypertable": "a TimescaleDB hypertable",
        }[storage.kind]
        parts = {"partitions": "partitions", "hypertable": "chunks"}[storage.kind]
        console.print(f"market.price_data: {kind}, {storage.parts} {parts}.", highlight=False)
    console.print(_sizes(tables))


def register(cli: click.Group) -> None:
    """Add these commands to `cli`."""
    cli.add_command(db)


@contextmanager
def _owner() -> Iterator[str]:
    """The URL of the owner's role; a server that is away becomes an error of ours."""
    from sqlalchemy.exc import OperationalError

    url = Settings.from_env().url_for(Role.OWNER)
    try:
        yield url
    except (OperationalError, psycopg.OperationalError) as error:
        cause = str(getattr(error, "orig", error)).strip().splitlines()[0]
        raise DatabaseNotReady(
            f"The database cannot be reached ({cause}): start it with `coinsphere up`, or check "
            "COINSPHERE_DATABASE_URL."
        ) from error


def _sizes(tables: list[TableSize]) -> Table:
    shown = Table("table", title="Tables")
    shown.add_column("rows, about", justify="right")
    shown.add_column("size", justify="right")
    for table in tables:
        rows = "unknown" if table.rows is None else f"{table.rows:,}"
        shown.add_row(f"{table.schema}.{table.name}", rows, _size(table.bytes))
    return shown


def _size(number: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if number < _KIB:
            return f"{number:.0f} {unit}"
        number /= _KIB
    return f"{number:.1f} TB"


def _passwords(settings: Settings) -> dict[str, str]:
    """The password of each role, from its URL."""
    urls = {
        f"coinsphere_{role}": f"{role}_database_url"
        for role in ("api", "pipeline", "worker", "readonly", "backup")
    } | {
        "coinsphere_owner": "database_url",
        "dagster": "dagster_database_url",
        "mlflow": "mlflow_database_url",
    }
    return {
        role: unquote(urlsplit(_given(settings, field)).password or "")
        for role, field in urls.items()
    }


def _given(settings: Settings, field: str) -> str:
    url: SecretStr | None = getattr(settings, field)
    if url is None:
        raise ConfigurationError(f"{variable(field)} is not set.")
    return url.get_secret_value()
