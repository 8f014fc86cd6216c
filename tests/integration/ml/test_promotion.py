"""Who serves, from a planted prediction log in a real database and versions in a real registry; and who is told."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pytest
from mlflow.exceptions import MlflowException
from pydantic import SecretStr

from coinsphere.db.pool import Database
from coinsphere.notify import mail
from coinsphere.settings import Settings
from ml.data.horizons import HORIZONS
from ml.evaluation.conformal import Conformal
from ml.models import novelty
from ml.models.catalog import BASELINE
from ml.monitoring import accuracy, promotion
from ml.registry import global_registry, tracking, validation
from ml.registry.global_version import GlobalFacts, GlobalVersion, pack
from ml.registry.mlflow_client import client
from ml.training import fitting
from ml.training.fitting import Recipe
from orchestration.forecasting import assets, checks
from orchestration.forecasting.global_metadata import DRIFT, FRESH, SHADOW
from tests.integration.notify.conftest import Relay, serve
from tests.unit.ml import panels

NOW = datetime(2026, 3, 10, 1, tzinfo=UTC)
LINEAR = "pooled_linear"
TOKENS = 12
SCALE, DEGREES = 0.02, 4
DIGEST = "d" * 64


@pytest.fixture(scope="module")
def features():
    return panels.make_features(4, 700)


@pytest.fixture
def settings(database, mlflow_server, tmp_path):
    made = Settings(
        home=tmp_path,
        database_url=SecretStr(database.pipeline),
        mlflow_url=mlflow_server.url,
        operator_email="operator@example.org",
    )
    _forget(made)
    yield made
    _forget(made)


_EXAMPLE = pd.DataFrame({"token": ["BTC"], "date": ["2024-01-01"]})


def _forget(settings: Settings) -> None:
    with suppress(MlflowException):  # there is none
        client(settings).delete_registered_model(global_registry.NAME)


@pytest.fixture(scope="module")
def fitted(features):
    return fitting.fit(features, 700, [LINEAR, BASELINE], Recipe())


@pytest.fixture
def register(settings, features, fitted):
    """Make a version of the global model, that passed at these horizons, trained so many days ago."""

    def make(model: str, horizons: tuple[int, ...] = HORIZONS, days_ago: int = 5) -> int:
        mlflow_client = client(settings)
        with tracking.run(
            mlflow_client, settings, tracking.of_panel(features.panel), model
        ) as run_id:
            at = NOW - timedelta(days=days_ago)
            facts = GlobalFacts(model, run_id, at, at, DIGEST, "test", "code", "")
            version = GlobalVersion(
                facts,
                fitted[model],
                Conformal.untouched(),
                novelty.fit(features, 700),
                {"horizons": {}},
            )
            number = global_registry.register(
                mlflow_client, facts, pack(version), _EXAMPLE, {}
            ).number
        validation.record_verdict(settings, number, horizons, "a report")
        return number

    return make


@pytest.fixture
def log(owner):
    """Plant forecasts of one day by a version, with scales that are `factor` times the true one."""
    tokens = [row[0] for row in owner.execute("select id from market.tokens limit %s", [TOKENS])]
    owner.execute(
        "insert into model.training_sets (digest, first_day, last_day, rows, price_source, location)"
        " values (%s, '2020-01-01', '2026-01-01', 1, 'test', 'test')",
        [DIGEST],
    )
    owner.execute(
        "create table marts.ml_features_daily (token_id uuid, price_date date, close_at timestamptz,"
        " close numeric(38, 18), is_final boolean, is_filled boolean);"
        "grant select on marts.ml_features_daily to coinsphere_pipeline"
    )
    rng = np.random.default_rng(5)
    closes = 100 * np.exp(np.cumsum(SCALE * rng.standard_t(DEGREES, (TOKENS, 131)), axis=1))
    midnight = NOW.replace(hour=0)
    with owner.cursor() as cursor:
        cursor.executemany(
            "insert into marts.ml_features_daily values (%s, %s, %s, %s, true, false)",
            [
                (token, (close_at - timedelta(days=1)).date(), close_at, f"{closes[at, day]:.12f}")
                for at, token in enumerate(tokens)
                for day in range(131)
                for close_at in [midnight - timedelta(days=130 - day)]
            ],
        )

    def plant(
        version: int,
        days: int,
        factor: float = 1.0,
        *,
        shadow: bool = False,
        hindsight: bool = False,
    ) -> None:
        rows = [
            (
                token,
                origin,
                origin + timedelta(days=1),
                origin + timedelta(days=2 if hindsight else 0, hours=1),
                f"{closes[at, 130 - back]:.12f}",
                version,
                np.log(SCALE * factor),
                np.log(SCALE * 2**0.5 * 1.01),
                shadow,
                hindsight,
            )
            for at, token in enumerate(tokens)
            for back in range(1, days + 1)
            for origin in [midnight - timedelta(days=back)]
        ]
        with owner.cursor() as cursor:
            cursor.executemany(
                """
                insert into model.predictions (
                    token_id, horizon_days, origin_at, target_at, issued_at, reference_price, quantiles, median, lower80,
                    upper80, lower95, upper95, model_name, model_version, algorithm, run_id, data_digest, code_version,
                    price_source, location, log_scale, reference_log_scale, degrees, width80, width95, in_distribution,
                    is_shadow, is_backfill
                ) values (%s, 1, %s, %s, %s, %s, '{}', 1, 1, 1, 1, 1, 'all-tokens-forecaster', %s, 'x', 'r', '"""
                + DIGEST
                + """', 'c', 'test', 0, %s, %s, 4, 0.8, 0.95, true, %s, %s)""",
                rows,
            )

    return plant


