"""Upgrades the state of an older version: migrates it in one transaction, and checks it before the commit.

What a migration or a check refuses is undone by the transaction's end, so the state is as it was, to the last row. What
is found out later is undone by a restore to the instant before: a base backup is made ahead, and the log of the upgrade
is stored behind it.
"""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime

import psycopg
from psycopg import sql

from coinsphere import log
from coinsphere.backup import base_backups, before_upgrade
from coinsphere.backup.model import Backup
from coinsphere.clock import Clock, utc_now
from coinsphere.db import migrate
from coinsphere.errors import BackupError, UpgradeRefused
from coinsphere.portfolio import integrity
from coinsphere.settings import Role, Settings

_KEPT = (
    "app.users",
    "app.portfolios",
    "app.transactions",
    "app.ledger_entries",
    "app.alerts",
    "app.audit_logs",
    "app.exchange_connections",
    "app.wallet_connections",
    "model.predictions",
)
"""Tables of which no version drops a row."""
_log = log.get("upgrade")


@dataclass(frozen=True, slots=True)
class Upgrade:
    """What was done: from which revision to which (equal where nothing was), when that began, and which backup was made ahead."""

    before: str | None
    after: str
    began_at: datetime
    backup_id: str | None = None


def is_due(settings: Settings) -> bool:
    """Whether there is a state, and it is of another version."""
    revision = migrate.current(settings.url_for(Role.OWNER))
    return revision is not None and revision != migrate.revisions()[-1]


def bring(settings: Settings) -> None:
    """Upgrade where that is due, as `coinsphere up` does with the servers alone.

    Raises:
        CoinsphereError: as `upgrade`.
    """
    if is_due(settings):
        upgrade(settings, utc_now)


def upgrade(
    settings: Settings, clock: Clock, *, looks: bool = True, backs_up: bool = True
) -> Upgrade:
    """Bring the state to this version.

    Args:
        settings: name the server; nothing else may be at work on it.
        clock: the present instant.
        looks: check the ledger before the migrations count.
        backs_up: make a backup ahead, where the settings say that there are backups and there is something to lose.

    Raises:
        UpgradeRefused: the state is of a newer version, no backup can be made, or what came out contradicts itself; it
            is as it was.
        DatabaseNotReady: somebody else holds what has to be changed; it is as it was.
    """
    url, known = settings.url_for(Role.OWNER), migrate.revisions()
    before, began_at = migrate.current(url), clock()
    if before is not None and before not in known:
        raise UpgradeRefused(
            f"The database is at revision {before}, which this version does not know: it is of a newer one."
        )
    if before == known[-1]:
        return Upgrade(before, before, began_at)
    rows = _rows(url)
    with ExitStack() as stack:
        backup = None
        if backs_up and settings.makes_backups and before is not None:
            backup = _back_up(settings, clock, stack)
        began_at = clock()
        migrate.upgrade(url, check=lambda conn: _look(conn, rows, looks=looks))
    _log.info("upgraded", before=before, after=known[-1])
    if backup is not None:
        with psycopg.connect(url, autocommit=True) as conn:
            base_backups.note(conn, backup)
    return Upgrade(before, known[-1], began_at, backup.id if backup else None)


def _back_up(settings: Settings, clock: Clock, stack: ExitStack) -> Backup:
    """Make a backup; until the stack is left, the log of what is done is kept, too."""
    try:
        return stack.enter_context(before_upgrade.secured(settings, clock))
    except (BackupError, psycopg.Error, OSError) as error:
        raise UpgradeRefused(
            f"No backup could be made, so nothing was changed: {str(error).strip()} "
            "(`coinsphere upgrade --no-backup` goes on without one)"
        ) from error


def _look(conn: psycopg.Connection, before: Mapping[str, int], *, looks: bool) -> None:
    """Refuse what came out where rows are gone, or the ledger contradicts itself."""
    after = _counted(conn)
    problems = [
        f"{name} has {after.get(name, 0)} rows, it had {count}"
        for name, count in before.items()
        if after.get(name, 0) < count
    ]
    if looks:
        results = integrity.check(conn)
        problems += [f"{each.name}: {each.faults} faults" for each in results if not each.holds]
    if problems:
        raise UpgradeRefused(
            f"The upgrade was undone, everything is as it was: {'; '.join(problems)}."
        )


def _rows(url: str) -> dict[str, int]:
    with psycopg.connect(url) as conn:
        return _counted(conn)


def _counted(conn: psycopg.Connection) -> dict[str, int]:
    """The rows of each table that is there."""
    counts = {}
    for name in _KEPT:
        if conn.execute("select to_regclass(%s) is not null", [name]).fetchone() == (True,):
            query = sql.SQL("select count(*) from {}").format(sql.Identifier(*name.split(".")))
            (counts[name],) = conn.execute(query).fetchone() or (0,)
    return counts
