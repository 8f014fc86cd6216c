"""The model server as its own process over real HTTP, a real registry and the read-only role."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import httpx2
import pytest

from coinsphere.clock import utc_now
from ml import pipeline
from ml.data.horizons import HORIZONS
from ml.errors import ArtifactRefused
from ml.evaluation.results import Evaluation
from ml.registry import mlflow_client, token_listing, token_registry
from ml.serving.champions import Champions
from tests.conftest import free_port
from tests.integration.ml.conftest import wait_for

SYMBOL = "ETH"
TOKEN = "a token of thirty-two characters"


@pytest.fixture(scope="module")
def settings(warehouse):
    return warehouse.settings


@pytest.fixture(scope="module")
def evaluated(warehouse, settings) -> Evaluation:
    with warehouse.pipeline() as conn:
        training_set = pipeline.build_training_set(conn, warehouse.token(SYMBOL), settings)
        trained = pipeline.train_token(settings, training_set)
        return pipeline.evaluate_token(conn, settings, training_set, trained)


@pytest.fixture(scope="module")
def server(warehouse, settings, evaluated, tmp_path_factory) -> Iterator[httpx2.Client]:
    port = free_port()
    folder = tmp_path_factory.mktemp("server")
    log = (folder / "log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "ml.serving.server"],
        env={
            **{name: value for name, value in os.environ.items() if "COINSPHERE" not in name},
            "COINSPHERE_HOME": str(folder),
            "COINSPHERE_DATABASE_URL": warehouse.database.readonly,
            "COINSPHERE_MLFLOW_URL": settings.mlflow_url,
            "COINSPHERE_ML_PORT": str(port),
            "COINSPHERE_ML_REFRESH_SECONDS": "1",
            "COINSPHERE_SERVICE_TOKEN": TOKEN,
        },
        stderr=log,
    )
    log.close()
    try:
        wait_for(f"http://127.0.0.1:{port}/health")
        headers = {"Authorization": f"Bearer {TOKEN}"}
        with httpx2.Client(
            base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=30
        ) as client:
            assert SYMBOL in client.get("/health").json()["models"]
            yield client
    finally:
        process.terminate()
        assert process.wait(timeout=30) in (0, -15)


def _until(condition, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.1)


def _predict(server, symbol: str = SYMBOL, days: int = 1) -> dict:
    answer = server.get(f"/predict/{symbol}", params={"days": days})
    assert answer.status_code == 200, answer.text
    return json.loads(answer.text, parse_float=Decimal)


def test_health_names_what_is_loaded(server):
    answer = server.get("/health").json()
    assert answer["status"] == "healthy"
    assert SYMBOL in answer["models"]
    assert answer["models_loaded"] == len(answer["models"])


@pytest.mark.parametrize("days", HORIZONS)
def test_a_forecast_is_that_of_the_log_with_everything_about_its_model(
    server, warehouse, settings, evaluated, days
):
    with warehouse.pipeline() as conn:
        logged = {
            forecast.horizon_days: forecast
            for forecast in pipeline.predict_token(conn, settings, evaluated.token, utc_now())
        }[days]
    answer = _predict(server, days=days)
    assert answer["quantiles"] == dict(logged.quantiles)
    assert answer["referencePrice"] == logged.reference_price
    assert datetime.fromisoformat(answer["originAt"]) == logged.origin_at
    assert datetime.fromisoformat(answer["targetAt"]) == logged.target_at
    assert answer["daysAhead"] == days
    assert answer["priceSource"] == "simulated"
    assert answer["algorithm"] == evaluated.champion.algorithm
    assert answer["model"]["version"] == _champion_version(settings, evaluated)
    assert answer["model"]["dataDigest"] == evaluated.data_digest
    score = next(each for each in evaluated.of(answer["algorithm"]) if each.horizon_days == days)
    quality = answer["quality"]
    assert float(quality["skillVsNaive"]) == pytest.approx(score.skill_vs_naive, abs=1e-6)
    assert quality["beatsNaive"] == (score.skill_vs_naive > 0)
    assert quality["evaluatedOn"] == f"{score.first_origin}/{score.last_origin}"
    assert isinstance(quality["inDistribution"], bool)


NO_HORIZONS = ["seven", "1,x", "2", "7.0", "-7", "1_4", "\u0667", "NaN", "[1, 7]", "9" * 4500]
"""What a tag may say by somebody's hand where the horizons stand at which a model lost."""