@pytest.fixture
def world(settings, pipeline, owner, log):
    """What most tests need: the settings, two connections, and a way to plant forecasts."""
    return settings, pipeline, owner, log


def _serves(settings: Settings) -> dict[int, int]:
    return dict(global_registry.serving(settings).champions)


def _crown(settings: Settings, version: int, horizons: tuple[int, ...] = HORIZONS) -> None:
    for horizon in horizons:
        global_registry.let_serve(settings, horizon, version)


def _everywhere(version: int) -> dict[int, int]:
    return dict.fromkeys(HORIZONS, version)


@pytest.fixture
def champion(settings, register):
    """A champion with a baseline and a challenger that has passed its gates and waits."""
    baseline, number, challenger = register(BASELINE), register(LINEAR), register(LINEAR)
    global_registry.set_alias(settings, global_registry.BASELINE, baseline)
    _crown(settings, number)
    global_registry.set_alias(settings, global_registry.CHALLENGER, challenger)
    return number


@pytest.fixture
def challenger(settings, champion):
    return global_registry.serving(settings).challenger


def _reports(owner, version: int) -> list[tuple]:
    return owner.execute(
        "select passed, report -> 'gates' -> 0 ->> 'name' from model.gate_reports where model_version = %s",
        [version],
    ).fetchall()


def test_a_challenger_waits_thirty_closes_and_then_serves(world, champion, challenger):
    settings, pipeline, owner, log = world
    log(champion, 40)
    log(challenger, 29, shadow=True)
    found = promotion.watch(pipeline, settings, NOW)
    assert found.shadow is None
    assert found.serving.champions == _serves(settings) == _everywhere(champion)
    assert _reports(owner, challenger) == []
    owner.execute("delete from model.predictions where model_version = %s", [challenger])

    log(challenger, 30, shadow=True)
    found = promotion.watch(pipeline, settings, NOW)
    assert found.shadow.passed
    assert found.serving.champions == _serves(settings) == _everywhere(challenger)
    assert _reports(owner, challenger) == [(True, accuracy.SHADOW)]


def test_a_challenger_that_does_much_worse_never_serves(world, champion, challenger):
    settings, pipeline, owner, log = world
    log(champion, 40)
    log(challenger, 40, 3.0, shadow=True)
    found = promotion.watch(pipeline, settings, NOW)
    assert not found.shadow.passed
    reasons = list(map(str, found.shadow.reasons))
    assert any("1 d:" in reason and "worse than the champion" in reason for reason in reasons)
    assert any("80% interval" in reason for reason in reasons)
    assert _reports(owner, challenger) == [(False, accuracy.SHADOW)]
    owner.execute("delete from model.predictions where model_version = %s", [challenger])

    log(challenger, 60, shadow=True)
    promotion.watch(pipeline, settings, NOW)
    assert _serves(settings) == {1: champion} | dict.fromkeys((7, 14, 30), challenger), (
        "a veto is for ever, and of its horizon alone"
    )
    assert validation.registered(settings, challenger).horizons == (7, 14, 30)


