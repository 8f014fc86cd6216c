"""Versioned schema changes: Alembic with raw SQL in its revisions."""

from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from coinsphere.errors import DatabaseNotReady
from coinsphere.settings import sqlalchemy_url

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
_LOCK = 7_265_001
"""Two processes that migrate at once take turns by this advisory lock."""


def upgrade(url: str, revision: str = "head") -> None:
    """Bring the database at `url` to `revision`. Does nothing where it is there already."""
    _run(url, lambda config: command.upgrade(config, revision))


def downgrade(url: str, revision: str) -> None:
    """Take the database at `url` back to `revision`; `base` empties it."""
    _run(url, lambda config: command.downgrade(config, revision))


def revisions() -> list[str]:
    """All revisions, oldest first."""
    scripts = ScriptDirectory.from_config(_config())
    return [script.revision for script in reversed(list(scripts.walk_revisions()))]


def current(url: str) -> str | None:
    """The revision that the database at `url` is at; None where it is empty."""
    engine = create_engine(sqlalchemy_url(url, "psycopg"), poolclass=NullPool)
    with engine.connect() as connection:
        revision: str | None = MigrationContext.configure(
            connection, opts={"version_table_schema": "public"}
        ).get_current_revision()
    return revision


def require_current(url: str) -> None:
    """Check that the schema is the one that this code was written for.

    Raises:
        DatabaseNotReady: it is not; says which it is and what to do.
    """
    found, wanted = current(url), revisions()[-1]
    if found != wanted:
        raise DatabaseNotReady(
            f"The database is at revision {found or 'none'}, this version needs {wanted}: run `coinsphere db upgrade`."
        )


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _run(url: str, step: Callable[[Config], None]) -> None:
    engine = create_engine(sqlalchemy_url(url, "psycopg"), poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text("select pg_advisory_lock(:lock)"), {"lock": _LOCK})
        connection.commit()
        step(_config(connection))
        connection.execute(text("select pg_advisory_unlock(:lock)"), {"lock": _LOCK})
        connection.commit()
