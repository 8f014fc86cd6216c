"""The global model from a real mart through a real registry to the prediction log, and back to the same bits."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from uuid import UUID

import mlflow
import numpy as np
import pandas as pd
import psycopg
import pytest
from pydantic import SecretStr

from coinsphere.market.reference import tokens
from coinsphere.settings import Settings
from ml import pipeline
from ml.data import candle_folder, panel, snapshots, windows
from ml.data.horizons import HORIZONS
from ml.errors import ArtifactRefused, ModelError, NoChampion, TooLittleHistory
from ml.evaluation import gates, held_out_origins
from ml.evaluation.held_out import pinball
from ml.models import residual
from ml.models.artifact import TokenFacts
from ml.models.hyperparameters import Hyperparameters
from ml.models.naive import Naive
from ml.monitoring import reproduction
from ml.registry import global_registry, token_listing, validation
from ml.registry.global_version import MANIFEST
from ml.registry.mlflow_client import client
from ml.registry.token_listing import Promotion
from ml.registry.token_registry import Champion
from ml.serving import anchors, global_forecasting, public
from ml.training.fitting import Recipe
from tests.conftest import create_database, drop_database
from tests.integration.ml.conftest import _build_mart
from tests.unit.ml import panels

DAYS = 1150
SYMBOLS = ("ADA", "BTC", "ETH", "LTC", "SOL", "XRP")
NOW = datetime(2019, 1, 1, 1, tzinfo=UTC) + timedelta(days=DAYS)
QUICK = Recipe(seeds=(0, 1), parameters=Hyperparameters(steps=40, window=96, warm_up=32))
LARGE = Recipe(
    seeds=(0, 1),
    parameters=Hyperparameters(
        hidden=32, steps=120, dropout=0.0, weight_decay=0.0, learning_rate=2e-2
    ),
)
LIMITS = gates.Limits(days=500, beyond=-np.inf)
"""The market is made up as `gk_har_t` sees it: what is richer proves nothing here."""
_INSERT = """
    insert into market.price_data
        (token_id, interval, opened_at, open, high, low, close, volume, source, is_final, observed_at)
    select id, '1d', %s, %s, %s, %s, %s, %s, 'simulated', true, now() from market.tokens where symbol = %s