def test_a_version_that_is_vetoed_where_alone_it_waits_is_shown_as_such(world, champion, register):
    settings, pipeline, _, log = world
    waiting = register(LINEAR, (1,))
    global_registry.set_alias(settings, global_registry.CHALLENGER, waiting)
    log(champion, 40)
    log(waiting, 40, 3.0, shadow=True)
    promotion.watch(pipeline, settings, NOW)
    assert validation.registered(settings, waiting).status == validation.VETOED
    found = promotion.watch(pipeline, settings, NOW)
    assert (found.challenger, found.shadow.passed) == (waiting, False)
    assert _serves(settings) == _everywhere(champion)


def test_a_version_that_is_right_at_one_day_serves_one_day(world, register):
    """Nothing serves the other horizons: there it may begin at once, and it did not pass there."""
    settings, pipeline, _, _ = world
    baseline, waiting = register(BASELINE), register(LINEAR, (1,))
    global_registry.set_alias(settings, global_registry.BASELINE, baseline)
    global_registry.set_alias(settings, global_registry.CHALLENGER, waiting)
    found = promotion.watch(pipeline, settings, NOW)
    assert found.serving.champions == {1: waiting}
    assert [found.serving.version(each) for each in HORIZONS] == [waiting, *[baseline] * 3]


def test_a_challenger_that_is_a_little_worse_is_not_vetoed(
    settings, pipeline, log, champion, challenger
):
    log(champion, 40)
    log(challenger, 40, 1.05, shadow=True)
    assert promotion.watch(pipeline, settings, NOW).shadow.passed


def test_a_new_version_takes_no_place_of_one_that_waits(settings, register, champion, challenger):
    loaded, serving = global_registry.load(settings, champion), global_registry.serving(settings)
    assert promotion.must_wait(settings, loaded, NOW)
    promotion.challenge(settings, register(LINEAR), serving)
    assert global_registry.serving(settings).challenger == challenger
    validation.veto(settings, challenger, HORIZONS)
    newest = register(LINEAR)
    promotion.challenge(settings, newest, serving)
    assert global_registry.serving(settings).challenger == newest


def test_a_champion_that_fails_for_sixty_days_gives_way_at_its_horizon(world, champion, challenger):
    settings, pipeline, _, log = world
    validation.record_verdict(settings, challenger, (), "a report")
    log(champion, 60, 6.0)
    found = promotion.watch(pipeline, settings, NOW)
    assert found.serving.champions == _serves(settings) == dict.fromkeys((7, 14, 30), champion)
    assert found.serving.returned == {1: champion}
    assert [alarm.name for alarm in found.staleness] == ["baseline_serves_1d"]
    assert "skill_1d" in {alarm.name for alarm in found.drift.alarms}
    global_registry.set_alias(settings, global_registry.CHALLENGER, champion)
    promotion.watch(pipeline, settings, NOW)
    assert 1 not in _serves(settings), "it does not return by itself"


def test_a_champion_whose_version_was_deleted_is_missed(world, champion, challenger):
    settings, pipeline, _, log = world
    validation.record_verdict(settings, challenger, (), "a report")
    log(champion, 5)
    client(settings).delete_model_version(global_registry.NAME, str(champion))
    found = promotion.watch(pipeline, settings, NOW)
    assert found.serving.lost == _everywhere(champion)
    assert {alarm.name for alarm in found.staleness} == {
        f"champion_lost_{each}d" for each in HORIZONS
    }


def test_tags_that_make_no_sense_cost_their_version_alone(world, champion, challenger, register):
    """Of the challenger, then of the champion, then of the registered model: the day's look acts all the same."""
    settings, pipeline, _, log = world
    mlflow_client, name = client(settings), global_registry.NAME
    for tag, text in (
        ("passed_horizons", "1,x"),
        ("passed_horizons", "2"),
        ("data_cutoff", "then"),
    ):
        own = mlflow_client.get_model_version(name, str(challenger)).tags[tag]
        mlflow_client.set_model_version_tag(name, str(challenger), tag, text)
        found = promotion.watch(pipeline, settings, NOW)
        assert (found.challenger, found.serving.champions) == (None, _everywhere(champion))
        mlflow_client.set_model_version_tag(name, str(challenger), tag, own)
    mlflow_client.set_model_version_tag(name, str(challenger), "passed_horizons", "nonsense")
    newest = register(LINEAR, (1,))
    promotion.challenge(settings, newest, global_registry.serving(settings))
    assert global_registry.serving(settings).challenger == newest

    mlflow_client.set_registered_model_tag(name, "returned-7d", "nonsense")
    mlflow_client.set_registered_model_tag(name, "serves-30d", "-")
    mlflow_client.set_model_version_tag(name, str(champion), "passed_horizons", "all")
    log(champion, 60, 6.0)
    found = promotion.watch(pipeline, settings, NOW)
    assert found.serving.champions == dict.fromkeys((7, 14, 30), champion)
    assert found.serving.returned == {1: champion}
    assert validation.registered(settings, champion).status == validation.VETOED
    mlflow_client.set_model_version_tag(name, str(champion), "data_cutoff", "9" * 99)
    serving = global_registry.serving(settings)
    assert global_registry.standing(settings, serving, NOW) == {}


