"""`model.held_out_forecasts`: how versions that serve, or may, forecast the days that they were judged on."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import numpy as np
from psycopg import Connection

from ml.data.horizons import HORIZONS, LEVELS
from ml.evaluation import held_out_origins
from ml.evaluation.backtest import Backtest
from ml.evaluation.origin import Origin
from ml.evaluation.results import Evaluation
from ml.evaluation.scoring import pinball_loss
from ml.registry.global_registry import Serving
from ml.registry.global_version import NAME, GlobalFacts

_RECORD_SET = """
    insert into model.held_out_sets (
        model_name, model_version, algorithm, run_id, data_digest, code_version, price_source, recorded_at
    ) values (
        %(model_name)s, %(model_version)s, %(algorithm)s, %(run_id)s, %(data_digest)s, %(code_version)s,
        %(price_source)s, %(recorded_at)s
    )
    on conflict (model_name, model_version) do nothing
"""
_RECORD = """
    insert into model.held_out_forecasts (
        set_id, token_id, horizon_days, origin_at, lower95, lower80, median, upper80, upper95, reference_log_scale
    )
    select s.id, made.*
    from model.held_out_sets s,
        unnest(
            %(token_ids)s::uuid[], %(horizons)s::smallint[], %(origins)s::timestamptz[], %(lower95)s::float8[],
            %(lower80)s::float8[], %(median)s::float8[], %(upper80)s::float8[], %(upper95)s::float8[],
            %(scales)s::float8[]
        ) as made
    where s.model_name = %(model_name)s and s.model_version = %(model_version)s
    on conflict do nothing
"""
_QUANTILES = ("lower95", "lower80", "median", "upper80", "upper95")
_PAIRED = """
    select own.horizon_days, ln(realised.close::float8 / origin.close::float8),
        array[own.lower95, own.lower80, own.median, own.upper80, own.upper95],
        array[base.lower95, base.lower80, base.median, base.upper80, base.upper95]
    from model.held_out_sets own_set
    join model.held_out_forecasts own on own.set_id = own_set.id
    join model.held_out_sets base_set
      on base_set.model_name = %(baseline_name)s and base_set.model_version = %(baseline)s
    join model.held_out_forecasts base
      on base.set_id = base_set.id and base.token_id = own.token_id
     and base.horizon_days = own.horizon_days and base.origin_at = own.origin_at
    join marts.ml_features_daily origin on origin.token_id = own.token_id and origin.close_at = own.origin_at
    join marts.ml_features_daily realised
      on realised.token_id = own.token_id and realised.is_final and not realised.is_filled
     and realised.close_at = own.origin_at + own.horizon_days * interval '1 day'
    where own_set.model_name = %(name)s and own_set.model_version = %(version)s and own.token_id = %(token_id)s
"""
_LEAST_DAYS = 30
_FORGET = """
    delete from model.held_out_sets where model_name = %(model_name)s and model_version <> all(%(kept)s)
"""


@dataclass(frozen=True, slots=True)
class Judged:
    """The version that the forecasts speak for."""

    model_name: str
    model_version: int
    algorithm: str
    run_id: str
    data_digest: str
    code_version: str
    price_source: str


def record(conn: Connection, judged: Judged, origins: Sequence[Origin], now: datetime) -> None:
    """Keep a version's held-out forecasts; what was kept before stays as it was."""
    conn.execute(_RECORD_SET, {**asdict(judged), "recorded_at": now})
    conn.execute(
        _RECORD,
        {
            "model_name": judged.model_name,
            "model_version": judged.model_version,
            "token_ids": [each.token_id for each in origins],
            "horizons": [each.horizon_days for each in origins],
            "origins": [each.origin_at for each in origins],
            **{
                name: [each.quantiles[at] for each in origins] for at, name in enumerate(_QUANTILES)
            },
            "scales": [each.reference_log_scale for each in origins],
        },
    )


def forget(conn: Connection, model_name: str, kept: Collection[int]) -> None:
    """Drop the forecasts of all versions of a model but those that serve or may."""
    conn.execute(_FORGET, {"model_name": model_name, "kept": list(kept)})


def of_token(conn: Connection, outcome: Evaluation, price_source: str) -> None:
    """Keep what a token's champion forecast in its evaluation, in place of any other version's."""
    champion = outcome.champion
    judged = Judged(
        champion.name,
        champion.version,
        champion.algorithm,
        champion.run_id,
        champion.data_digest,
        champion.code_version,
        price_source,
    )
    record(conn, judged, outcome.origins, outcome.evaluated_at)
    forget(conn, champion.name, [champion.version])


def behind(conn: Connection, outcome: Evaluation, baseline: int) -> frozenset[int]:
    """Horizons at which a token's champion lost more than the baseline did on the same held-out days.

    The loss is the mean pinball loss of all quantiles. Fewer days than `_LEAST_DAYS` tell nothing.

    Args:
        conn: reads what `record` wrote, and the outcomes.
        outcome: names the token and its champion.
        baseline: the version of the global model that serves where no champion stands.
    """
    champion = outcome.champion
    of = {
        "name": champion.name,
        "version": champion.version,
        "token_id": outcome.token.id,
        "baseline_name": NAME,
        "baseline": baseline,
    }
    rows = conn.execute(_PAIRED, of).fetchall()
    return frozenset(
        horizon
        for horizon in HORIZONS
        if _is_behind([row[1:] for row in rows if row[0] == horizon])
    )


def _is_behind(rows: Sequence[tuple[float, list[float], list[float]]]) -> bool:
    if len(rows) < _LEAST_DAYS:
        return False
    outcomes = np.array([row[0] for row in rows])[:, None]
    own, baseline = (
        pinball_loss(np.array([row[at] for row in rows]), outcomes, np.array(LEVELS)).mean()
        for at in (1, 2)
    )
    return bool(own > baseline)


def store_walk_forward(
    conn: Connection, version: int, facts: GlobalFacts, walked: Backtest
) -> None:
    """Keep what models made as this version was forecast in its walk-forward."""
    judged = Judged(
        NAME,
        version,
        facts.algorithm,
        facts.run_id,
        facts.data_digest,
        facts.code_version,
        facts.price_source,
    )
    origins = held_out_origins.of_walk_forward(
        walked.features, walked.first, walked.published[facts.algorithm], walked.scored
    )
    record(conn, judged, list(origins), facts.trained_at)


def forget_all_but(conn: Connection, serving: Serving) -> None:
    """Drop those of the global model's versions that neither serve nor wait in a champion's shadow."""
    standing = {*serving.champions.values(), serving.baseline, serving.challenger}
    forget(conn, NAME, [version for version in standing if version is not None])
