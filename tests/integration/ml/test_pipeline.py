"""From closes to forecasts on a real MLflow and a real PostgreSQL: train, evaluate, promote, predict once."""

import json
import subprocess
import sys
import zlib
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import mlflow
import numpy as np
import pandas as pd
import psycopg
import pytest
from click.testing import CliRunner
from mlflow import MlflowClient
from mlflow.artifacts import download_artifacts
from mlflow.models import Model

from coinsphere.cli.main import cli
from coinsphere.clock import start_of_day
from ml import pipeline
from ml.data import datasets, snapshots
from ml.data.horizons import HORIZONS
from ml.errors import ArtifactRefused, ModelError, NoChampion, RegistryUnavailable
from ml.evaluation import held_out
from ml.models import artifact, manifest
from ml.models.catalog import ALGORITHMS
from ml.monitoring import held_out_forecasts, reproduction
from ml.registry import token_listing, token_registry, tracking, versions
from ml.registry.global_version import NAME
from ml.training import token_fits
from tests.integration.ml.conftest import NOW


@pytest.fixture(scope="module")
def training_set(warehouse):
    with warehouse.pipeline() as conn:
        return pipeline.build_training_set(conn, warehouse.token("BTC"), warehouse.settings)


@pytest.fixture(scope="module")
def trained(warehouse, training_set):
    return pipeline.train_token(warehouse.settings, training_set, clock=lambda: NOW)


@pytest.fixture(scope="module")
def evaluation(warehouse, training_set, trained):
    with warehouse.pipeline() as conn:
        return pipeline.evaluate_token(
            conn, warehouse.settings, training_set, trained, clock=lambda: NOW
        )


@pytest.fixture(scope="module")
def mlflow_client(warehouse):
    return MlflowClient(warehouse.settings.mlflow_url)


def test_every_algorithm_is_a_version_of_the_tokens_model(warehouse, trained):
    assert [model.algorithm for model in trained] == list(ALGORITHMS)
    assert {model.name for model in trained} == {"BTC-forecaster"}
    assert [model.version for model in trained] == [1, 2, 3, 4]