"""


@pytest.fixture(scope="module")
def market(postgres, mlflow_server, tmp_path_factory):
    """A database with candles of six tokens and their mart, and settings of the pipeline."""
    database = create_database(postgres)
    try:
        _fill(database)
        _build_mart(database)
        yield Settings(
            home=tmp_path_factory.mktemp("home"),
            database_url=SecretStr(database.pipeline),
            mlflow_url=mlflow_server.url,
            ml_processes=1,
        )
    finally:
        drop_database(database)


def _fill(database) -> None:
    rows = panels.rows(len(SYMBOLS), DAYS, seed=9)
    with psycopg.connect(database.pipeline) as conn:
        conn.execute(
            "select market.ensure_price_partitions(%s, %s)",
            (panels.FIRST, panels.FIRST + timedelta(days=DAYS + 31)),
        )
        for symbol, days in zip(SYMBOLS, rows.values(), strict=True):
            with conn.cursor() as cursor:
                cursor.executemany(
                    _INSERT,
                    [
                        (
                            datetime.combine(day, datetime.min.time(), UTC),
                            *(f"{value:.12f}" for value in candle),
                            symbol,
                        )
                        for day, candle in days.items()
                    ],
                )


@pytest.fixture
def conn(market):
    with psycopg.connect(market.database_url.get_secret_value(), autocommit=True) as made:
        yield made


@pytest.fixture(scope="module")
def trained(market):
    with psycopg.connect(market.database_url.get_secret_value(), autocommit=True) as conn:
        held = pipeline.build_panel(conn)
        return pipeline.train_global(
            conn,
            market,
            held,
            clock=lambda: NOW,
            recipe=QUICK,
            limits=LIMITS,
            dagster_run_id="run-1",
        )


@pytest.fixture(scope="module")
def issued(market, trained):
    with psycopg.connect(market.database_url.get_secret_value(), autocommit=True) as conn:
        return pipeline.predict_global(conn, market, NOW, dagster_run_id="run-2")


def test_the_mart_and_files_make_the_same_panel(market, conn, tmp_path):
    held = panel.from_mart(conn)
    for at, symbol in enumerate(held.symbols):
        lines = [
            f"{day},{','.join(f'{value!r}' for value in map(float, candle))}"
            for day, candle in zip(held.days, held.candles[at], strict=True)
        ]
        (tmp_path / f"{symbol}.csv").write_text(
            "date,open,high,low,close,volume\n" + "\n".join(lines) + "\n"
        )
    read = candle_folder.read(tmp_path, NOW)
    assert read.symbols == held.symbols == tuple(sorted(SYMBOLS))
    np.testing.assert_array_equal(read.candles, held.candles)


def test_a_version_that_passes_every_gate_serves(market, trained):
    assert trained.report.refused() == ()
    serving = global_registry.serving(market)
    assert serving.champions == dict.fromkeys(HORIZONS, trained.version)
    champion = validation.registered(market, trained.version)
    assert (champion.model, champion.horizons) == ("combination", HORIZONS)
    assert champion.gate_report_id == str(trained.report_id)
    assert validation.registered(market, serving.baseline).model == "gk_har_t"


def test_what_was_forecast_in_the_walk_forward_is_kept_for_a_year(conn, trained):
    query = """
        select s.algorithm, f.origin_at, f.token_id, f.lower95, f.lower80, f.median, f.upper80, f.upper95,
            f.reference_log_scale
        from model.held_out_forecasts f join model.held_out_sets s on s.id = f.set_id
        where f.horizon_days = 7
    """
    rows = conn.execute(query).fetchall()
    assert {row[0] for row in rows} == {"combination", "gk_har_t"}
    walked, place = trained.backtest, HORIZONS.index(7)
    newest = np.s_[:, -held_out_origins.KEPT_DAYS :, place]
    mask, held = walked.scored[newest], walked.features.panel
    closes = dict(zip(held.token_ids, np.log(held.closes), strict=True))
    for model in ("combination", "gk_har_t"):
        mine = [row for row in rows if row[0] == model]
        assert len(mine) == mask.sum()
        at = [held.index(row[1].date()) - 1 for row in mine]
        came = [
            closes[row[2]][day + 7] - closes[row[2]][day] for row, day in zip(mine, at, strict=True)
        ]
        losses = pinball(np.array([row[3:8] for row in mine]), np.array(came))
        assert losses.mean() == pytest.approx(walked.scores[model].pinball[newest][mask].mean())
    assert {row[8] is None for row in rows} == {False}


def test_its_card_and_its_data_are_shown_in_mlflow(market, trained):
    mlflow_client = client(market)
    run = mlflow_client.get_run(trained.run_id)
    assert run.data.tags["dagster_run_id"] == "run-1"
    assert run.inputs.dataset_inputs[0].dataset.digest == trained.data_digest[:36]
    names = {each.path for each in mlflow_client.list_artifacts(trained.run_id, "model_card")}
    assert names == {
        f"model_card/{name}" for name in ("model_card.md", "skill.png", "pit.png", "coverage.png")
    }
    note = run.data.tags["mlflow.note.content"]
    version = mlflow_client.get_model_version(global_registry.NAME, str(trained.version))
    assert version.description == note
    assert "![" not in note, "MLflow's pages show no picture of an artifact"
    assert all(part in note for part in ("## Walk-forward", "## Gates", "## Limits"))
    card = trained.card["model_card.md"].decode()
    assert trained.data_digest in card
    assert "configurations tried" in card


def test_mlflow_loads_the_champion_and_the_baseline_and_forecasts_what_is_issued(
    market, conn, trained, issued, monkeypatch
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", market.mlflow_url)
    held = panel.recent(conn, NOW)
    asked = pd.DataFrame(
        [
            {"token": symbol, "date": str(day), **dict(zip(panel.COLUMNS, candle, strict=True))}
            for symbol, candles in zip(held.symbols, held.candles, strict=True)
            for day, candle in zip(held.days, candles.tolist(), strict=True)
        ]
    )
    for alias in ("champion", "champion-30d", "baseline"):
        uri = f"models:/{global_registry.NAME}@{alias}"
        made = mlflow.pyfunc.load_model(uri).predict(asked)
        assert len(made) == len(SYMBOLS) * len(HORIZONS)
        stored = conn.execute(
            "select t.symbol, p.horizon_days, p.lower95, p.lower80, p.median, p.upper80, p.upper95"
            " from model.predictions p join market.tokens t on t.id = p.token_id where p.algorithm = %s",
            ["gk_har_t" if alias == "baseline" else trained.model],
        ).fetchall()
        expected = {row[:2]: [float(price) for price in row[2:]] for row in stored}
        for row in made.itertuples(index=False):
            prices = [row.lower95, row.lower80, row.median, row.upper80, row.upper95]
            assert prices == pytest.approx(expected[row.token, row.horizon_days], rel=1e-9)
    example = mlflow.pyfunc.load_model(uri).input_example
    assert set(mlflow.pyfunc.load_model(uri).predict(example)["token"]) == {"ADA", "BTC"}
    net = mlflow.onnx.load_model(f"models:/{global_registry.NAME}@champion")
    assert [each.name for each in net.graph.output] == ["shifts"]


def test_a_registered_model_of_an_earlier_system_is_renamed_with_its_aliases(market, trained):
    mlflow_client = client(market)
    before = global_registry.serving(market)
    mlflow_client.rename_registered_model(global_registry.NAME, "coinsphere-scale")
    assert global_registry.serving(market) == before
    assert global_registry.load(market, trained.version).number == trained.version


def test_the_charts_of_a_run_have_the_horizons_as_steps(market, trained):
    mlflow_client = client(market)
    run = mlflow_client.get_run(trained.run_id)
    assert set(run.data.metrics) == {
        "crps", "skill", "dm_t", "log_gain", "coverage80", "coverage95",
    }  # fmt: skip
    history = mlflow_client.get_metric_history(trained.run_id, "coverage80")
    assert [each.step for each in history] == list(HORIZONS)
    (output,) = run.outputs.model_outputs
    logged = mlflow_client.get_logged_model(output.model_id)
    assert {each.dataset_name for each in logged.metrics} == {"daily candles of all tokens"}
    assert logged.params["seeds"] == "(0, 1)"
    assert trained.page.endswith(f"/runs/{trained.run_id}?workflowType=machine_learning")
    baseline = mlflow_client.get_model_version_by_alias(global_registry.NAME, "baseline")
    assert "## Walk-forward" in baseline.description
    assert "## Gates" not in baseline.description


def test_all_tokens_are_forecast_and_lead_back_to_where_they_are_from(conn, trained, issued):
    made = {each.model: (each.tokens, each.forecasts, each.public) for each in issued}
    assert made == {"combination": (6, 24, 24), "gk_har_t": (6, 24, 0)}
    rows = conn.execute(
        """
        select abs(p.median / p.reference_price - 1) < 0.01, p.lower95 < p.lower80, p.run_id, p.data_digest, p.dagster_run_id,
            s.digest is not null, r.passed, p.model_version
        from model.predictions p
        left join model.snapshots s on s.digest = p.input_digest
        left join model.gate_reports r on r.model_name = p.model_name and r.model_version = p.model_version
        where not p.is_shadow
        """
    ).fetchall()
    assert set(rows) == {
        (True, True, trained.run_id, trained.data_digest, "run-2", True, True, trained.version)
    }


def test_a_stored_forecast_comes_out_again_to_the_last_bit(market, conn, issued):
    (found,) = conn.execute(
        "select id from model.predictions where horizon_days = 7 order by token_id limit 1"
    ).fetchone()
    assert reproduction.reproduce(conn, market, found).differences == ()


def test_a_forecast_of_the_baseline_comes_out_again_too(market, conn, issued):
    """It is kept as a shadow while champions serve."""
    ids = conn.execute("select id from model.predictions where is_shadow").fetchall()
    assert len(ids) == 24
    assert reproduction.reproduce(conn, market, ids[0][0]).differences == ()


def test_a_changed_forecast_and_a_changed_snapshot_are_found(market, conn, issued, postgres):
    (found, digest) = conn.execute(
        "select id, input_digest from model.predictions where horizon_days = 30 and not is_shadow limit 1"
    ).fetchone()
    url = postgres.url("coinsphere_owner", conn.info.dbname)
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute(
            "update model.predictions set log_scale = log_scale + 1e-15 where id = %s", (found,)
        )
        made = reproduction.reproduce(conn, market, found)
        assert len(made.differences) == 1
        assert "log_scale" in made.differences[0]
        before = owner.execute(
            "select content from model.snapshots where digest = %s", (digest,)
        ).fetchone()[0]
        held = panel.from_npz(bytes(before))
        other = panel.resealed(held, held.candles * 2).npz()
        owner.execute("update model.snapshots set content = %s", (other,))
        with pytest.raises(ModelError, match="were changed"):
            reproduction.reproduce(conn, market, found)
        owner.execute("update model.snapshots set content = %s", (before,))


def test_the_pipeline_may_change_no_forecast(conn, issued):
    for statement in (
        "update model.predictions set median = 1",
        "update model.snapshots set content = ''",
        "delete from model.gate_reports",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute(statement)


def test_a_forecast_is_issued_once(market, conn, issued):
    pipeline.predict_global(conn, market, NOW + timedelta(hours=1))
    assert conn.execute(
        "select count(*), count(distinct issued_at) from model.predictions"
    ).fetchone() == (48, 1)


def test_a_worse_version_is_refused_and_forecasts_in_the_shadow(market, conn, trained, issued):
    held = pipeline.build_panel(conn)
    made = pipeline.train_global(
        conn, market, held, clock=lambda: NOW, recipe=LARGE, limits=LIMITS, model="global_lstm"
    )
    reasons = made.report.refused()
    assert not made.report.passed
    assert any("G3_champion" in reason for reason in reasons)
    serving = global_registry.serving(market)
    assert serving.champions == dict.fromkeys(HORIZONS, trained.version)
    assert serving.challenger == made.version
    kept = conn.execute("select model_version from model.held_out_sets order by 1").fetchall()
    assert [each for (each,) in kept] == sorted(
        {*serving.champions.values(), serving.baseline, serving.challenger}
    )
    stored = conn.execute(
        "select passed, report -> 'gates' -> 3 ->> 'passed' from model.gate_reports where id = %s",
        (made.report_id,),
    ).fetchone()
    assert stored == (False, "false")
    shadows = pipeline.predict_global(conn, market, NOW + timedelta(hours=2))
    public = {each.version: each.public for each in shadows}
    assert public == {trained.version: 24, serving.baseline: 0, made.version: 0}
    count = conn.execute(
        "select count(*) from model.predictions where is_shadow and model_version = %s",
        [made.version],
    ).fetchone()
    assert count == (24,)


def test_an_old_champion_stands_no_longer(market, trained):
    serving = global_registry.serving(market)
    assert global_registry.standing(market, serving, NOW) == serving.champions
    assert global_registry.standing(market, serving, NOW + timedelta(days=181)) == {}


def test_an_altered_file_is_refused(market, trained, mlflow_server):
    files = list(mlflow_server.folder.rglob("losses.npz"))
    altered = []
    for path in files:
        altered.append((path, path.read_bytes()))
        path.write_bytes(path.read_bytes() + b"x")
    try:
        with pytest.raises(ArtifactRefused, match=r"losses.npz is not the file"):
            global_registry.load(market, trained.version)
    finally:
        for path, content in altered:
            path.write_bytes(content)
    assert MANIFEST


def _age(owner, *, factor: float, days: int) -> None:
    """Issue the champion's forecasts of the days before as well, with scales that are off by `factor`."""
    owner.execute(
        """
        insert into model.predictions (
            token_id, horizon_days, origin_at, target_at, issued_at, reference_price, quantiles, median, lower80,
            upper80, lower95, upper95, model_name, model_version, algorithm, run_id, data_digest, code_version,
            price_source, location, log_scale, reference_log_scale, degrees, width80, width95, in_distribution
        )
        select p.token_id, 1, f.close_at, f.close_at + interval '1 day', f.close_at + interval '1 hour', f.close,
            p.quantiles, f.close, f.close, f.close, f.close, f.close, p.model_name, p.model_version, p.algorithm,
            p.run_id, p.data_digest, p.code_version, p.price_source, 0, ln(f.ewma_volatility * %(factor)s),
            ln(f.ewma_volatility), 4, 0.8, 0.95, true
        from model.predictions p
        join marts.ml_features_daily f on f.token_id = p.token_id and f.close_at < p.origin_at
        where p.horizon_days = 1 and not p.is_shadow and f.close_at >= p.origin_at - %(days)s * interval '1 day'
        on conflict do nothing
        """,
        {"factor": factor, "days": days},
    )


