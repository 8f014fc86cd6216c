"""`model.gate_reports`: how each version of the global model was judged, kept whether it passed or not."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from psycopg import Connection
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from ml.evaluation import gates
from ml.evaluation.gate_report import GateReport
from ml.registry.global_version import NAME, GlobalFacts

_RECORD = """
    insert into model.gate_reports (
        id, model_name, model_version, algorithm, run_id, dagster_run_id, data_digest, passed, report, created_at
    ) values (
        %(id)s, %(model_name)s, %(model_version)s, %(algorithm)s, %(run_id)s, %(dagster_run_id)s, %(data_digest)s,
        %(passed)s, %(report)s, %(created_at)s
    )
"""
_NEWEST_VERDICT = """
    select model_version, algorithm, report -> 'gates' as gates
    from model.gate_reports
    where model_name = %(model_name)s and report -> 'gates' -> 0 ->> 'name' = %(first_gate)s
    order by created_at desc, id
    limit 1
"""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How the newest version was judged: the gates of its report, as JSON holds them."""

    model_version: int
    algorithm: str
    gates: list[dict[str, Any]]

    def sentence(self, horizon: int) -> str:
        """Why it does not serve at a horizon: the gates that refused it, and by how much."""
        reasons = [
            f"{gate['name']}: {reason['text']}"
            for gate in self.gates
            for reason in gate["reasons"]
            if reason["horizon"] in (None, horizon)
        ]
        version = f"version {self.model_version} ({self.algorithm})"
        if not reasons:
            return f"{version} has passed its gates and waits in the champion's shadow"
        return f"{version} was refused at {horizon} d: {'; '.join(reasons)}"


def newest_verdict(conn: Connection) -> Verdict | None:
    """The report of the gates of the newest version; None where none was judged."""
    with conn.cursor(row_factory=class_row(Verdict)) as cursor:
        parameters = {"model_name": NAME, "first_gate": gates.NAMES[0]}
        return cursor.execute(_NEWEST_VERDICT, parameters).fetchone()


def record(
    conn: Connection, version: int, facts: GlobalFacts, report: GateReport, now: datetime
) -> UUID:
    """Keep a gate report; its id."""
    report_id = uuid4()
    conn.execute(
        _RECORD,
        {
            "id": report_id,
            "model_name": NAME,
            "model_version": version,
            "algorithm": facts.algorithm,
            "run_id": facts.run_id,
            "dagster_run_id": facts.dagster_run_id,
            "data_digest": facts.data_digest,
            "passed": report.passed,
            "report": Jsonb(report.to_json()),
            "created_at": now,
        },
    )
    return report_id