def test_a_run_holds_what_made_the_model(mlflow_client, trained, training_set, warehouse):
    lstm = trained[-1]
    run = mlflow_client.get_run(lstm.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params["layers"] == "128/64/32"
    assert run.data.params["seed"] == str(token_fits.SEED)
    assert run.data.tags["code_version"] == lstm.code_version
    assert run.data.tags["data_digest"] == training_set.digest
    history = mlflow_client.get_metric_history(lstm.run_id, "validation_loss")
    assert [metric.step for metric in history] == [1, 2]
    (used,) = run.inputs.dataset_inputs
    assert training_set.digest.startswith(used.dataset.digest)
    assert {file.path for file in mlflow_client.list_artifacts(lstm.run_id, "plots")} == {
        "plots/loss.png"
    }
    assert "training_set.csv" in {file.path for file in mlflow_client.list_artifacts(lstm.run_id)}


def test_the_snapshot_of_a_run_has_the_digest_that_the_model_names(
    mlflow_client, trained, training_set, tmp_path
):
    path = mlflow_client.download_artifacts(
        trained[0].run_id, "training_set.csv", dst_path=str(tmp_path)
    )
    again = datasets.from_csv(
        training_set.token,
        Path(path).read_text(),
        price_source=training_set.price_source,
        location="run",
    )
    assert again.digest == training_set.digest == trained[0].data_digest


def test_a_version_has_a_signature_and_no_pickle(mlflow_client, trained, warehouse, tmp_path):
    lstm = trained[-1]
    version = mlflow_client.get_model_version(lstm.name, str(lstm.version))
    model_id = version.source.removeprefix("models:/")
    location = mlflow_client.get_logged_model(model_id).artifact_location
    folder = download_artifacts(
        artifact_uri=location, dst_path=str(tmp_path), tracking_uri=warehouse.settings.mlflow_url
    )
    described = Model.load(f"{folder}/MLmodel")
    assert described.signature.inputs.input_names() == ["date", "close"]
    assert set(described.flavors) == {"python_function", "onnx"}
    assert "env" not in described.flavors["python_function"]
    assert len(described.load_input_example(folder)) == 61
    files = mlflow_client.list_logged_model_artifacts(model_id)
    assert {file.path for file in files} == {
        "MLmodel",
        "input_example.json",
        "serving_input_example.json",
        "manifest.json",
        "network.onnx",
        "parameters.json",
    }


def test_the_champion_is_the_best_on_held_out_days(
    warehouse, mlflow_client, evaluation, training_set
):
    means = {
        algorithm: np.mean([score.skill_vs_naive for score in evaluation.of(algorithm)])
        for algorithm in ALGORITHMS
    }
    assert evaluation.champion.algorithm == max(means, key=means.get)
    aliases = mlflow_client.get_registered_model(evaluation.model_name).aliases
    assert aliases["champion"] == str(evaluation.champion.version)
    assert aliases["baseline"] == str(evaluation.of("naive")[0].model_version)
    for score in evaluation.scores:
        facts = _facts(evaluation, score)
        assert score.first_origin >= facts.held_out_from
        assert score.last_origin < training_set.last_day


def _facts(evaluation, score):
    files = evaluation.champion.files
    return artifact.unpack(files, manifest.digest(files["manifest.json"])).facts


def test_figures_are_rows_and_metrics(warehouse, mlflow_client, evaluation):
    with warehouse.pipeline() as conn:
        rows = conn.execute(
            "select algorithm, horizon_days, skill_vs_naive, is_champion from model.evaluations"
            " where token_id = %s",
            (evaluation.token.id,),
        ).fetchall()
    assert len(rows) == len(ALGORITHMS) * len(HORIZONS)
    assert {row[0] for row in rows if row[3]} == {evaluation.champion.algorithm}
    assert all(row[2] == 0 for row in rows if row[0] == "naive")
    score = evaluation.of("lstm")[0]
    history = mlflow_client.get_metric_history(score.run_id, "test_skill_vs_naive")
    assert {metric.step: metric.value for metric in history} == {
        each.horizon_days: pytest.approx(each.skill_vs_naive) for each in evaluation.of("lstm")
    }


def test_the_logged_model_holds_figures_parameters_data_and_a_card(
    mlflow_client, trained, evaluation, training_set
):
    for model in trained:
        version = mlflow_client.get_model_version(model.name, str(model.version))
        logged = mlflow_client.get_logged_model(version.source.removeprefix("models:/"))
        assert logged.params["algorithm"] == model.algorithm
        figures = {each.key: each for each in logged.metrics}
        assert "test_pinball_loss" in figures
        assert figures["test_pinball_loss"].dataset_name == "BTC daily closes"
        assert training_set.digest.startswith(figures["test_pinball_loss"].dataset_digest)
        run = mlflow_client.get_run(model.run_id)
        assert [each.model_id for each in run.outputs.model_outputs] == [logged.model_id]
        assert run.data.tags["mlflow.note.content"] == version.description
        assert f"# BTC: {model.algorithm}" in version.description
        assert "**simulated prices**" in version.description
        for score in evaluation.of(model.algorithm):
            assert f"| {100 * score.pinball_loss:.3f} |" in version.description
        assert mlflow_client.list_artifacts(model.run_id, "model_card")


def test_the_experiment_opens_on_trained_models(mlflow_client):
    found = mlflow_client.get_experiment_by_name(tracking.EXPERIMENT)
    assert found.tags["mlflow.experimentKind"] == "custom_model_development"


def test_the_held_out_forecasts_are_kept_once_and_give_the_figures(
    warehouse, evaluation, training_set, mlflow_client
):
    query = """
        select f.horizon_days, f.origin_at, f.lower95, f.lower80, f.median, f.upper80, f.upper95
        from model.held_out_forecasts f join model.held_out_sets s on s.id = f.set_id
        where (s.model_name, s.model_version) = (%s, %s) and f.token_id = %s
    """
    champion = evaluation.champion
    asked = [evaluation.model_name, champion.version, evaluation.token.id]
    with warehouse.pipeline() as conn:
        rows = conn.execute(query, asked).fetchall()
        held_out_forecasts.of_token(conn, evaluation, training_set.price_source)
        assert conn.execute(query, asked).fetchall() == rows
        versions = conn.execute(
            "select model_version from model.held_out_sets where model_name = %s", asked[:1]
        )
        assert versions.fetchall() == [(champion.version,)]
    closes, _ = training_set.calendar()
    for score in evaluation.of(champion.algorithm):
        mine = [row for row in rows if row[0] == score.horizon_days]
        assert len(mine) == score.forecasts
        days = [(row[1].date() - training_set.first_day).days - 1 for row in mine]
        came = [np.log(closes[day + score.horizon_days] / closes[day]) for day in days]
        losses = held_out.pinball(np.array([row[2:] for row in mine]), np.array(came))
        assert losses.mean() == pytest.approx(score.pinball_loss)
        assert training_set.first_day + timedelta(days=min(days)) == score.first_origin


def test_the_baseline_goes_before_where_it_lost_less_on_the_same_days(
    warehouse, evaluation, training_set
):
    """A baseline that knew what came 1 and 7 days later, and was wrong about 14 and 30."""
    closes, _ = training_set.calendar()

    def forecast(origin):
        day = (origin.origin_at.date() - training_set.first_day).days - 1
        came = np.log(closes[day + origin.horizon_days] / closes[day])
        center = came if origin.horizon_days <= 7 else came + 1
        return origin._replace(quantiles=tuple(center + np.array([-2, -1, 0, 1, 2]) * 1e-4))

    baseline = held_out_forecasts.Judged(
        NAME, 9, "gk_har_t", "run", training_set.digest, "code", "simulated"
    )
    settings = warehouse.settings
    with warehouse.pipeline() as conn:
        held_out_forecasts.record(conn, baseline, [*map(forecast, evaluation.origins)], NOW)
        behind = held_out_forecasts.behind(conn, evaluation, 9)
        assert held_out_forecasts.behind(conn, evaluation, 10) == frozenset()
        held_out_forecasts.forget(conn, NAME, [])
    assert behind == {1, 7}
    try:
        token_registry.promote(settings, replace(evaluation, behind=behind, plots={}))
        assert token_registry.champion(settings, evaluation.token).behind == {1, 7}
        behinds = {each.token_id: each.behind for each in token_listing.promotions(settings)}
        assert behinds[evaluation.token.id] == {1, 7}
    finally:
        token_registry.promote(settings, replace(evaluation, plots={}))


def test_what_was_registered_is_what_is_loaded(warehouse, evaluation, trained, training_set):
    champion = token_registry.champion(warehouse.settings, training_set.token)
    assert champion.version == evaluation.champion.version
    assert champion.scores[30] == evaluation.of(champion.facts.algorithm)[3]
    again = token_registry.newest(warehouse.settings, training_set.token)
    assert [model.files for model in again] == [dict(model.files) for model in trained]


def test_a_forecast_is_written_once(warehouse, evaluation, training_set):
    token = training_set.token
    with warehouse.pipeline() as conn:
        first = pipeline.predict_token(conn, warehouse.settings, token, NOW)
        pipeline.predict_token(conn, warehouse.settings, token, NOW.replace(hour=5))
        rows = conn.execute(
            "select horizon_days, issued_at, origin_at, reference_price, (quantiles ->> '0.5')::numeric, median,"
            " is_backfill, data_digest from model.predictions where token_id = %s order by 1",
            (token.id,),
        ).fetchall()
    assert [row[0] for row in rows] == list(HORIZONS)
    assert {row[1] for row in rows} == {NOW}
    assert {row[2] for row in rows} == {start_of_day(NOW.date())}
    assert {row[3] for row in rows} == {first[0].reference_price}
    assert isinstance(first[0].reference_price, Decimal)
    for row, forecast in zip(rows, first, strict=True):
        assert row[4] == row[5] == forecast.median
        assert row[6] is False
        assert row[7] == training_set.digest
    assert first[0].plots["fan"].startswith(b"\x89PNG")


@pytest.fixture(scope="module")
def served(warehouse, evaluation, trained, mlflow_client):
    """A forecast of seven days by each algorithm, as if each had been the champion: the row's id."""
    name = token_registry.model_name(warehouse.settings, warehouse.token("BTC"))
    ids = {}
    with warehouse.pipeline() as conn:
        for model in trained:
            mlflow_client.set_registered_model_alias(
                name, token_listing.CHAMPION, str(model.version)
            )
            pipeline.predict_token(
                conn, warehouse.settings, warehouse.token("BTC"), NOW, dagster_run_id="run-9"
            )
            (ids[model.algorithm],) = conn.execute(
                "select id from model.predictions where horizon_days = 7 and model_name = %s and model_version = %s",
                [name, model.version],
            ).fetchone()
    mlflow_client.set_registered_model_alias(
        name, token_listing.CHAMPION, str(evaluation.champion.version)
    )
    return ids


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_any_stored_forecast_comes_out_again_to_the_last_bit(warehouse, served, algorithm):
    with warehouse.pipeline() as conn:
        made = reproduction.reproduce(conn, warehouse.settings, served[algorithm])
        stored = conn.execute(
            "select quantiles::text, input_digest from model.predictions where id = %s",
            [served[algorithm]],
        ).fetchone()
    assert made.differences == ()
    assert json.loads(stored[0], parse_float=Decimal) == {
        level: Decimal(price) for level, price in made.quantiles.items()
    }
    assert made.input_digest == stored[1]


def test_the_command_says_so(warehouse, served, monkeypatch):
    monkeypatch.setenv("COINSPHERE_PIPELINE_DATABASE_URL", warehouse.database.pipeline)
    monkeypatch.setenv("COINSPHERE_MLFLOW_URL", warehouse.settings.mlflow_url)
    done = CliRunner().invoke(cli, ["ml", "reproduce", str(served["ewma"])])
    assert done.exit_code == 0, done.output
    assert "The same as stored, to the last bit." in done.output


@pytest.fixture
def tracking_uri(warehouse, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", warehouse.settings.mlflow_url)


def test_mlflow_loads_every_version_and_forecasts_what_is_served(
    warehouse, served, trained, training_set, tracking_uri
):
    closes = pd.DataFrame({"date": training_set.days.astype(str), "close": training_set.closes})
    for model in trained:
        loaded = mlflow.pyfunc.load_model(f"models:/{model.name}/{model.version}")
        made = loaded.predict(closes)
        assert made["horizon_days"].tolist() == list(HORIZONS)
        assert set(made["token"]) == {"BTC"}
        assert set(made["origin"]) == {"2025-02-24T00:00:00Z"}
        with warehouse.pipeline() as conn:
            stored = conn.execute(
                "select lower95, lower80, median, upper80, upper95 from model.predictions where id = %s",
                [served[model.algorithm]],
            ).fetchone()
        row = made[made["horizon_days"] == 7].iloc[0, 3:]
        assert row.tolist() == pytest.approx([float(price) for price in stored], rel=1e-9)
    net = mlflow.onnx.load_model(f"models:/{trained[-1].name}/{trained[-1].version}")
    assert net.graph.input[0].name


def test_mlflows_command_predicts_with_the_champion(
    warehouse, evaluation, training_set, tracking_uri, tmp_path
):
    (tmp_path / "closes.csv").write_text(training_set.csv())
    uri = f"models:/{evaluation.model_name}@champion"
    command = [sys.executable, "-m", "mlflow", "models", "predict", "-m", uri]
    command += ["--env-manager", "local", "--content-type", "csv"]
    done = subprocess.run(
        [*command, "-i", tmp_path / "closes.csv", "-o", tmp_path / "out.json"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = json.loads((tmp_path / "out.json").read_text())["predictions"]
    assert [row["horizon_days"] for row in rows] == list(HORIZONS)
    assert all(row["lower95"] < row["median"] < row["upper95"] for row in rows)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"close": [1.0] * 60 + [0.0]}, "positive finite"),
        ({"close": [1.0] * 60 + [float("nan")]}, "positive finite"),
        ({"date": ["2024-01-01"] * 61}, "twice"),
        ({"date": ["2024-01-01"] * 60 + ["soon"]}, "no day"),
        ({"date": [f"{2000 + at}-01-01" for at in range(61)]}, "few gaps"),
    ],
)
def test_a_table_that_makes_no_sense_is_refused(trained, tracking_uri, changed, message):
    days = [str(date(2024, 1, 1) + timedelta(days=at)) for at in range(61)]
    asked = pd.DataFrame({"date": days, "close": [1.0] * 61} | changed)
    loaded = mlflow.pyfunc.load_model(f"models:/{trained[0].name}/{trained[0].version}")
    with pytest.raises(ModelError, match=message):
        loaded.predict(asked)


