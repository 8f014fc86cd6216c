"""Prices, staleness and JSON of an answer; which imports are cheap; which code made it."""

import json
import math
import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from coinsphere.market import anchoring
from ml.data import datasets
from ml.data.history import History
from ml.data.horizons import HORIZONS
from ml.evaluation.results import Score
from ml.models import residual
from ml.models.artifact import TokenFacts
from ml.models.naive import Naive
from ml.registry import code_version
from ml.registry.token_registry import Champion
from ml.serving import ladder, responses, token_forecasting
from ml.serving.ladder import Rung
from ml.serving.responses import Statement
from ml.serving.token_forecasting import ReturnQuantiles
from tests.unit.ml.conftest import TOKEN

ORIGIN = datetime(2025, 2, 24, tzinfo=UTC)


@pytest.fixture
def champion(series) -> Champion:
    facts = TokenFacts(
        "naive", "r1", ORIGIN, ORIGIN, "0" * 64, "test", "c", TOKEN.id, "ABC", date(2025, 1, 1)
    )
    day = date(2025, 1, 1)
    scores = {
        7: Score("naive", 3, "r1", 7, day, day + timedelta(days=20), 21, 0.1, 0.1, 1e-7, 0.81, 0.9)
    }
    return Champion(facts, residual.calibrate(Naive(), series), "ABC-0", 3, scores)


@pytest.fixture
def forecasts(champion, series):
    day = date(2025, 2, 23)
    closes = datasets.from_closes(TOKEN, [day], [1.0], price_source="test", location="test")
    history = History(
        TOKEN,
        series.windows(series.candidates("test")[-1:]),
        Decimal("0.000000012345678901"),
        ORIGIN,
        "test",
        closes,
    )
    return token_forecasting.forecasts(champion, history, ORIGIN + timedelta(hours=1))


def test_as_today_is_todays_price_to_the_last_digit(forecasts):
    assert {forecast.median for forecast in forecasts} == {Decimal("0.000000012345678901")}


def test_targets_lie_their_days_after_the_origin(forecasts):
    assert [(forecast.target_at - ORIGIN).days for forecast in forecasts] == list(HORIZONS)
    assert not any(forecast.is_backfill for forecast in forecasts)


@pytest.mark.parametrize(
    ("reference", "log_return", "expected"),
    [
        ("100", 0.1, "110.517091808"),
        ("61234.123456789012345678", -0.1, "55406.9261643"),
        ("0.000000000000000003", -3.0, "0.000000000000000001"),
        ("0.000000012345678901", 0.1, "0.000000013644085285"),
    ],
)
def test_a_price_has_12_digits_18_decimals_and_is_never_zero(reference, log_return, expected):
    assert anchoring.price(Decimal(reference), log_return) == Decimal(expected)


def test_a_model_that_gives_no_number_gives_no_price():
    with pytest.raises(ValueError, match="nan"):
        anchoring.price(Decimal(1), float("nan"))


def said(champion, forecast, *, familiar: bool = True) -> Statement:
    """What the champion says of the forecast's horizon, with log returns of -2 to +4 %."""
    returns = np.array([-0.02, -0.01, 0.01, 0.03, 0.04])
    expected = ReturnQuantiles("ABC", forecast.horizon_days, ORIGIN, returns, familiar)
    quality = responses.quality_of_scores(champion, expected)
    return Statement(Rung.TOKEN_CHAMPION, champion.info, expected, "test", "0" * 64, quality)


def answered(statement, *, now=ORIGIN, price=Decimal(100), seen_at=ORIGIN, expiry_days=90):
    anchor = responses.Anchor(price, seen_at)
    return responses.answer(statement, anchor, reason="because", now=now, expiry_days=expiry_days)


@pytest.mark.parametrize(("index", "days"), [(0, 1), (1, 2), (2, 3), (3, 5)])
def test_an_answer_is_stale_a_day_and_a_seventh_of_the_horizon_after_its_origin(
    champion, forecasts, index, days
):
    end = ORIGIN + timedelta(days=days)
    for now, stale in ((end - timedelta(seconds=1), False), (end, True)):
        answer = answered(said(champion, forecasts[index]), now=now)
        assert (answer["stale"], answer["expiresAt"]) == (stale, end)


def test_an_answer_of_an_expired_model_is_stale(champion, forecasts):
    assert answered(said(champion, forecasts[3]), expiry_days=0)["stale"] is True


