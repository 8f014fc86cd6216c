"""Alerts on forecasts compare what the API answers at the same instant, and not what was stored at midnight."""

from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace

import numpy as np
import pytest

from coinsphere.clock import start_of_day
from ml.registry.versions import VersionInfo
from ml.serving import responses
from ml.serving.forecasting import Distribution
from ml.serving.global_forecasting import StudentReturns
from ml.serving.ladder import Rung
from ml.serving.responses import Anchor, Statement
from ml.serving.token_forecasting import ReturnQuantiles
from webapi.predictions import answers, model_server

from .conftest import NOW

ORIGIN = start_of_day(NOW.date())
DIGEST = "d" * 64
_SETS = """
    insert into model.training_sets (digest, first_day, last_day, rows, price_source, location)
    values (%s, '2025-01-01', '2026-03-09', 400, 'kraken', 'x')
"""
_FORECAST = """
    insert into model.predictions (
        token_id, horizon_days, origin_at, target_at, issued_at, reference_price, quantiles, median, lower80, upper80,
        lower95, upper95, model_name, model_version, algorithm, run_id, data_digest, code_version, price_source, location
    ) values (%s, 1, %s, %s, %s, 100, '{}', %s, 1, 200, 1, 200, 'm', 3, 'lstm', 'r', %s, 'c', 'kraken', %s)
"""
LOCATION = 0.04879016416943205
MEDIAN = Decimal("104.999999999990000000")


@pytest.fixture
def stored(world):
    """A forecast from midnight on, twelve hours ago, of a median 5 % above the close of 100."""

    def store(
        location: float | None = LOCATION, median: Decimal = Decimal("104.999999999")
    ) -> None:
        world.conn.execute(
            _FORECAST,
            [
                world.token(), ORIGIN, ORIGIN + timedelta(days=1), ORIGIN + timedelta(minutes=5), median, DIGEST,
                location,
            ],
        )  # fmt: skip

    world.conn.execute(_SETS, [DIGEST])
    return store


def answered(world, price: Decimal | None, expected: Distribution) -> Decimal:
    """`changePercent` of the API's answer at this instant, by the code that makes it."""
    version = VersionInfo("m", 3, "lstm", "r", ORIGIN, ORIGIN, "c", DIGEST)
    quality = dict.fromkeys(
        ("coverage80", "coverage95", "skillVsNaive", "evaluatedOn", "inDistribution", "beatsNaive")
    )
    said = Statement(Rung.GLOBAL_CHAMPION, version, expected, "kraken", DIGEST, quality)
    anchor = Anchor(Decimal(100), ORIGIN) if price is None else Anchor(price, world.now)
    body = responses.encode(
        responses.answer(said, anchor, reason=None, now=world.now, expiry_days=90)
    )
    found = model_server._checked(body, "BTC", 1, world.now)
    token = SimpleNamespace(symbol="BTC", name="Bitcoin", price_source="kraken")
    return answers.prediction(token, found, None)["prediction_change_percent"]


@pytest.mark.parametrize(
    "price", [Decimal("87.123456789012345678"), Decimal("0.000000123456"), None]
)
@pytest.mark.parametrize("kind", ["global", "token"])
def test_an_alert_sees_what_the_api_answers(world, stored, price, kind):
    if kind == "global":
        stored()
        expected = StudentReturns(
            "BTC", 1, ORIGIN, LOCATION, -3.0, -3.0, 5.0, 0.8, 0.95, in_distribution=True, factors=()
        )
    else:
        stored(location=None, median=MEDIAN)
        levels = [LOCATION - 0.2, LOCATION - 0.1, LOCATION, LOCATION + 0.1, LOCATION + 0.2]
        expected = ReturnQuantiles("BTC", 1, ORIGIN, np.array(levels), in_distribution=True)
    alert = world.alert("above", 1, "prediction")
    if price is not None:
        world.quote(price)
    assert world.evaluate().fired == 1
    seen = world.conn.execute(
        "select last_value from app.alerts where id = %s", [alert]
    ).fetchone()[0]
    assert seen == pytest.approx(answered(world, price, expected), abs=Decimal("2e-8"))
    if price is not None:
        assert seen == pytest.approx(Decimal("2.468"), abs=Decimal("0.01")), (
            "half of the day is left"
        )
    event = world.conn.execute("select source, observed_at from app.alert_events").fetchone()
    assert event == ("m 3", ORIGIN if price is None else world.now)


@pytest.mark.parametrize(("scope", "about"), [("token", None), ("forecast", ORIGIN)])
def test_what_a_check_set_aside_is_compared_with_nothing(world, stored, scope, about):
    stored()
    world.alert("above", 1, "prediction")
    world.quote(100)
    world.conn.execute(
        """
        insert into market.set_aside (token_id, scope, about, rule, reason, since, changed_at, changed_by)
        values (%s, %s, %s, 'r', 'because', now(), now(), 'check')
        """,
        [world.token(), scope, about],
    )
    report = world.evaluate()
    assert (report.fired, report.skipped) == (0, 1)
    world.conn.execute("update market.set_aside set state = 'released'")
    assert world.evaluate().fired == 1