def _files(settings: Settings, folder: Path, version: int) -> list[Path]:
    """What MLflow keeps of a version."""
    found = client(settings).get_model_version(global_registry.NAME, str(version))
    model = found.source.removeprefix("models:/")
    return [each for each in folder.rglob("*") if model in str(each) and each.is_file()]


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda files: files[0].write_bytes(b"x"), id="altered"),
        pytest.param(lambda files: files[0].unlink(), id="one is gone"),
        pytest.param(lambda files: [each.unlink() for each in files], id="all are gone"),
    ],
)
@pytest.mark.parametrize("days_ago", [5, 400])
def test_a_challenger_whose_files_are_damaged_costs_itself_alone(
    world, register, mlflow_server, damage, days_ago
):
    """It may be waiting in the shadow, or could serve at once as the champion is stale."""
    settings, pipeline, _, log = world
    champion, challenger = register(LINEAR, days_ago=days_ago), register(LINEAR)
    global_registry.set_alias(settings, global_registry.BASELINE, register(BASELINE))
    _crown(settings, champion)
    global_registry.set_alias(settings, global_registry.CHALLENGER, challenger)
    log(champion, 60, 6.0)
    log(challenger, 40, shadow=True)
    damage(
        [
            each
            for each in _files(settings, mlflow_server.folder, challenger)
            if each.suffix == ".npz"
        ]
    )
    found = promotion.watch(pipeline, settings, NOW)
    assert (found.challenger, found.shadow) == (None, None)
    (alarm,) = [each for each in found.staleness if each.name == f"challenger_refused_{challenger}"]
    assert f"version {challenger}, cannot be read" in alarm.detail
    assert _serves(settings) == dict.fromkeys((7, 14, 30), champion), (
        "the champion's return goes on"
    )
    newest = register(LINEAR, (1,))
    promotion.challenge(settings, newest, global_registry.serving(settings))
    assert global_registry.serving(settings).challenger == newest
    after = promotion.watch(pipeline, settings, NOW)
    assert not [each for each in after.staleness if each.name.startswith("challenger_refused")]


def test_a_damaged_challenger_is_told_of_by_a_check_and_one_mail(
    world, champion, challenger, mlflow_server, run_checks
):
    settings, _, owner, log = world
    log(champion, 60, 1.0)
    healthy = run_checks(NOW)[FRESH]
    assert healthy.passed
    for each in _files(settings, mlflow_server.folder, challenger):
        if each.suffix == ".npz":
            each.write_bytes(b"x")
    found = run_checks(NOW + timedelta(hours=1))[FRESH]
    assert f"version {challenger}, cannot be read" in found.metadata["alarms"].value
    assert not found.passed
    told = mail.newest(owner)
    run_checks(NOW + timedelta(hours=2))
    assert ([each.recipient for each in told], len(mail.newest(owner))) == (
        ["operator@example.org"],
        1,
    )


@pytest.mark.parametrize(
    "plant",
    [
        pytest.param(lambda log, version: log(version, 90), id="a healthy one"),
        pytest.param(lambda log, version: log(version, 59, 6.0), id="too short"),
        pytest.param(lambda log, version: log(version, 90, 6.0, hindsight=True), id="hindsight"),
        pytest.param(lambda log, version: log(version + 100, 90, 6.0), id="another version"),
        pytest.param(lambda log, version: None, id="nothing"),
    ],
)
def test_a_champion_that_has_not_failed_stays(settings, pipeline, log, champion, plant):
    plant(log, champion)
    found = promotion.watch(pipeline, settings, NOW)
    assert found.serving.champions == _serves(settings) == _everywhere(champion)
    assert "skill_1d" not in {alarm.name for alarm in found.drift.alarms}


def test_outcomes_that_are_not_known_yet_count_for_nothing(settings, pipeline, log, champion):
    log(champion, 60, 6.0)
    before = NOW - timedelta(days=2)
    assert promotion.watch(pipeline, settings, before).serving.champions == _everywhere(champion)
    assert accuracy.records(pipeline, champion, before)[1].origins == 58


