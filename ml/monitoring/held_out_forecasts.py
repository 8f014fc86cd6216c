"""`model.held_out_forecasts`: how versions that serve, or may, forecast the days that they were judged on."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from psycopg import Connection

from ml.evaluation import held_out_origins
from ml.evaluation.backtest import Backtest
from ml.evaluation.origin import Origin
from ml.evaluation.results import Evaluation
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


def of_walk_forward(conn: Connection, version: int, facts: GlobalFacts, walked: Backtest) -> None:
    """Keep what models made as this version was forecast in its walk-forward."""
    judged = Judged(
        NAME,
        version,
        facts.model,
        facts.run_id,
        facts.data_digest,
        facts.code_version,
        facts.price_source,
    )
    origins = held_out_origins.of_walk_forward(
        walked.features, walked.first, walked.published[facts.model], walked.scored
    )
    record(conn, judged, list(origins), facts.trained_at)


def forget_all_but(conn: Connection, serving: Serving) -> None:
    """Drop those of the global model's versions that neither serve nor wait in a champion's shadow."""
    standing = {*serving.champions.values(), serving.baseline, serving.challenger}
    forget(conn, NAME, [version for version in standing if version is not None])