def test_a_champion_that_fails_for_sixty_days_gives_way(market, conn, trained, issued, postgres):
    assert pipeline.watch_global(conn, market, NOW).drift.alarms == ()
    with psycopg.connect(
        postgres.url("coinsphere_owner", conn.info.dbname), autocommit=True
    ) as owner:
        _age(owner, factor=6.0, days=70)
        found = pipeline.watch_global(conn, market, NOW)
        owner.execute("delete from model.predictions where input_digest is null")
    details = [alarm.detail for alarm in found.drift.alarms]
    assert any("worse than the random walk" in alarm for alarm in details)
    assert any("in the 80% interval" in alarm for alarm in details)
    serving = global_registry.serving(market)
    assert serving.returned == {1: trained.version}
    assert serving.champions == dict.fromkeys((7, 14, 30), trained.version)
    global_registry.let_serve(market, 1, trained.version)
    assert global_registry.serving(market).returned == {}


def test_without_any_version_nothing_is_forecast(market, conn, trained, monkeypatch):
    monkeypatch.setattr(global_registry, "NAME", "nobody-registered-this")
    with pytest.raises(NoChampion):
        pipeline.predict_global(conn, market, NOW)


def test_prices_are_decimals_with_their_digits(conn, issued):
    (median,) = conn.execute("select median from model.predictions limit 1").fetchone()
    assert isinstance(median, Decimal)
    assert date(2019, 1, 1) == panels.FIRST