def test_an_answer_is_exact_json(champion, forecasts):
    reference = Decimal("0.000000012345678901")
    answer = answered(said(champion, forecasts[1], familiar=False), price=reference)
    text = responses.encode(answer).decode()
    assert '"referencePrice":0.000000012345678901,' in text
    assert '"skillVsNaive":0,' in text
    body = json.loads(text, parse_float=Decimal)
    assert body["quantiles"]["0.9"] == anchoring.price(reference, 0.03)
    assert body["originAt"] == "2025-02-24T00:00:00Z"
    assert body["model"]["rung"] == "token_champion"
    assert body["quality"] == {
        "coverage80": Decimal("0.81"),
        "coverage95": Decimal("0.9"),
        "skillVsNaive": 0,
        "evaluatedOn": "2025-01-01/2025-01-21",
        "inDistribution": False,
        "beatsNaive": True,
        "validated": False,
        "reason": "because",
    }


def test_what_was_never_measured_is_null_not_zero(champion, forecasts):
    quality = answered(said(champion, forecasts[0]))["quality"]
    assert quality["coverage80"] is None
    assert quality["beatsNaive"] is None


def test_a_quarter_of_the_horizon_left_is_half_as_wide_and_a_quarter_as_far(champion, forecasts):
    seen_at = ORIGIN + timedelta(hours=18)
    answer = answered(said(champion, forecasts[0]), seen_at=seen_at)
    quantiles = {level: math.log(price / 100) for level, price in answer["quantiles"].items()}
    centre = 0.01 / 4
    assert quantiles["0.5"] == pytest.approx(centre, abs=1e-9)
    assert quantiles["0.9"] == pytest.approx(centre + 0.02 / 2, abs=1e-9)
    assert quantiles["0.025"] == pytest.approx(centre - 0.03 / 2, abs=1e-9)
    assert answer["targetAt"] == ORIGIN + timedelta(days=1)


def test_where_closes_are_missing_the_horizon_counts_from_the_last_midnight(champion, forecasts):
    """A horizon that is over has nothing left to say; the price is new, the closes are not."""
    seen_at = ORIGIN + timedelta(days=9, hours=12)
    answer = answered(said(champion, forecasts[0]), seen_at=seen_at, now=seen_at)
    assert answer["targetAt"] == ORIGIN + timedelta(days=10)
    assert answer["originAt"] == ORIGIN
    assert answer["stale"] is True
    width = math.log(answer["quantiles"]["0.9"] / answer["quantiles"]["0.1"])
    assert width == pytest.approx(0.04 * 0.5**0.5, abs=1e-9)


@pytest.mark.parametrize(
    ("champion_stands", "own", "baseline", "rung"),
    [
        (True, True, True, Rung.GLOBAL_CHAMPION),
        (True, False, False, Rung.GLOBAL_CHAMPION),
        (False, True, True, Rung.TOKEN_CHAMPION),
        (False, False, True, Rung.GLOBAL_BASELINE),
        (False, False, False, None),
    ],
)
def test_the_highest_rung_that_stands_is_taken(champion_stands, own, baseline, rung):
    assert ladder.choose(champion=champion_stands, of_token=own, baseline=baseline) is rung


@pytest.mark.parametrize(
    ("champion_stands", "baseline", "rung"),
    [
        (True, True, Rung.GLOBAL_CHAMPION),
        (False, True, Rung.GLOBAL_BASELINE),
        (False, False, Rung.TOKEN_CHAMPION),
    ],
)
def test_a_tokens_model_that_lost_more_than_the_baseline_speaks_where_that_cannot(
    champion_stands, baseline, rung
):
    taken = ladder.choose(
        champion=champion_stands, of_token=True, baseline=baseline, is_behind=True
    )
    assert taken is rung


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("ml.pipeline", ("torch", "mlflow", "onnxruntime")),
        ("ml.serving.server", ("torch", "sklearn", "matplotlib")),
    ],
)
def test_importing_stays_light(module, absent):
    code = f"import sys, {module}; print([name for name in {absent} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_code_version_is_the_commit_where_there_is_one(tmp_path):
    installed = code_version.of(tmp_path)

    def git(*words: str) -> str:
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        command = ["git", *identity, *words]
        return subprocess.run(
            command, cwd=tmp_path, check=True, capture_output=True, text=True
        ).stdout.strip()

    git("init", "-q")
    (tmp_path / "file").write_text("1")
    git("add", "file")
    git("commit", "-q", "-m", "One")
    commit = git("rev-parse", "HEAD")
    assert code_version.of(tmp_path) == commit
    (tmp_path / "file").write_text("2")
    assert code_version.of(tmp_path) == f"{commit}-dirty"
    assert installed[0].isdigit()


def test_telemetry_is_off_in_every_process_that_uses_the_registry():
    code = """
from coinsphere.settings import Settings
from ml.registry.mlflow_client import client
client(Settings())
from mlflow.telemetry import get_telemetry_client
print(get_telemetry_client())
"""
    kept = {name: value for name, value in os.environ.items() if name not in _TELEMETRY}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=kept
    )
    assert done.stdout.strip() == "None"


_TELEMETRY = ("MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK", "CI", "PYTEST_CURRENT_TEST")