def test_tokens_of_one_symbol_have_models_of_their_own(warehouse, mlflow_client, trained):
    btc = warehouse.token("BTC")
    other = replace(btc, id=UUID("abcdef12-0000-4000-8000-000000000000"))
    assert token_registry.model_name(warehouse.settings, other) is None
    names = {versions.ensure(mlflow_client, token_registry.family(other)) for _ in range(2)}
    assert names == {"BTC-forecaster-abcdef12"}
    assert versions.ensure(mlflow_client, token_registry.family(btc)) == "BTC-forecaster"


def test_a_changed_forecast_changed_closes_and_lost_closes_are_found(warehouse, served, postgres):
    url = postgres.url("coinsphere_owner", warehouse.database.name)
    with psycopg.connect(url) as owner:  # one transaction, which is rolled back
        changed = served["lstm"]
        owner.execute(
            "update model.predictions set quantiles = jsonb_set(quantiles, '{0.9}',"
            " to_jsonb((quantiles ->> '0.9')::numeric + 0.00000001)) where id = %s",
            [changed],
        )
        (difference,) = reproduction.reproduce(owner, warehouse.settings, changed).differences
        assert "quantile 0.9" in difference
        digest = reproduction.reproduce(owner, warehouse.settings, served["ewma"]).input_digest
        content = zlib.decompress(snapshots.content(owner, digest)).replace(b"1", b"2")
        for bad, reason in ((zlib.compress(content), "were changed"), (b"x", "were changed")):
            owner.execute(
                "update model.snapshots set content = %s where digest = %s", [bad, digest]
            )
            with pytest.raises(ModelError, match=reason):
                reproduction.reproduce(owner, warehouse.settings, served["ewma"])
        owner.execute("update model.predictions set input_digest = null")
        with pytest.raises(ModelError, match="before the closes"):
            reproduction.reproduce(owner, warehouse.settings, served["ewma"])
        owner.rollback()