@pytest.fixture(scope="module")
def server(market, trained):
    """The model server with the global model alone, over real HTTP requests to the ASGI application."""
    from starlette.testclient import TestClient

    from coinsphere.db.pool import Database
    from ml.serving.champions import Champions
    from ml.serving.global_forecasts import GlobalForecasts
    from ml.serving.server import create_app

    database = Database(market.dsn, size=2, statement_timeout_ms=5000)
    everyone = GlobalForecasts(market, database, lambda: NOW)
    champions = Champions(market)
    app = create_app(
        market, database=database, champions=champions, clock=lambda: NOW, everyone=everyone
    )
    app.state.everyone, app.state.champions = everyone, champions
    with TestClient(app) as client:
        everyone.refresh()
        yield client


def test_the_server_speaks_of_every_token(server, trained, conn, issued):
    assert server.get("/health").json()["models"] == list(SYMBOLS)
    answer = server.get("/predict/xrp?days=7").json()
    assert answer["model"]["version"] == trained.version
    assert answer["model"]["dataDigest"] == trained.data_digest
    assert answer["quality"]["coverage80"] == pytest.approx(0.8, abs=0.03)
    assert answer["quality"]["skillVsNaive"] > 0
    (stored, digest) = conn.execute(
        """
        select p.quantiles, p.input_digest from model.predictions p join market.tokens t on t.id = p.token_id
        where t.symbol = 'XRP' and p.horizon_days = 7 and not p.is_shadow
        """
    ).fetchone()
    assert answer["quantiles"] == stored, "what is served at the close is what was logged"
    assert answer["model"]["inputDigest"] == digest
    assert all("the range by" in factor for factor in answer["factors"])
    walked = {
        (symbol, days): server.get(f"/predict/{symbol}?days={days}")
        for symbol in SYMBOLS
        for days in HORIZONS
    }
    assert {pair: each.text for pair, each in walked.items() if each.status_code != 200} == {}
    assert all(each.json()["model"]["rung"] for each in walked.values())
    assert server.get("/predict/NONE").status_code == 404


