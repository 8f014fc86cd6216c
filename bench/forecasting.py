"""What the global model costs: retraining, the gate's walk-forward, a forward pass, an answer; beside the assessment's way.

Made-up candles of 31 tokens over eight years, so that it measures the same everywhere; what the models are worth is
measured by `coinsphere ml backtest` on real ones.
"""

import contextlib
import secrets
import socket
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx2
import numpy as np
import psycopg
import torch
import uvicorn
from pydantic import SecretStr

from bench.measure import Measure
from coinsphere.clock import utc_now
from coinsphere.db import migrate, seeds
from coinsphere.db.pool import Database
from coinsphere.local.postgres import LOGIN_ROLES, SUPERUSER, PostgresServer
from coinsphere.settings import Settings
from ml import backtest, features, gates, lstm_training, panel, probes
from ml.backtest import Figures
from ml.champions import Champions
from ml.conformal import Conformal
from ml.features import NAMES
from ml.horizons import CONTEXT, HORIZONS
from ml.models import scale_catalog
from ml.models.global_lstm import GlobalLstm
from ml.models.scale_catalog import Recipe
from ml.novelty import Novelty
from ml.scale_registry import Loaded
from ml.scale_service import GlobalForecasts
from ml.scale_version import ScaleFacts, ScaleVersion
from ml.server import create_app
from ml.windows import Parts, Series

TOKENS, DAYS, YEAR = 31, 2922, 365
_FIRST = date(2018, 1, 1)
_GATE_DAYS = 1461
_ASSESSMENT_TOKENS = 2
"""Of 31, one horizon each: all of its nets take a quarter of an hour."""
_WARM_UP, _REQUESTS = 50, 1000


def run() -> list[Measure]:
    market = features.build(_market())
    end = market.inputs.shape[1]
    torch.set_num_threads(1)
    # CPU time of one thread, here and below: what else the machine does must not decide the ratio.
    began = time.process_time()
    model = scale_catalog.fit(market, end, [scale_catalog.CHAMPION], Recipe())["combination"]
    retraining = time.process_time() - began
    assessment = _assessment(market)
    return [
        Measure("retraining: 31 tokens, 4 horizons, 5 seeds", retraining, "CPU s", target=15.0),
        Measure("the assessment's way: one LSTM for each token and horizon", assessment, "CPU s"),
        Measure(
            "times faster than the assessment's way",
            assessment / retraining,
            "x",
            target=100.0,
            better="higher",
        ),
        _walk_forward(market),
        _forward(model),
        *_answers(model),
    ]


def _walk_forward(market: features.FeatureSet) -> Measure:
    last = market.panel.last_day
    began = time.perf_counter()
    backtest.run(
        market,
        last - timedelta(days=_GATE_DAYS - 1),
        last + timedelta(days=1),
        names=gates.BASELINES_OF_GATE,
        processes=2,
    )
    return Measure(
        "walk-forward of the gate, four years", time.perf_counter() - began, "s", target=180.0
    )


def _forward(model: scale_catalog.Combination) -> Measure:
    net = next(part for part in model.parts if isinstance(part, GlobalLstm))
    return Measure(
        "forward pass, 31 tokens, 5 seeds", probes.latency_ms(net.network, TOKENS), "ms", target=1.0
    )


def _assessment(market: features.FeatureSet) -> float:
    """Seconds that one LSTM for each token and horizon would take, on a year each; two of them are trained."""
    took = []
    for place in range(_ASSESSMENT_TOKENS):
        parts = Parts(CONTEXT - 1, YEAR, YEAR, YEAR, YEAR)
        closes = market.panel.closes[place, -YEAR:]
        series = Series(np.log(closes), np.ones(YEAR, dtype=bool), parts)
        began = time.process_time()
        # Early stopping is no part of the assessment's way: all of its 50 epochs are run.
        with _patience(1000):
            lstm_training.fit(series, epochs=50, seed=1)
        took.append(time.process_time() - began)
    return TOKENS * len(HORIZONS) * statistics.mean(took)


@contextlib.contextmanager
def _patience(epochs: int) -> Iterator[None]:
    before = lstm_training.PATIENCE
    lstm_training.PATIENCE = epochs
    try:
        yield
    finally:
        lstm_training.PATIENCE = before