def test_a_forecast_whose_day_has_passed_is_a_backfill(warehouse, evaluation):
    late = NOW.replace(day=NOW.day + 3)
    with warehouse.pipeline() as conn:
        made = pipeline.predict_token(conn, warehouse.settings, evaluation.token, late)
    assert [forecast.is_backfill for forecast in made] == [True, False, False, False]


def test_later_days_are_held_out_too(warehouse, evaluation, trained):
    """An evaluation on a newer snapshot begins where the models stopped learning, not at its own split."""
    with warehouse.pipeline() as conn:
        shorter = warehouse.settings.model_copy(update={"ml_training_days": DAYS_SEEN})
        snapshot = pipeline.build_training_set(conn, evaluation.token, shorter)
        made = pipeline.evaluate_token(
            conn, warehouse.settings, snapshot, trained, clock=lambda: NOW.replace(hour=2)
        )
    assert snapshot.digest != evaluation.data_digest
    assert made.scores[0].first_origin == evaluation.scores[0].first_origin
    assert made.scores[0].pinball_loss == pytest.approx(evaluation.scores[0].pinball_loss)


DAYS_SEEN = 300


def test_an_evaluation_forecasts_from_what_was_believed(warehouse, evaluation, trained):
    """A close of a held-out day is corrected now: the forecasts of then stay, and are judged on what is believed now."""
    day = evaluation.scores[0].first_origin + timedelta(days=20)
    of_day = {"token": evaluation.token.id, "day": day, "opened_at": start_of_day(day)}
    with psycopg.connect(warehouse.database.pipeline) as conn:
        conn.execute(
            "update market.price_data set close = close * 1.02, high = high * 1.02, ingested_at = now() "
            "where token_id = %(token)s and interval = '1d' and opened_at = %(opened_at)s",
            of_day,
        )
        conn.execute(
            "update marts.ml_features_daily set close = close * 1.02 where token_id = %(token)s and price_date = %(day)s",
            of_day,
        )
        corrected = pipeline.build_training_set(conn, evaluation.token, warehouse.settings)
        made = pipeline.evaluate_token(
            conn, warehouse.settings, corrected, trained, clock=lambda: NOW.replace(hour=3)
        )
        conn.rollback()
    assert corrected.digest != evaluation.data_digest
    assert made.champion == evaluation.champion
    assert _quantiles(made) == _quantiles(evaluation)
    assert made.scores != evaluation.scores