def test_a_new_quote_moves_the_forecast_and_time_narrows_it(server, market, conn):
    before = server.get("/predict/BTC?days=1").json()
    conn.execute(
        """
        insert into market.quotes (token_id, price, source, observed_at, ingested_at)
        select id, %s, 'simulated', %s, %s from market.tokens where symbol = 'BTC'
        """,
        (
            Decimal(before["referencePrice"]).quantize(Decimal("0.01")) * 2,
            NOW - timedelta(minutes=1),
            NOW,
        ),
    )
    after = server.get("/predict/BTC?days=1").json()
    assert after["referencePrice"] == pytest.approx(2 * before["referencePrice"], rel=1e-3)
    assert after["quantiles"]["0.5"] == pytest.approx(after["referencePrice"], rel=1e-2)
    widths = [
        np.log(each["quantiles"]["0.9"] / each["quantiles"]["0.1"]) for each in (before, after)
    ]
    # 59 minutes of 24 hours have passed.
    assert widths[1] / widths[0] == pytest.approx(np.sqrt(1 - 59 / 60 / 24), rel=1e-6)


@pytest.fixture
def refreshed(server, market):
    """The server after what it serves was changed; everything is as before when the test is over."""
    everyone = server.app.state.everyone
    champions = global_registry.serving(market).champions
    yield everyone.refresh
    for horizon, version in champions.items():
        global_registry.let_serve(market, horizon, version)
    everyone.refresh()


