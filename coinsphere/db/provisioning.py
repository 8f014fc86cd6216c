"""Creates login roles and databases, which migrations need and only a superuser can make."""

from collections.abc import Mapping

import psycopg
from psycopg import sql

DATABASES = {"coinsphere": "coinsphere_owner", "dagster": "dagster", "mlflow": "mlflow"}
"""Each database and the role that owns it."""
LOGIN_ROLES = (
    "coinsphere_owner",
    "coinsphere_api",
    "coinsphere_pipeline",
    "coinsphere_worker",
    "coinsphere_readonly",
    "coinsphere_backup",
    "dagster",
    "mlflow",
)
BACKUP_ROLE = "coinsphere_backup"
"""It receives the log of the whole server, and enters none of our databases."""


def provision(conn: psycopg.Connection, passwords: Mapping[str, str]) -> None:
    """Create missing roles and databases, and set the passwords. Idempotent.

    Args:
        conn: of a superuser, in autocommit: a database is not made in a transaction.
        passwords: one for each of `LOGIN_ROLES`; without one of `BACKUP_ROLE` that role is not made.

    Raises:
        KeyError: a role has no password.
        psycopg.Error: the role of `conn` may not do it.
    """
    is_backed_up = BACKUP_ROLE in passwords
    for role in LOGIN_ROLES:
        if role != BACKUP_ROLE or is_backed_up:
            _ensure_role(conn, role, passwords[role])
    if is_backed_up:  # it asks for the size of what it stores
        conn.execute(sql.SQL("grant pg_read_all_stats to {}").format(sql.Identifier(BACKUP_ROLE)))
    for database, owner in DATABASES.items():
        _ensure_database(conn, database, owner)


def _ensure_role(conn: psycopg.Connection, role: str, password: str) -> None:
    exists = conn.execute("select 1 from pg_roles where rolname = %s", [role]).fetchone()
    verb = sql.SQL("alter" if exists else "create")
    # The owner makes the other roles' privileges in migrations, hence createrole.
    named = {"coinsphere_owner": "createrole", BACKUP_ROLE: "nocreaterole replication"}
    options = sql.SQL(named.get(role, "nocreaterole"))
    conn.execute(
        sql.SQL("{} role {} login {} password {}").format(
            verb, sql.Identifier(role), options, sql.Literal(password)
        )
    )
    if role not in (*DATABASES.values(), BACKUP_ROLE):
        conn.execute(
            sql.SQL("grant {} to coinsphere_owner with admin option").format(sql.Identifier(role))
        )


def _ensure_database(conn: psycopg.Connection, database: str, owner: str) -> None:
    if not conn.execute("select 1 from pg_database where datname = %s", [database]).fetchone():
        conn.execute(
            sql.SQL("create database {} owner {}").format(
                sql.Identifier(database), sql.Identifier(owner)
            )
        )
        conn.execute(
            sql.SQL("revoke connect on database {} from public").format(sql.Identifier(database))
        )
    if database == "coinsphere":
        conn.execute(
            sql.SQL(
                "grant connect on database {} to coinsphere_api, coinsphere_pipeline, coinsphere_worker, "
                "coinsphere_readonly"
            ).format(sql.Identifier(database))
        )