def _quantiles(made):
    return {(each.horizon_days, each.origin_at): each.quantiles for each in made.origins}


def test_without_a_model_there_is_no_forecast(warehouse):
    token = warehouse.token("USDC")
    with warehouse.pipeline() as conn, pytest.raises(NoChampion, match="USDC"):
        pipeline.predict_token(conn, warehouse.settings, token, NOW)
    assert pipeline.registered_models(warehouse.settings, token) == []


def test_a_model_that_was_never_evaluated_does_not_forecast(warehouse):
    with warehouse.pipeline() as conn:
        training_set = pipeline.build_training_set(conn, warehouse.token("SOL"), warehouse.settings)
        quick = warehouse.settings.model_copy(update={"ml_epochs": 1})
        pipeline.train_token(quick, training_set, clock=lambda: NOW)
        with pytest.raises(NoChampion, match="SOL"):
            pipeline.predict_token(conn, warehouse.settings, training_set.token, NOW)


def test_a_registry_that_is_away_is_not_a_missing_champion(warehouse, training_set):
    away = warehouse.settings.model_copy(update={"mlflow_url": "http://127.0.0.1:9"})
    with warehouse.pipeline() as conn, pytest.raises(RegistryUnavailable):
        pipeline.predict_token(conn, away, training_set.token, NOW)