def test_each_horizon_has_a_ladder_of_its_own(server, market, trained, refreshed):
    global_registry.take_back(market, 30, trained.version)
    client(market).delete_registered_model_alias(
        global_registry.NAME, global_registry.champion_alias(7)
    )
    refreshed()
    said = {days: server.get(f"/predict/ETH?days={days}").json() for days in HORIZONS}
    assert {days: each["model"]["rung"] for days, each in said.items()} == {
        1: "global_champion",
        7: "global_baseline",
        14: "global_champion",
        30: "global_baseline",
    }
    assert {days: each["quality"]["validated"] for days, each in said.items()} == {
        1: True,
        7: False,
        14: True,
        30: False,
    }
    assert said[1]["quality"]["reason"] is None
    assert "its alias champion-7d is gone" in said[7]["quality"]["reason"]
    assert "coinsphere ml train-global" in said[7]["quality"]["reason"]
    assert "did worse than the random walk" in said[30]["quality"]["reason"]
    assert said[30]["algorithm"] == "gk_har_t"
    assert said[30]["quality"]["coverage80"] == pytest.approx(0.8, abs=0.06)


def test_a_tokens_own_model_speaks_only_where_the_baseline_did_not_lose_less(
    server, market, conn, refreshed, monkeypatch
):
    token = tokens.by_symbol(conn, "ETH")
    closes = np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.03, 900)))
    series = windows.series(closes, np.ones(900, dtype=bool))
    own = Champion(
        TokenFacts(
            "naive", "r1", NOW, NOW, "0" * 64, "test", "c", token.id, "ETH", date(2020, 1, 1)
        ),
        residual.calibrate(Naive(), series),
        "ETH-forecaster",
        3,
        behind=frozenset({1}),
    )
    for horizon in HORIZONS:
        client(market).delete_registered_model_alias(
            global_registry.NAME, global_registry.champion_alias(horizon)
        )
    monkeypatch.setattr(server.app.state.champions, "_champions", {token.id: own})
    refreshed()
    said = {days: server.get(f"/predict/ETH?days={days}").json() for days in HORIZONS}
    assert {days: each["model"]["rung"] for days, each in said.items()} == {
        1: "global_baseline",
        7: "token_champion",
        14: "token_champion",
        30: "token_champion",
    }
    assert "ETH's own model lost more on the same days" in said[1]["quality"]["reason"]
    held = Promotion("ETH-forecaster", 3, "2020-01-01", token.id, own.behind)
    monkeypatch.setattr(token_listing, "promotions", lambda _: [held])
    serving = global_registry.serving(market)
    shown = public.version_of(market, serving, panel.recent(conn, NOW), NOW)
    assert [shown("ETH", days) for days in HORIZONS] == [serving.baseline, None, None, None]
    assert shown("BTC", 7) == serving.baseline


