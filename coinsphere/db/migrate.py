"""Migrates the schema by Alembic revisions of raw SQL."""

import time
from collections.abc import Callable
from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg.errors import LockNotAvailable
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from coinsphere.errors import DatabaseNotReady
from coinsphere.settings import sqlalchemy_url

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"
_LOCK = 7_265_001
"""Two processes that migrate at once take turns by this advisory lock."""
_LOCK_TIMEOUT_MS = 2_000
_TRIES = 10
_PAUSE_SECONDS = 1.0

Check = Callable[[psycopg.Connection], None]


def upgrade(url: str, revision: str = "head", check: Check = lambda _: None) -> None:
    """Migrate the database at `url` up to `revision`, in one transaction. Does nothing where it is there already.

    Whoever waits for a lock makes all who come later wait behind it: so a lock is not waited for but some seconds, and
    all of it is tried again.

    Args:
        url: of the owner.
        revision: the newest by default.
        check: looks at what came out before it counts, over the same connection; what it raises undoes all of it.

    Raises:
        DatabaseNotReady: a lock could not be had; nothing was changed.
    """
    for tries_left in reversed(range(_TRIES)):
        try:
            _run(url, lambda config: command.upgrade(config, revision), check)
        except OperationalError as error:
            if not isinstance(error.orig, LockNotAvailable):
                raise
            if not tries_left:
                raise DatabaseNotReady(
                    "Somebody holds what a migration changes, so nothing was changed: end what works on the database."
                ) from error
            time.sleep(_PAUSE_SECONDS)
        else:
            return


def downgrade(url: str, revision: str) -> None:
    """Migrate the database at `url` back to `revision`; `base` empties it."""
    _run(url, lambda config: command.downgrade(config, revision))


def revisions() -> list[str]:
    """All revisions, oldest first."""
    scripts = ScriptDirectory.from_config(_config())
    return [script.revision for script in reversed(list(scripts.walk_revisions()))]


def current(url: str) -> str | None:
    """The revision of the database at `url`; None where it is empty."""
    engine = create_engine(sqlalchemy_url(url, "psycopg"), poolclass=NullPool)
    with engine.connect() as connection:
        revision: str | None = MigrationContext.configure(
            connection, opts={"version_table_schema": "public"}
        ).get_current_revision()
    return revision


def require_current(url: str) -> None:
    """Raise unless the schema is the one that this code was written for.

    Raises:
        DatabaseNotReady: it is not; says which it is and what to do.
    """
    revision, wanted = current(url), revisions()[-1]
    if revision != wanted:
        raise DatabaseNotReady(
            f"The database is at revision {revision or 'none'}, this version needs {wanted}: run `coinsphere db upgrade`."
        )


def _config(connection: Connection | None = None) -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def _run(url: str, step: Callable[[Config], None], check: Check | None = None) -> None:
    engine = create_engine(sqlalchemy_url(url, "psycopg"), poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text("select pg_advisory_lock(:lock)"), {"lock": _LOCK})
        connection.commit()
        if check is None:
            step(_config(connection))
        else:
            _all_or_nothing(connection, step, check)
        connection.execute(text("select pg_advisory_unlock(:lock)"), {"lock": _LOCK})
        connection.commit()


def _all_or_nothing(connection: Connection, step: Callable[[Config], None], check: Check) -> None:
    """Within a transaction that is there, Alembic begins none of its own."""
    with connection.begin():
        connection.execute(text(f"set local lock_timeout = {_LOCK_TIMEOUT_MS}"))
        step(_config(connection))
        driver = connection.connection.driver_connection
        assert driver is not None
        check(driver)
