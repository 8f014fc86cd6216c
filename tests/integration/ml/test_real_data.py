"""Real prices: the LSTM's figures stand beside naive's, whatever they are, and the best model serves."""

import pytest

from coinsphere.market.reference import tokens
from ml import pipeline
from ml.data import datasets, snapshots
from ml.data.horizons import HORIZONS
from ml.registry import token_registry
from tests.integration.ml.conftest import NOW


@pytest.mark.shared_data
def test_the_lstm_is_shown_beside_naive_and_the_best_serves(shared_data, warehouse):
    settings = warehouse.settings
    with warehouse.pipeline() as conn:
        token = tokens.by_symbol(conn, "ADA")
        training_set = datasets.from_csv(
            token,
            (shared_data / "daily" / "ADA.csv").read_text(),
            days=settings.ml_training_days,
            price_source="files",
            location="ADA.csv",
        )
        snapshots.record(conn, training_set, token.id)
        trained = pipeline.train_token(settings, training_set, clock=lambda: NOW)
        made = pipeline.evaluate_token(conn, settings, training_set, trained, clock=lambda: NOW)
        rows = conn.execute(
            "select algorithm, sum(pinball_loss), avg(skill_vs_naive), bool_or(is_champion), count(*)"
            " from model.evaluations where data_digest = %s group by algorithm",
            (training_set.digest,),
        ).fetchall()
    by_algorithm = {row[0]: row for row in rows}
    assert {"naive", "lstm"} <= set(by_algorithm)
    assert {row[4] for row in rows} == {len(HORIZONS)}
    best = max(rows, key=lambda row: row[2])
    assert [row[0] for row in rows if row[3]] == [best[0]] == [made.champion.algorithm]
    assert token_registry.champion(settings, token).facts.algorithm == best[0]
    # Two epochs on three years of ADA beat nobody: a figure that says otherwise was not measured on held-out days.
    assert by_algorithm["lstm"][2] < 0