def test_a_version_that_cannot_be_read_leaves_its_horizons_to_the_next_rung(
    server, market, trained, mlflow_server, refreshed
):
    everyone = server.app.state.everyone
    everyone._loaded, everyone._inputs = {}, None  # as a server that starts
    serving = global_registry.serving(market)
    source = client(market).get_model_version(global_registry.NAME, str(trained.version)).source
    model = source.removeprefix("models:/")
    (path,) = [each for each in mlflow_server.folder.rglob("losses.npz") if model in str(each)]
    content = path.read_bytes()
    path.write_bytes(content + b"x")
    try:
        refreshed()
        answer = server.get("/predict/ADA?days=14").json()
    finally:
        path.write_bytes(content)
    assert (
        answer["model"] | {"rung": "global_baseline", "version": serving.baseline}
        == answer["model"]
    )
    assert "cannot be loaded: losses.npz is not the file" in answer["quality"]["reason"]
    refreshed()
    assert server.get("/predict/ADA?days=14").json()["model"]["rung"] == "global_champion"


def test_an_answer_leads_to_the_forecast_that_was_stored(server, market, conn, issued):
    answer = server.get("/predict/LTC?days=14").json()
    assert reproduction.reproduce(conn, market, UUID(answer["predictionId"])).differences == ()


def test_a_forecast_of_an_old_close_starts_from_the_newest(conn, trained):
    """After a gap a model may have none newer for weeks: its range is stale then, the price beside it is not."""
    token = tokens.by_symbol(conn, "ADA")
    closes = dict(
        conn.execute(
            "select close_at, close from marts.ml_features_daily where token_id = %s and is_final",
            [token.id],
        )
    )
    newest = max(closes)
    for age in (0, 40):
        expected = SimpleNamespace(origin_at=newest - timedelta(days=age), horizon_days=7)
        version = SimpleNamespace(name="all-tokens-forecaster", number=trained.version)
        said = SimpleNamespace(expected=expected, version=version)
        anchor = anchors.of(conn, token, said, NOW, 180)
        assert (anchor.price, anchor.observed_at) == (closes[newest], newest)


def test_a_token_whose_candles_end_early_is_answered_from_there(market, trained):
    held = global_registry.champions(market, global_registry.serving(market))[1]
    with psycopg.connect(market.database_url.get_secret_value()) as conn:
        full = panel.from_mart(conn)
    candles = full.candles.copy()
    candles[full.symbols.index("SOL"), -5:] = np.nan
    late = panel.resealed(full, candles)
    origins = {
        each.symbol: each.origin_at for each in global_forecasting.distributions(held.version, late)
    }
    assert set(origins) == set(SYMBOLS)
    assert origins.pop("SOL") == late.data_cutoff - timedelta(days=5)
    assert set(origins.values()) == {late.data_cutoff}


def test_a_young_market_has_a_baseline_and_no_verdict(market, conn, trained):
    """Ninety days are enough to forecast from, and too few to judge anything."""
    before = global_registry.serving(market)
    young = panel.from_mart(conn).until(panels.FIRST + timedelta(days=89))
    snapshots.record(conn, young)
    with pytest.raises(TooLittleHistory):
        pipeline.train_global(conn, market, young, clock=lambda: NOW, recipe=QUICK)
    after = global_registry.serving(market)
    try:
        assert after.champions == before.champions
        assert after.baseline > before.baseline
        version = global_registry.load(market, after.baseline).version
        made = global_forecasting.distributions(version, young)
        assert len(made) == 24
        assert version.quality(1) is None
        assert version.evaluated_on is None
        assert all(np.isfinite(each.log_scale) for each in made)
    finally:
        global_registry.set_alias(market, global_registry.BASELINE, before.baseline)


