"""Checks all privileges that backups need at once, as PostgreSQL's tools name one missing at a time."""

from collections.abc import Iterator
from dataclasses import dataclass

from psycopg import Connection
from psycopg.rows import class_row

from coinsphere.errors import BackupError
from coinsphere.local import postgres

_LEAST_SENDERS = 3
"""Two for a base backup with its log, one for the receiver."""
_LEAST_SLOTS = 2
"""One for the receiver, one for as long as a base backup takes."""

_FACTS = """
    select current_user::text as role, current_setting('server_version_num')::int / 10000 as version,
        (select rolsuper or rolreplication from pg_roles where rolname = current_user) as replicates,
        pg_has_role(current_user, 'pg_read_all_stats', 'usage') as sees_sizes,
        current_setting('wal_level') as wal_level,
        current_setting('max_wal_senders')::int as senders,
        current_setting('max_replication_slots')::int as slots,
        pg_is_in_recovery() as is_standby,
        (select count(*)::int from pg_tablespace where spcname not in ('pg_default', 'pg_global')) as tablespaces
"""


@dataclass(frozen=True, slots=True)
class Facts:
    """The settings of a server, and the privileges of its `role`."""

    role: str
    version: int
    replicates: bool
    sees_sizes: bool
    wal_level: str
    senders: int
    slots: int
    is_standby: bool
    tablespaces: int


def refuse_without(conn: Connection) -> None:
    """Raise where the server of `conn` cannot be backed up by its role.

    Raises:
        BackupError: says all that is missing, and the words that mend it.
    """
    facts = conn.cursor(row_factory=class_row(Facts)).execute(_FACTS).fetchone()
    missing = list(lacks(facts, int(postgres.version()))) if facts else []
    if missing:
        raise BackupError(f"This server cannot be backed up yet: {'; '.join(missing)}.")


def lacks(facts: Facts, version: int) -> Iterator[str]:
    """The missing settings and privileges, each with its remedy; `version` is the major one of the tools here."""
    if facts.version != version:
        yield (
            f"it is PostgreSQL {facts.version} and the tools here are of {version}, which could not restore it: back it up "
            "by what runs it, and set COINSPHERE_BACKUP_HOURS=0"
        )
    if not facts.replicates:
        yield f"the role {facts.role} may not replicate (`alter role {facts.role} replication`)"
    if not facts.sees_sizes:
        yield (
            f"the role {facts.role} may not ask how large it is (`grant pg_read_all_stats to {facts.role}`)"
        )
    if facts.wal_level == "minimal":
        yield "its log says too little (`wal_level = replica`)"
    if facts.senders < _LEAST_SENDERS:
        yield f"it sends its log to {facts.senders} at most (`max_wal_senders = {_LEAST_SENDERS}` or more)"
    if facts.slots < _LEAST_SLOTS:
        yield f"it has room for {facts.slots} slots (`max_replication_slots = {_LEAST_SLOTS}` or more)"
    if facts.is_standby:
        yield "it is a standby: name the primary server"
    if facts.tablespaces:
        yield f"it has {facts.tablespaces} tablespaces beside its folder, which are not restored"