def test_a_tracking_server_that_is_away_is_said_before_any_training(warehouse, training_set):
    away = warehouse.settings.model_copy(update={"mlflow_url": "http://127.0.0.1:9"})
    with pytest.raises(RegistryUnavailable, match=r"127\.0\.0\.1:9"):
        pipeline.train_token(away, training_set)


def test_an_altered_file_in_the_store_is_refused(
    warehouse, mlflow_server, trained, evaluation, tracking_uri
):
    naive = trained[0]
    (stored,) = [
        path
        for path in (mlflow_server.folder / "artifacts").rglob("manifest.json")
        if naive.run_id in path.read_text()
    ]
    parameters = stored.with_name("parameters.json")
    before = parameters.read_bytes()
    try:
        parameters.write_bytes(before + b" ")
        with pytest.raises(ArtifactRefused, match="SHA-256 differs"):
            token_registry.load(warehouse.settings, naive.name, naive.version)
        with pytest.raises(ArtifactRefused, match="SHA-256 differs"):
            mlflow.pyfunc.load_model(f"models:/{naive.name}/{naive.version}")
        manifest = stored.read_bytes()
        stored.write_bytes(manifest + b" ")
        with pytest.raises(ArtifactRefused, match="SHA-256 differs"):
            mlflow.pyfunc.load_model(f"models:/{naive.name}/{naive.version}")
        with pytest.raises(ArtifactRefused, match="vouches for no version"):
            mlflow.pyfunc.load_model(str(stored.parent))
        stored.write_bytes(manifest)
        parameters.write_bytes(before)
        stranger = stored.with_name("model.pkl")
        stranger.write_bytes(b"cos\nsystem\n(S'true'\ntR.")
        with pytest.raises(ArtifactRefused, match="not named in the manifest"):
            token_registry.load(warehouse.settings, naive.name, naive.version)
        stranger.unlink()
        assert mlflow.pyfunc.load_model(str(stored.parent))
    finally:
        parameters.write_bytes(before)
    assert (
        token_registry.load(warehouse.settings, naive.name, naive.version).facts.algorithm
        == "naive"
    )