def test_dagster_trains_judges_and_forecasts(market, conn, issued):
    """A real run: every gate is a check, and the ids in the database lead to it."""
    import dagster as dg

    from coinsphere.db.pool import Database
    from orchestration.forecasting import assets, verdicts

    before = global_registry.serving(market)
    with Database(market.dsn, size=2) as database, dg.DagsterInstance.ephemeral() as instance:
        run = dg.materialize(
            [
                dg.AssetSpec(assets.FEATURES),
                assets.global_model,
                assets.global_predictions,
            ],
            selection=dg.AssetSelection.assets(assets.GLOBAL_MODEL, assets.GLOBAL_PREDICTIONS),
            instance=instance,
            resources={
                "settings": market,
                "database": database,
                "clock": lambda: NOW + timedelta(hours=3),
            },
        )
        told = instance.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    assert run.success
    checks = {each.check_name: each for each in run.get_asset_check_evaluations()}
    assert tuple(checks) == verdicts.GATES == gates.NAMES
    found = conn.execute(
        "select passed, report, model_version from model.gate_reports where dagster_run_id = %s",
        (run.run_id,),
    ).fetchall()
    ((passed, report, version),) = found
    assert [gate["passed"] for gate in report["gates"]] == [each.passed for each in checks.values()]
    after = global_registry.serving(market)
    assert after.champions == before.champions, "one that passes waits beside the champion"
    challenger = validation.registered(market, version)
    assert after.challenger == version
    assert challenger.horizons == tuple(report["horizons"])
    assert passed == (challenger.horizons == HORIZONS)
    _walk_back(market, conn, (before.champions[7], version), run.run_id, told)
    (materialization,) = run.asset_materializations_for_node("forecasting__global_model")
    assert "walk_forward" in materialization.metadata
    assert conn.execute(
        "select count(*) > 0 from model.predictions where dagster_run_id = %s", (run.run_id,)
    ).fetchone() == (True,)


def _walk_back(market, conn, versions: tuple[int, int], run_id: str, told) -> None:
    """From a number that the version answers to what made it: MLflow, Dagster, the gates, the data, the code."""
    from coinsphere.db.pool import Database
    from ml.registry import code_version
    from ml.serving.global_forecasts import GlobalForecasts

    before, version = versions
    global_registry.let_serve(market, 7, version)
    try:
        with Database(market.dsn, size=1) as database:
            everyone = GlobalForecasts(market, database, lambda: NOW)
            everyone.refresh()
            (token_id,) = conn.execute(
                "select id from market.tokens where symbol = 'ETH'"
            ).fetchone()
            model = everyone.champion(token_id, 7).version
    finally:
        global_registry.let_serve(market, 7, before)
    mlflow_client = client(market)
    registered = mlflow_client.get_model_version(model.name, str(model.number))
    run = mlflow_client.get_run(model.run_id)
    assert registered.run_id == run.info.run_id
    assert registered.tags["data_digest"] == run.data.tags["data_digest"] == model.data_digest
    assert run.data.tags["code_version"] == model.code_version == code_version.current()
    assert run.data.tags["dagster_run_id"] == run_id
    assert run.data.tags["dagster_run"] == f"{market.orchestrator_url}/runs/{run_id}"
    assert {each.run_id for each in told} == {run_id}
    assert [each.dagster_event.asset_check_evaluation_data.check_name for each in told] == list(
        gates.NAMES
    )
    kept = conn.execute(
        "select (select rows > 0 from model.training_sets where digest = %s), dagster_run_id"
        " from model.gate_reports where id = %s",
        [model.data_digest, registered.tags["gate_report_id"]],
    ).fetchone()
    assert kept == (True, run_id)
