"""What the global model leaves in the database: panels, snapshots, gate reports, and its rows of `model.predictions`."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from ml.data import panel, snapshots
from ml.data.panel import Panel
from ml.errors import ModelError
from ml.registry import code_version
from ml.registry.global_registry import NAME, Loaded
from ml.serving.global_forecasting import Outlook

_RECORD_PANEL = """
    insert into model.training_sets (digest, token_id, first_day, last_day, rows, price_source, location)
    values (%(digest)s, null, %(first_day)s, %(last_day)s, %(rows)s, %(price_source)s, %(location)s)
    on conflict (digest) do nothing
"""
_CLOSES = """
    select wanted.token_id, f.close
    from unnest(%(token_ids)s::uuid[], %(origins)s::timestamptz[]) as wanted (token_id, origin_at)
    join marts.ml_features_daily f
      on f.token_id = wanted.token_id and f.close_at = wanted.origin_at and f.is_final and not f.is_filled
"""
# Of one token, origin and horizon one forecast is public, the first: what people were shown is not taken back.
_RECORD = """
    insert into model.predictions (
        token_id, horizon_days, origin_at, target_at, issued_at, reference_price, quantiles, median, lower80, upper80,
        lower95, upper95, model_name, model_version, algorithm, run_id, data_digest, code_version, price_source,
        is_shadow, is_backfill, location, log_scale, reference_log_scale, degrees, width80, width95,
        in_distribution, input_digest, dagster_run_id
    ) values (
        %(token_id)s, %(horizon_days)s, %(origin_at)s, %(target_at)s, %(issued_at)s, %(reference_price)s,
        %(quantiles)s, %(median)s, %(lower80)s, %(upper80)s, %(lower95)s, %(upper95)s, %(model_name)s,
        %(model_version)s, %(algorithm)s, %(run_id)s, %(data_digest)s, %(code_version)s, %(price_source)s,
        %(is_shadow)s or exists (
            select from model.predictions other
            where other.token_id = %(token_id)s and other.origin_at = %(origin_at)s
              and other.horizon_days = %(horizon_days)s and not other.is_shadow
        ), %(is_backfill)s, %(location)s, %(log_scale)s, %(reference_log_scale)s, %(degrees)s, %(width80)s,
        %(width95)s, %(in_distribution)s, %(input_digest)s, %(dagster_run_id)s
    )
    on conflict (token_id, origin_at, horizon_days, model_name, model_version) do nothing
"""
_PREDICTION = """
    select p.id, p.token_id, t.symbol, p.horizon_days, p.issued_at, p.price_source, p.reference_price, p.quantiles::text, p.location, p.log_scale, p.degrees,
        p.width80, p.width95, p.model_name, p.model_version, p.input_digest
    from model.predictions p join market.tokens t on t.id = p.token_id
    where p.id = %(id)s
"""


@dataclass(frozen=True, slots=True)
class Stored:
    """A row of the prediction log, as far as it can be computed again."""

    id: UUID
    token_id: UUID
    symbol: str
    horizon_days: int
    issued_at: datetime
    price_source: str
    reference_price: Decimal
    quantiles: str
    """JSON with all its digits, which a float would not keep."""
    location: float | None
    log_scale: float | None
    degrees: float | None
    width80: float | None
    width95: float | None
    model_name: str
    model_version: int
    input_digest: str | None


def record_panel(conn: Connection, held: Panel) -> None:
    """Write the panel's row; one that is there already stays as it is."""
    conn.execute(
        _RECORD_PANEL,
        {
            "digest": held.digest,
            "first_day": panel.as_date(held.days[0]),
            "last_day": held.last_day,
            "rows": held.rows,
            "price_source": held.price_source,
            "location": held.location,
        },
    )


def record_snapshot(conn: Connection, held: Panel) -> None:
    """Keep the candles themselves."""
    snapshots.record(conn, held.digest, panel.as_date(held.days[0]), held.last_day, held.npz())


def snapshot(conn: Connection, digest: str) -> Panel:
    """The candles of a digest, compared with it.

    Raises:
        ModelError: they are not kept, or were changed.
    """
    held = panel.from_npz(snapshots.content(conn, digest))
    if held.digest != digest:
        raise ModelError(f"the candles {digest} were changed: their digest is {held.digest}")
    return held


def record(
    conn: Connection,
    loaded: Loaded,
    held: Panel,
    made: Sequence[Outlook],
    now: datetime,
    *,
    public: Collection[tuple[str, int]],
    dagster_run_id: str,
) -> int:
    """Write the outlooks of a panel; one that was issued before stays as it was. How many were given.

    Args:
        conn: with the prediction log and the mart.
        loaded: the version that made them.
        held: what they were made from.
        made: the outlooks.
        now: when they are issued.
        public: symbols and horizons that people are shown; the others are kept as shadows.
        dagster_run_id: for the lineage.
    """
    ids = dict(zip(held.symbols, held.token_ids, strict=True))
    closes = _closes(conn, ids, made)
    rows = [
        _row(loaded, held, outlook, closes[ids[outlook.symbol]], now)
        | {
            "token_id": ids[outlook.symbol],
            "is_shadow": (outlook.symbol, outlook.horizon_days) not in public,
            "dagster_run_id": dagster_run_id,
        }
        for outlook in made
    ]
    with conn.cursor() as cursor:
        cursor.executemany(_RECORD, rows)
    return len(rows)


def prediction(conn: Connection, prediction_id: UUID) -> Stored:
    """A row of the log. Raises LookupError if there is none."""
    with conn.cursor(row_factory=class_row(Stored)) as cursor:
        row = cursor.execute(_PREDICTION, {"id": prediction_id}).fetchone()
    if row is None:
        raise LookupError(f"there is no prediction {prediction_id}")
    return row


def _closes(
    conn: Connection, ids: Mapping[str, UUID], made: Sequence[Outlook]
) -> dict[UUID, Decimal]:
    """The exact close that each token's outlooks start from."""
    origins = {ids[outlook.symbol]: outlook.origin_at for outlook in made}
    parameters = {"token_ids": list(origins), "origins": list(origins.values())}
    return dict(conn.execute(_CLOSES, parameters).fetchall())


def _row(
    loaded: Loaded, held: Panel, outlook: Outlook, reference: Decimal, now: datetime
) -> dict[str, object]:
    facts = loaded.version.facts
    target = outlook.origin_at + timedelta(days=outlook.horizon_days)
    quantiles = outlook.quantiles(reference)
    # As JSON numbers with all their digits: json writes a Decimal only as text.
    as_json = ", ".join(f"{json.dumps(level)}: {value:f}" for level, value in quantiles.items())
    return {
        "horizon_days": outlook.horizon_days,
        "origin_at": outlook.origin_at,
        "target_at": target,
        "issued_at": now,
        "reference_price": reference,
        "quantiles": f"{{{as_json}}}",
        "median": quantiles["0.5"],
        "lower80": quantiles["0.1"],
        "upper80": quantiles["0.9"],
        "lower95": quantiles["0.025"],
        "upper95": quantiles["0.975"],
        "model_name": NAME,
        "model_version": loaded.number,
        "algorithm": facts.model,
        "run_id": facts.run_id,
        "data_digest": facts.data_digest,
        "code_version": code_version.current(),
        "price_source": held.price_source,
        "is_backfill": now >= target,
        "location": outlook.location,
        "log_scale": outlook.log_scale,
        "reference_log_scale": outlook.reference_log_scale,
        "degrees": outlook.degrees,
        "width80": outlook.width80,
        "width95": outlook.width95,
        "in_distribution": outlook.in_distribution,
        "input_digest": held.digest,
    }
