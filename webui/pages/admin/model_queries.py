"""What the database knows of models: who issues forecasts, how versions were judged, what stands against them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import class_row

_ISSUING = """
    select model_name as name, model_version as version, algorithm, is_shadow,
        count(*) as forecasts, count(distinct token_id) as tokens, array_agg(distinct horizon_days) as horizons,
        max(issued_at) as newest
    from model.predictions
    where issued_at > %(since)s and not is_backfill
    group by model_name, model_version, algorithm, is_shadow
    order by is_shadow, tokens desc, newest desc
    limit 60
"""
_JUDGED = """
    select model_name as name, model_version as version, algorithm, dagster_run_id, passed, created_at,
        (select string_agg(reason ->> 'text', '; ')
         from jsonb_array_elements(report -> 'gates') gate, jsonb_array_elements(gate -> 'reasons') reason) as why
    from model.gate_reports
    order by created_at desc
    limit 12
"""
_ALARMS = """
    select subject, name, detail, model_version as version, raised_at
    from model.alarms where cleared_at is null
    order by raised_at desc
    limit 50
"""
_SCORED = """
    select distinct on (e.token_id)
        t.symbol, e.model_name as name, e.model_version as version, e.algorithm, e.evaluated_at,
        avg(e.skill_vs_naive) over (partition by e.token_id, e.model_version, e.evaluated_at) as skill,
        avg(e.coverage80) over (partition by e.token_id, e.model_version, e.evaluated_at) as coverage80
    from model.evaluations e
    join market.tokens t on t.id = e.token_id
    where e.is_champion
    order by e.token_id, e.evaluated_at desc, e.model_version desc
    limit 100
"""


@dataclass(frozen=True, slots=True)
class Issuing:
    """A version that issued forecasts lately: for how many tokens, at which horizons (days), in the shadow or not."""

    name: str
    version: int
    algorithm: str
    is_shadow: bool
    forecasts: int
    tokens: int
    horizons: list[int]
    newest: datetime


@dataclass(frozen=True, slots=True)
class Judged:
    """How a version was judged before it might serve; `why` is None where nothing refused it."""

    name: str
    version: int
    algorithm: str
    dagster_run_id: str
    passed: bool
    created_at: datetime
    why: str | None


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that was found wrong with forecasts, and still is."""

    subject: str
    name: str
    detail: str
    version: int
    raised_at: datetime


@dataclass(frozen=True, slots=True)
class Scored:
    """A token's own champion, and what it reached on days that it had not seen."""

    symbol: str
    name: str
    version: int
    algorithm: str
    evaluated_at: datetime
    skill: float
    coverage80: float


def everything(conn: Connection, since: datetime) -> dict[str, Any]:
    """All that the page of models shows; forecasts issued after `since` say which versions issue."""
    return {
        "issuing": conn.cursor(row_factory=class_row(Issuing)).execute(_ISSUING, {"since": since}).fetchall(),
        "judged": conn.cursor(row_factory=class_row(Judged)).execute(_JUDGED).fetchall(),
        "alarms": conn.cursor(row_factory=class_row(Alarm)).execute(_ALARMS).fetchall(),
        "scored": conn.cursor(row_factory=class_row(Scored)).execute(_SCORED).fetchall(),
    }  # fmt: skip