def _answers(model: scale_catalog.Combination) -> list[Measure]:
    """Latency of live answers over HTTP: token and newest quote from a real PostgreSQL, outlooks held by the server."""
    with _server(model) as (url, symbols), httpx2.Client(base_url=url) as client:
        times = []
        for number in range(_WARM_UP + _REQUESTS):
            symbol = symbols[number % len(symbols)]
            began = time.perf_counter()
            answer = client.get(f"/predict/{symbol}", params={"days": 7})
            times.append(1000 * (time.perf_counter() - began))
            assert answer.status_code == httpx2.codes.OK, answer.text
    times = times[_WARM_UP:]
    return [
        Measure("live answer of the model server, p50", statistics.median(times), "ms", target=5.0),
        Measure(
            "live answer of the model server, p99",
            float(np.quantile(times, 0.99)),
            "ms",
            target=25.0,
        ),
    ]


@contextlib.contextmanager
def _server(model: scale_catalog.Combination) -> Iterator[tuple[str, list[str]]]:
    """The model server on a database of its own, with a fresh quote of each seeded token."""
    passwords = {role: secrets.token_hex(8) for role in (SUPERUSER, *LOGIN_ROLES)}
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log").open("w") as log:
        postgres = PostgresServer(Path(folder) / "data", _free_port(), passwords, durable=False)
        postgres.initialise()
        with subprocess.Popen(postgres.command(), stdout=log, stderr=log) as process:
            try:
                postgres.wait_until_ready()
                postgres.provision()
                owner = postgres.url("coinsphere_owner")
                migrate.upgrade(owner)
                ids = _quoted(owner)
                dsn = SecretStr(postgres.url("coinsphere_pipeline"))
                with _serving(Settings(database_url=dsn), model, ids) as url:
                    yield url, sorted(ids)
            finally:
                process.terminate()


def _quoted(owner: str) -> dict[str, UUID]:
    with psycopg.connect(owner) as conn:
        seeds.apply(conn)
        conn.execute(
            "insert into market.quotes (token_id, price, source, observed_at) select id, 1.5, 'bench', now() from market.tokens"
        )
        return dict(conn.execute("select symbol, id from market.tokens").fetchall())


@contextlib.contextmanager
def _serving(
    settings: Settings, model: scale_catalog.Combination, ids: dict[str, UUID]
) -> Iterator[str]:
    database = Database(settings.dsn, size=4, statement_timeout_ms=2000)
    everyone = GlobalForecasts(settings, database, utc_now)
    everyone.hold(_loaded(model), _renamed(sorted(ids)), ids)
    app = create_app(settings, database=database, champions=Champions(settings), everyone=everyone)
    port = _free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="error", access_log=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


def _loaded(model: scale_catalog.Combination) -> Loaded:
    row = dict.fromkeys(Figures.__dataclass_fields__, 0.0) | {"pit_histogram": []}
    figures = {"start": "-", "last": "-", "horizons": {str(each): row for each in HORIZONS}}
    facts = ScaleFacts("combination", "bench", NOW, utc_now(), "0" * 64, "bench", "bench", "")
    novelty = Novelty(np.zeros(len(NAMES) - 3), np.eye(len(NAMES) - 3), 1e9)
    return Loaded(1, ScaleVersion(facts, model, Conformal.untouched(), novelty, figures))


def _renamed(symbols: list[str]) -> panel.Panel:
    """The market with the seeded symbols, its last day being yesterday."""
    made = _market(len(symbols))
    shift = np.datetime64(utc_now().date(), "D") - 1 - made.days[-1]
    return replace(made, symbols=tuple(symbols), days=made.days + shift)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _market(tokens: int = TOKENS) -> panel.Panel:
    """Candles whose volatility comes back to its mean."""
    rng = np.random.default_rng(1)
    rows = {}
    for token in range(tokens):
        noise = rng.standard_normal((3, DAYS))
        level = np.zeros(DAYS)
        for day in range(1, DAYS):
            level[day] = 0.95 * level[day - 1] + 0.15 * noise[0, day]
        volatility = 0.03 * np.exp(level)
        closes = 100 * np.exp(np.cumsum(volatility * noise[1]))
        opens = np.concatenate(([100.0], closes[:-1]))
        reach = np.exp(volatility * np.abs(noise[2]))
        highs, lows = np.maximum(opens, closes) * reach, np.minimum(opens, closes) / reach
        candles = np.column_stack((opens, highs, lows, closes, 1000 * reach)).tolist()
        rows[f"T{token:02}"] = {_FIRST + timedelta(days=day): candles[day] for day in range(DAYS)}
    return panel.from_rows(rows, price_source="bench", location="bench")


NOW = datetime.combine(_FIRST, datetime.min.time(), UTC) + timedelta(days=DAYS, hours=1)
