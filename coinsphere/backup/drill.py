"""The restore drill: restores the newest backup beside the running system, starts it there, and compares the two.

Nothing is a backup before a drill has read it. What was lost (RPO) is how old the newest word of the backup daemon in the
restored database is; how long it took (RTO) ends when the restored API answers.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx2
import psycopg
from psycopg import sql

from coinsphere import log
from coinsphere.audit import anchoring, verification
from coinsphere.backup import restoring, trial_system
from coinsphere.backup.places import Place
from coinsphere.backup.sealing import Seals
from coinsphere.clock import Clock
from coinsphere.errors import CoinsphereError
from coinsphere.health import backup_progress
from coinsphere.portfolio import integrity
from coinsphere.security.symmetric_keys import SymmetricKeys
from coinsphere.settings import Role, Settings

MOST_LOST_SECONDS = 300.0
_FORECASTS = 3
_LEAST = 0.99
_TABLES = """
    select n.nspname, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p') and not c.relispartition and n.nspname in ('app', 'market', 'model')
        and has_table_privilege(c.oid, 'select')
    order by 1, 2
"""
_PREDICTIONS = """
    select id::text from model.predictions where input_digest is not null order by issued_at desc limit %(most)s
"""
_STORED = "select greatest(max(at), max(begun_at)) from app.backup_progress"
_NEWEST_STORED = "select xmin::text from app.backup_progress order by at desc limit 1"
_COUNT = "select count(*) from {} where %(stored)s::xid is null or age(xmin) > age(%(stored)s::xid)"
_log = log.get("backup")

Counts = Mapping[str, int]


@dataclass(slots=True)
class Drill:
    """The result of a drill: seconds lost and taken, rows beside those of the running system, and what is wrong."""

    started_at: datetime
    backup_id: str | None = None
    rpo_seconds: float | None = None
    rto_seconds: float = 0.0
    segments: int = 0
    rows: int = 0
    problems: dict[str, str] = field(default_factory=dict)

    @property
    def is_good(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def run(settings: Settings, place: Place, seals: Seals, clock: Clock) -> Drill:
    """Restore the newest backup of `place` to a scratch folder, examine it, and store the result in the database.

    A check that fails does not keep the others from being made.
    """
    drill = Drill(clock())
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="drill-", dir=settings.state))
    try:
        into = folder / "restored"
        restored = restoring.restore(place, seals, None, into)
        drill.backup_id, drill.segments = restored.backup_id, restored.segments
        with trial_system.running(into, folder, settings.mlflow_artifacts) as replica:
            drill.rto_seconds = time.monotonic() - began
            drill.rpo_seconds = _lost(replica, restored.read_at)
            _examine(drill, settings, replica, folder)
    except (CoinsphereError, psycopg.Error, OSError) as error:
        drill.problems["restore"] = str(error)
        drill.rto_seconds = time.monotonic() - began
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    _note(settings, drill)
    return drill


def _examine(drill: Drill, settings: Settings, replica: Settings, folder: Path) -> None:
    checks: dict[str, Callable[[], str | None]] = {
        "lost": lambda: _much(drill.rpo_seconds),
        "integrity": lambda: _integrity(replica),
        "audit": lambda: _audit(replica),
        "rows": lambda: _rows(drill, settings, replica),
        "api": lambda: _api(replica),
        "forecasts": lambda: _forecasts(replica, folder),
    }
    for name, check in checks.items():
        try:
            problem = check()
        except (CoinsphereError, psycopg.Error, httpx2.HTTPError, OSError) as error:
            problem = f"{type(error).__name__}: {error}"
        if problem is not None:
            drill.problems[name] = problem


def _lost(replica: Settings, read_at: datetime) -> float | None:
    """Seconds of changes that were not stored when the log was read; None where no backup daemon ever stored it."""
    with psycopg.connect(replica.url_for(Role.WORKER)) as conn:
        (stored,) = conn.execute(_STORED).fetchone() or (None,)
    return None if stored is None else max(0.0, (read_at - stored).total_seconds())


def _much(seconds: float | None) -> str | None:
    if seconds is None:
        return "what was lost is unknown: no backup daemon ever stored the log"
    return f"{seconds:.0f} s of changes would be lost" if seconds > MOST_LOST_SECONDS else None


def _integrity(replica: Settings) -> str | None:
    with psycopg.connect(replica.url_for(Role.PIPELINE)) as conn:
        faults = [f"{each.name}: {each.faults}" for each in integrity.check(conn) if not each.holds]
    return "; ".join(faults) or None


def _audit(replica: Settings) -> str | None:
    anchors = anchoring.read_anchors(replica.audit_anchors)
    with psycopg.connect(replica.url_for(Role.OWNER)) as conn:
        return verification.verify(conn, SymmetricKeys(replica.audit_keys), anchors).problem


def _rows(drill: Drill, settings: Settings, replica: Settings) -> str | None:
    """Tables that lost rows which were stored: those written later are counted as lost time."""
    with psycopg.connect(replica.url_for(Role.PIPELINE)) as conn:
        stored = conn.execute(_NEWEST_STORED).fetchone()
    live_rows, restored_rows = counts(settings, stored[0] if stored else None), counts(replica)
    drill.rows = sum(restored_rows.values())
    too_few = [
        f"{table}: {restored_rows.get(table, 0)} of {rows}"
        for table, rows in live_rows.items()
        if rows and restored_rows.get(table, 0) < rows * _LEAST - 100
    ]
    empty = [table for table, rows in live_rows.items() if rows and not restored_rows.get(table)]
    return "; ".join(too_few + [f"{table} is empty" for table in empty]) or None


def _api(replica: Settings) -> str | None:
    base = f"http://127.0.0.1:{replica.api_port}"
    for path in ("/health/ready", "/.well-known/jwks.json", "/api/openapi.json"):
        answer = httpx2.get(f"{base}{path}", timeout=60, trust_env=False)
        if not answer.is_success:
            return f"{path} answers {answer.status_code}"
    return None


def _forecasts(replica: Settings, folder: Path) -> str | None:
    """The newest forecasts computed again, to the last bit, by the models that were restored."""
    with psycopg.connect(replica.url_for(Role.PIPELINE)) as conn:
        ids = [row[0] for row in conn.execute(_PREDICTIONS, {"most": _FORECASTS})]
    program = str(Path(sys.executable).parent / "coinsphere")
    for prediction_id in ids:
        process = subprocess.run(  # noqa: S603 - no shell, a program of ours  # nosec B603
            [program, "ml", "reproduce", prediction_id],
            cwd=folder,
            env=trial_system.variables(replica),
            capture_output=True,
            text=True,
            check=False,
        )
        if process.returncode != 0:
            return f"{prediction_id}: {(process.stderr or process.stdout).strip()[-300:]}"
    return None


def counts(settings: Settings, stored: str | None = None) -> Counts:
    """The number of rows of each table that the pipeline reads, counting only those written before the transaction `stored`."""
    with psycopg.connect(settings.url_for(Role.PIPELINE)) as conn:
        counted = {}
        for schema, table in conn.execute(_TABLES).fetchall():
            query = sql.SQL(_COUNT).format(sql.Identifier(schema, table))
            row = conn.execute(query, {"stored": stored}).fetchone()
            counted[f"{schema}.{table}"] = row[0] if row else 0
    return counted


def _note(settings: Settings, drill: Drill) -> None:
    report: dict[str, Any] = asdict(drill)
    report["started_at"] = drill.started_at.isoformat()
    with psycopg.connect(settings.url_for(Role.PIPELINE), autocommit=True) as conn:
        backup_progress.drilled(
            conn,
            drill.backup_id,
            drill.started_at,
            rpo_seconds=drill.rpo_seconds,
            rto_seconds=drill.rto_seconds,
            is_good=drill.is_good,
            report=report,
        )
    write = _log.info if drill.is_good else _log.error
    write("drill", rpo=drill.rpo_seconds, rto=drill.rto_seconds, problems=drill.problems)