@pytest.fixture
def nonsense(settings, evaluated) -> Iterator[dict[str, str]]:
    """Registered models of other tokens, whose champions are none; what each is refused for."""
    mlflow = mlflow_client.client(settings)
    ours = mlflow.get_model_version(evaluated.model_name, str(evaluated.champion.version))
    kind = mlflow.get_registered_model(evaluated.model_name).tags
    damaged = {"evaluation": '[{"horizon_days": '}
    made = {
        "of-no-token": ({"token_id": None}, ours.source, ours.tags),
        "of-no-id": ({"token_id": "BTC; drop table"}, ours.source, ours.tags),
        "of-no-files": ({}, f"runs:/{ours.run_id}/nowhere", ours.tags),
        "not-of-ours": ({}, ours.source, {}),
        "of-no-figures": ({}, ours.source, {**ours.tags, **damaged}),
        "of-other-figures": ({}, ours.source, {**ours.tags, "evaluation": '{"a": 1}'}),
        **{
            f"behind-{at}": ({"behind_baseline_at_days": text}, ours.source, ours.tags)
            for at, text in enumerate(NO_HORIZONS)
        },
        "evaluated-and-lost": ({"token_id": "x", "evaluated_at": "2026-01-01"}, None, {}),
    }
    for name, (tags, source, of_version) in made.items():
        told = {**kind, "token_id": str(uuid4()), "symbol": name, **tags}
        mlflow.create_registered_model(
            name, {key: value for key, value in told.items() if value is not None}
        )
        if source is not None:
            id_of = source.removeprefix("models:/") if source == ours.source else None
            version = mlflow.create_model_version(
                name, source, ours.run_id, tags=of_version, model_id=id_of
            )
            mlflow.set_registered_model_alias(name, token_listing.CHAMPION, version.version)
    yield made
    for name in made:
        mlflow.delete_registered_model(name)


def test_a_registry_that_makes_no_sense_of_some_tokens_serves_all_others(
    server, settings, evaluated, nonsense
):
    """For a server that starts beside it, and for one that runs when sense is lost of what it serves."""
    fresh = Champions(settings)
    fresh.refresh()
    assert SYMBOL in fresh.symbols()
    found = token_listing.listing(settings)
    behind = {name for name in nonsense if name.startswith("behind-")}
    assert set(found.unreadable) == {"of-no-token", "of-no-id", "evaluated-and-lost", *behind}
    told = [why for why in found.lost.values() if why.startswith("behind-")]
    assert len(told) == len(behind)
    assert all("`behind_baseline_at_days` in MLflow names no horizons" in why for why in told)
    others = {each.model_name: each.token_id for each in found.promotions}
    unloadable = set(nonsense) - set(found.unreadable)
    assert {evaluated.model_name, *unloadable} <= set(others)
    for name in unloadable:
        assert f"of {name} cannot be loaded" in fresh.lost(others[name])

    mlflow = mlflow_client.client(settings)
    own = mlflow.get_registered_model(evaluated.model_name).tags
    for tag in ("token_id", "behind_baseline_at_days"):
        mlflow.set_registered_model_tag(evaluated.model_name, tag, "nonsense")
        try:
            fresh.refresh()
            assert fresh.of(evaluated.token.id).version == evaluated.champion.version
            if tag != "token_id":
                with pytest.raises(ArtifactRefused, match="names no horizons: 'nonsense'"):
                    token_registry.champion(settings, evaluated.token)
        finally:
            mlflow.set_registered_model_tag(evaluated.model_name, tag, own.get(tag, ""))
    assert _predict(server)["algorithm"] == evaluated.champion.algorithm


def _champion_version(settings, evaluated) -> int:
    return token_registry.champion(settings, evaluated.token).version


def test_old_data_is_stale_and_says_since_when(server):
    """The history of these tests ends in 2025: whatever is forecast from it is late."""
    answer = _predict(server, days=7)
    expired = datetime.fromisoformat(answer["expiresAt"])
    assert answer["stale"] is True
    assert expired == datetime.fromisoformat(answer["originAt"]) + timedelta(days=2)


def test_numbers_are_written_without_an_exponent(server):
    literals: list[str] = []
    json.loads(server.get(f"/predict/{SYMBOL}").text, parse_float=literals.append)
    assert len(literals) >= 6
    assert not [literal for literal in literals if "e" in literal.lower()]


