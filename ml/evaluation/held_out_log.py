"""`model.evaluations`: the figures of every evaluation, one row for each version and horizon."""

from dataclasses import asdict

from psycopg import Connection

from ml.evaluation.results import Evaluation

_RECORD = """
    insert into model.evaluations (
        token_id, model_name, model_version, algorithm, run_id, horizon_days, first_origin, last_origin, forecasts,
        pinball_loss, mean_absolute_error, skill_vs_naive, coverage80, coverage95, data_digest, is_champion,
        evaluated_at
    ) values (
        %(token_id)s, %(model_name)s, %(model_version)s, %(algorithm)s, %(run_id)s, %(horizon_days)s,
        %(first_origin)s, %(last_origin)s, %(forecasts)s, %(pinball_loss)s, %(mean_absolute_error)s,
        %(skill_vs_naive)s, %(coverage80)s, %(coverage95)s, %(data_digest)s, %(is_champion)s, %(evaluated_at)s
    )
    on conflict (model_name, model_version, horizon_days, evaluated_at) do nothing
"""


def record(conn: Connection, evaluation: Evaluation) -> None:
    """Write all scores; those of the same evaluation are written once."""
    common = {
        "token_id": evaluation.token.id,
        "model_name": evaluation.model_name,
        "data_digest": evaluation.data_digest,
        "evaluated_at": evaluation.evaluated_at,
    }
    with conn.cursor() as cursor:
        cursor.executemany(
            _RECORD,
            [
                {
                    **common,
                    **asdict(score),
                    "is_champion": score.model_version == evaluation.champion.version,
                }
                for score in evaluation.scores
            ],
        )
