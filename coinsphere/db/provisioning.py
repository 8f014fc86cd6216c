"""Roles that may log in, and databases: what migrations need, as only a superuser makes it."""

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
    "dagster",
    "mlflow",
)


def provision(conn: psycopg.Connection, passwords: Mapping[str, str]) -> None:
    """Make roles and databases where they are missing, and set the passwords; twice does no harm.

    Args:
        conn: of a superuser, in autocommit: a database is not made in a transaction.
        passwords: one for each of `LOGIN_ROLES`.

    Raises:
        KeyError: a role has no password.
        psycopg.Error: the role of `conn` may not do it.
    """
    for role in LOGIN_ROLES:
        _ensure_role(conn, role, passwords[role])
    for database, owner in DATABASES.items():
        _ensure_database(conn, database, owner)


def _ensure_role(conn: psycopg.Connection, role: str, password: str) -> None:
    exists = conn.execute("select 1 from pg_roles where rolname = %s", [role]).fetchone()
    verb = sql.SQL("alter" if exists else "create")
    # The owner makes the other roles' privileges in migrations, hence createrole.
    options = sql.SQL("createrole" if role == "coinsphere_owner" else "nocreaterole")
    conn.execute(
        sql.SQL("{} role {} login {} password {}").format(
            verb, sql.Identifier(role), options, sql.Literal(password)
        )
    )
    if role not in DATABASES.values():
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