def test_a_symbol_is_taken_in_any_case(server):
    assert _predict(server, SYMBOL.lower())["symbol"] == SYMBOL


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/predict/NOPE", 404, "not found"),
        ("/predict/ETH?days=2", 400, "days must be one of 1, 7, 14, 30"),
        ("/predict/ETH?days=x", 400, "days must be one of"),
        ("/predict/USDC", 503, "USDC has 0 days of real prices; a forecast needs 61"),
        ("/nowhere", 404, "Not Found"),
    ],
)
def test_what_cannot_be_answered_is_explained(server, path, status, words):
    answer = server.get(path)
    assert answer.status_code == status
    assert words in answer.json()["error"]


def test_too_little_history_is_said(server, warehouse, evaluated):
    with _gaps(warehouse, evaluated.token.id):
        answer = server.get(f"/predict/{SYMBOL}")
        # Where the registry that the tests share has a baseline, that speaks in its place and says why.
        told = answer.json()
        said = told["error"] if answer.status_code == 503 else told["quality"]["reason"]
        assert "final daily closes" in said
    assert _predict(server)["symbol"] == SYMBOL


@contextmanager
def _gaps(warehouse, token_id) -> Iterator[None]:
    """Five of the last days are filled ones, for as long as the block lasts."""
    mark = """
        update marts.ml_features_daily set is_filled = %s
        where token_id = %s and price_date between '2025-02-01' and '2025-02-05'
    """
    with warehouse.pipeline() as conn:
        conn.execute(mark, (True, token_id))
        try:
            yield
        finally:
            conn.execute(mark, (False, token_id))


def test_a_new_champion_is_swapped_in_without_a_failed_request(server, settings, evaluated):
    """Requests go on in four threads while champions change; every one is answered, and by one version as a whole."""
    versions = {algorithm: score.model_version for algorithm, score in _by_algorithm(evaluated)}
    before = _predict(server)["model"]["version"]
    after = next(version for version in versions.values() if version != before)
    algorithm_of = {version: algorithm for algorithm, version in versions.items()}
    stop, seen, failures = threading.Event(), set(), []

    def ask() -> None:
        with httpx2.Client(base_url=server.base_url, headers=server.headers, timeout=30) as client:
            while not stop.is_set():
                answer = client.get(f"/predict/{SYMBOL}", params={"days": 7})
                if answer.status_code != 200:
                    failures.append(answer.text)
                    continue
                body = answer.json()
                seen.add(body["model"]["version"])
                if body["algorithm"] != algorithm_of[body["model"]["version"]]:
                    failures.append(answer.text)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        _promote(settings, evaluated, after)
        _until(lambda: after in seen)
        _promote(settings, evaluated, before)
        _until(lambda: _predict(server)["model"]["version"] == before)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert failures == []
    assert seen == {before, after}


def _by_algorithm(evaluated):
    return [(score.algorithm, score) for score in evaluated.scores if score.horizon_days == 1]


def _promote(settings, evaluated, version: int) -> None:
    """Promote another version of the evaluation, as an evaluation that it had won would."""
    champion = next(
        model
        for model in token_registry.newest(settings, evaluated.token)
        if model.version == version
    )
    token_registry.promote(settings, replace(evaluated, champion=champion, plots={}))


def test_an_altered_champion_is_not_swapped_in(server, settings, evaluated, mlflow_server):
    """The files of the version to come were tampered with: the server goes on with what it has."""
    before = _predict(server)["model"]["version"]
    versions = {score.model_version for score in evaluated.scores}
    after = next(iter(versions - {before}))
    champion = next(
        model
        for model in token_registry.newest(settings, evaluated.token)
        if model.version == after
    )
    (manifest,) = [
        path
        for path in (mlflow_server.folder / "artifacts").rglob("manifest.json")
        if champion.run_id in path.read_text()
    ]
    parameters = manifest.with_name("parameters.json")
    original = parameters.read_bytes()
    parameters.write_bytes(original.replace(b"0", b"1", 1))
    try:
        token_registry.promote(settings, replace(evaluated, champion=champion, plots={}))
        time.sleep(2.5)
        assert _predict(server)["model"]["version"] == before
    finally:
        parameters.write_bytes(original)
    _until(lambda: _predict(server)["model"]["version"] == after)


def test_without_mlflow_the_champions_stay(server, mlflow_server):
    before = _predict(server, days=14)
    mlflow_server.kill()
    try:
        time.sleep(3)
        after = _predict(server, days=14)
        assert after["quantiles"] == before["quantiles"]
        assert SYMBOL in server.get("/health").json()["models"]
    finally:
        mlflow_server.start()