@pytest.mark.parametrize(
    ("days_old", "alarms"),
    [(89, []), (90, ["stale"]), (179, ["stale"]), (180, ["stale", "expired"])],
)
def test_age_is_an_alarm(world, register, days_old, alarms):
    settings, pipeline, _, _ = world
    _crown(settings, register(LINEAR, days_ago=days_old))
    found = promotion.watch(pipeline, settings, NOW)
    assert [alarm.name for alarm in found.staleness] == alarms


def test_nobody_waits_behind_a_stale_champion(settings, pipeline, log, register):
    _crown(settings, register(LINEAR, days_ago=90))
    waiting = register(LINEAR)
    global_registry.set_alias(settings, global_registry.CHALLENGER, waiting)
    found = promotion.watch(pipeline, settings, NOW)
    assert found.serving.champions == _serves(settings) == _everywhere(waiting)


@pytest.fixture
def run_checks(settings):
    """Run the checks as Dagster does; what each said by its name."""

    def run(now: datetime) -> dict[str, dg.AssetCheckEvaluation]:
        with Database(settings.dsn, size=2) as database, dg.DagsterInstance.ephemeral() as instance:
            watch = dg.Definitions(
                assets=[dg.AssetSpec(assets.GLOBAL_PREDICTIONS)],
                asset_checks=[checks.watch_global_model],
                resources={"settings": settings, "database": database, "clock": lambda: now},
            ).resolve_implicit_global_asset_job_def()
            done = watch.execute_in_process(instance=instance)
        assert done.success
        return {each.check_name: each for each in done.get_asset_check_evaluations()}

    return run


def test_an_alarm_is_a_check_and_one_mail_until_it_has_passed(
    world, champion, challenger, run_checks
):
    settings, _, owner, log = world
    validation.record_verdict(settings, challenger, (), "a report")
    log(champion, 60, 6.0)
    checks = run_checks(NOW)
    assert {name: each.passed for name, each in checks.items()} == {
        DRIFT: False,
        SHADOW: True,
        FRESH: False,
    }
    assert "worse than the random walk" in checks[DRIFT].metadata["alarms"].value
    raised = len(checks[DRIFT].metadata["alarms"].value.splitlines())
    pictures = {"coverage.png", "pit.png", "skill.png"}
    assert pictures <= set(checks[DRIFT].metadata)
    run_id = global_registry.run_of(settings, champion)
    kept = client(settings).list_artifacts(run_id, "monitoring")
    assert {each.path for each in kept} == {f"monitoring/{name}" for name in pictures}

    first = mail.newest(owner)
    assert {(each.recipient, each.subject) for each in first} == {
        ("operator@example.org", f"Coinsphere: {raised} alarms of the forecasts"),
        ("operator@example.org", "Coinsphere: 1 alarm of the forecasts"),
    }
    run_checks(NOW + timedelta(hours=1))
    standing = "select subject, name from model.alarms where cleared_at is null order by 1, 2"
    assert [name for _, name in owner.execute(standing)] == ["baseline_serves_1d"], (
        "drift is the baseline's now"
    )
    assert len(mail.newest(owner)) == len(first), "what stands is not told of again"

    _crown(settings, champion)
    run_checks(NOW + timedelta(hours=2))
    assert len(mail.newest(owner)) == len(first) + 1, "what came back is told of"


def test_the_mail_reaches_the_operator(settings, owner, log, champion, run_checks):
    log(champion, 60, 6.0)
    run_checks(NOW)
    relay = Relay()
    controller = serve(relay)
    try:
        for each in mail.newest(owner):
            assert mail.send(owner, each.id, relay.transport(), NOW)
    finally:
        controller.stop()
    texts = [content.decode() for recipients, content in relay.taken]
    assert {tuple(recipients) for recipients, _ in relay.taken} == {("operator@example.org",)}
    assert any("worse than the random walk over 60 days" in text for text in texts)
    assert all(f"{settings.orchestrator_url}/runs/" in text.replace("=\r\n", "") for text in texts)


def test_without_a_champion_the_checks_say_so_and_nobody_is_told(settings, owner, log, run_checks):
    checks = run_checks(NOW)
    assert all(each.passed for each in checks.values())
    assert "is registered" in str(checks[DRIFT].metadata["passed_over"].value)
    assert mail.newest(owner) == []
