"""Forecasts: every number is the model server's or follows from it, and without a model there is none."""

import json
import math
from datetime import timedelta
from decimal import Decimal
from statistics import NormalDist
from uuid import uuid4

import psycopg
import pytest

from coinsphere.clock import iso
from coinsphere.market.quality import set_aside
from coinsphere.market.quality.set_aside import Scope, Subject
from tests.integration.webapi.conftest import NOW, assert_problem, exact, quote

DIGEST = "a" * 64


def forecast(symbol: str = "BTC", days: int = 1, **changes) -> dict:
    """An answer of the model server in the agreed shape."""
    return {
        "symbol": symbol,
        "daysAhead": days,
        "algorithm": "lstm",
        "referencePrice": 100.5,
        "originAt": "2026-03-10T00:00:00Z",
        "anchoredAt": "2026-03-10T00:11:30Z",
        "issuedAt": "2026-03-10T00:12:00Z",
        "targetAt": "2026-03-11T00:00:00Z",
        "quantiles": {"0.025": 90, "0.1": 95, "0.5": 101.25, "0.9": 108, "0.975": 112},
        "predictionId": None,
        "model": {
            "rung": "token_champion",
            "name": "price-btc",
            "version": 3,
            "runId": "r1",
            "trainedAt": "2026-03-09T02:00:00Z",
            "dataCutoff": "2026-03-09T00:00:00Z",
            "codeVersion": "abc",
            "dataDigest": DIGEST,
        },
        "quality": {
            "coverage80": 0.79,
            "coverage95": 0.94,
            "skillVsNaive": 0.02,
            "evaluatedOn": "2025-12-01/2026-03-08",
            "inDistribution": True,
            "beatsNaive": True,
            "validated": False,
            "reason": "version 3 (combination) was refused at 1 d: G2_baselines: t of 1.20 against random_walk",
        },
        "expiresAt": "2026-03-11T00:00:00Z",
        "stale": False,
        "priceSource": "binance",
        **changes,
    }


@pytest.fixture(scope="module", autouse=True)
def market(module_database):
    """A price, and marts with indicators and realised closes, of BTC."""
    with psycopg.connect(module_database.owner, autocommit=True) as conn:
        quote(conn, "BTC", "103")
        conn.execute(
            """
            create table marts.ml_features_daily (
                token_id uuid, price_date date, close numeric(38, 18), rsi_14 float8, macd float8, macd_signal float8,
                bollinger_upper float8, bollinger_middle float8, bollinger_lower float8, volume_ratio_30d float8,
                is_final boolean
            );
            insert into marts.ml_features_daily
            select id, date '2026-03-09', 100.5, 55.4987654, 2.0012345, 1, 110.00012345, 100, 90, 1.3, true
            from market.tokens where symbol = 'BTC';
            insert into marts.ml_features_daily
            select id, date '2026-03-10', 1, 1, 1, 1, 1, 1, 1, 1, false from market.tokens where symbol = 'BTC';
            create table marts.fct_prices_daily (
                token_id uuid, price_date date, close numeric(38, 18), is_filled boolean, is_final boolean,
                close_at timestamptz
            );
            grant select on all tables in schema marts to coinsphere_api;
            """
        )
    return module_database


@pytest.fixture(autouse=True)
def answers(model_server):
    """The model server's answers, which a test sets."""
    model_server.answers = {"BTC": (200, forecast())}
    model_server.asked.clear()
    return model_server.answers


def test_a_forecast_is_the_models(person, model_server) -> None:
    answer = person.get("/predictions/btc")
    assert answer.status_code == 200, answer.text
    assert model_server.asked == [("/predict/BTC", {"days": ["1"]})]
    body = json.loads(answer.data)
    prediction = body.pop("prediction")
    assert body == {
        "symbol": "BTC",
        "name": "Bitcoin",
        "currentPrice": 100.5,
        "priceSource": "binance",
        "referencePrice": 100.5,
        "originAt": "2026-03-10T00:00:00Z",
        "anchoredAt": "2026-03-10T00:11:30Z",
        "targetAt": "2026-03-11T00:00:00Z",
        "predictedPrice": 101.25,
        "predictionChange": 0.75,
        "predictionChangePercent": 0.74626866,
        "confidence": body["confidence"],
        "daysAhead": 1,
        "timeframe": "24h",
        "timestamp": "2026-03-10T00:12:00Z",
        "model": {**forecast()["model"], "version": "3", "algorithm": "lstm"},
        "quality": forecast()["quality"],
        "predictionId": None,
        "expiresAt": "2026-03-11T00:00:00Z",
        "stale": False,
        "notKept": [],
    }
    assert 0.5 < body["confidence"] < 0.6
    assert prediction == {
        "predictedPrice": 101.25,
        "change": 0.75,
        "changePercent": 0.74626866,
        "confidence": pytest.approx(body["confidence"] * 100),
        "direction": prediction["direction"],
        "factors": [],
        "note": None,
        "technicalIndicators": {
            "rsi": 55.5,
            "macd": {"value": 2, "signal": 1},
            "trend": "bullish",
            "bollingerBands": {"upper": 110, "middle": 100, "lower": 90},
            "volumeTrend": "increasing",
            "asOf": "2026-03-09",
            "exact": {
                "rsi": 55.4987654,
                "macd": {"value": 2.0012345, "signal": 1},
                "bollingerBands": {"upper": 110.00012345, "middle": 100, "lower": 90},
            },
        },
        "modelVersion": "3",
        "quantiles": forecast()["quantiles"],
        "interval80": [95, 108],
        "interval95": [90, 112],
    }


@pytest.mark.parametrize(
    ("query", "days", "frame"),
    [
        ("timeframe=24h", 1, "24h"),
        ("timeframe=7d", 7, "7d"),
        ("timeframe=14d", 14, "14d"),
        ("daysAhead=30", 30, "30d"),
        ("daysAhead=7&timeframe=7d", 7, "7d"),
    ],
)
def test_horizons_by_either_name(person, answers, query: str, days: int, frame: str) -> None:
    answers["BTC"] = (200, forecast(days=days))
    body = person.get(f"/predictions/BTC?{query}").json
    assert (body["daysAhead"], body["timeframe"]) == (days, frame)


@pytest.mark.parametrize(
    "query", ["timeframe=2d", "daysAhead=2", "daysAhead=x", "timeframe=7d&daysAhead=1"]
)
def test_other_horizons_are_refused(person, query: str, model_server) -> None:
    assert_problem(person.get(f"/predictions/BTC?{query}"), 400)
    assert model_server.asked == []


def test_a_model_without_skill_says_so(person, answers) -> None:
    quality = {**forecast()["quality"], "skillVsNaive": -0.01, "beatsNaive": False}
    answers["BTC"] = (200, forecast(quality=quality))
    body = person.get("/predictions/BTC").json
    assert body["prediction"]["factors"] == []
    assert "does not beat" in body["prediction"]["note"]
    assert body["quality"]["beatsNaive"] is False


def test_an_expired_forecast_is_marked_whoever_notices(person, answers) -> None:
    answers["BTC"] = (200, forecast(expiresAt=iso(NOW - timedelta(seconds=1))))
    body = person.get("/predictions/BTC").json
    assert body["stale"] is True
    assert "expired" in body["prediction"]["note"]


def test_digits_survive_the_way_through(person, answers) -> None:
    text = json.dumps(forecast()).replace("101.25", "101.250000012345678901")
    answers["BTC"] = (200, text.encode())
    body = exact(person.get("/predictions/BTC"))
    assert body["predictedPrice"] == Decimal("101.250000012345678901")
    assert body["predictionChange"] == Decimal("0.750000012345678901")


def test_without_a_champion_there_is_no_number(person, answers) -> None:
    answers["BTC"] = (503, {"error": "no champion for BTC"})
    answer = person.get("/predictions/BTC")
    body = assert_problem(answer, 503, says="no champion for BTC")
    assert "Retry-After" in answer.headers
    assert not {"predictedPrice", "prediction", "confidence"} & set(body)


def test_a_token_that_the_model_server_does_not_know_has_no_prediction(person) -> None:
    assert_problem(person.get("/predictions/DOGE"), 503, says="no prediction")


def test_an_unknown_token_is_not_asked_for(person, model_server) -> None:
    assert_problem(person.get("/predictions/NOPE"), 404, says="not found")
    assert model_server.asked == []


@pytest.mark.parametrize(
    "answer",
    [
        (200, b"<html>"),
        (200, b"[]"),
        (200, {}),
        (200, forecast(symbol="ETH")),
        (200, forecast(days=7)),
        (200, forecast(referencePrice=0)),
        (200, forecast(referencePrice=None)),
        (200, forecast(quantiles={"0.5": 100})),
        (
            200,
            forecast(quantiles={"0.025": 90, "0.1": 95, "0.5": 1, "0.9": 108, "0.975": 112}),
        ),
        (200, forecast(quantiles={"0.025": -1, "0.1": 95, "0.5": 99, "0.9": 108, "0.975": 112})),
        (500, {"error": "Traceback: secret"}),
        (503, b"gateway"),
        (301, {"error": "moved"}),
    ],
)
def test_an_answer_that_makes_no_sense_is_not_passed_on(person, answers, answer) -> None:
    answers["BTC"] = answer
    problem = person.get("/predictions/BTC")
    assert_problem(problem, 503, says="makes no sense")
    assert "secret" not in problem.text


def test_a_model_server_that_is_down_is_named(api_settings, person, clock) -> None:
    from webapi.app import create_app
    from webapi.services import EXTENSION

    settings = api_settings.model_copy(update={"ml_url": "http://127.0.0.1:1"})
    app = create_app(settings, clock=lambda: clock[0])
    answer = app.test_client().get("/api/v1/predictions/BTC", headers=person.headers)
    assert_problem(answer, 503, says="model server does not answer")
    app.extensions[EXTENSION].close()


def test_a_batch_answers_what_can_be_answered(person, answers) -> None:
    answers["ETH"] = (503, {"error": "too little history"})
    body = person.post(
        "/predictions/batch", {"symbols": ["btc", "ETH", "NOPE", "BTC"], "timeframe": "24h"}
    ).json
    assert [each["symbol"] for each in body["predictions"]] == ["BTC"]
    single = person.get("/predictions/BTC").json
    assert body["predictions"] == [single]
    assert body["count"] == 1
    assert body["errors"] == [
        {"symbol": "ETH", "status": 503, "error": "no prediction: too little history"},
        {"symbol": "NOPE", "status": 404, "error": "token NOPE not found"},
    ]


def test_a_batch_names_what_is_set_aside_and_answers_the_rest(person, answers, owner_db) -> None:
    (token_id,) = owner_db.execute("select id from market.tokens where symbol = 'ETH'").fetchone()
    stuck = [Subject(token_id, None, "a_rule", "Its feed is stuck.", {})]
    set_aside.apply(owner_db, Scope.TOKEN, ["a_rule"], stuck, NOW, NOW)
    try:
        body = person.post("/predictions/batch", {"symbols": ["ETH", "BTC"]}).json
    finally:
        set_aside.apply(owner_db, Scope.TOKEN, ["a_rule"], [], NOW, NOW)
    assert [each["symbol"] for each in body["predictions"]] == ["BTC"]
    error = "ETH is set aside: Its feed is stuck."
    assert body["errors"] == [{"symbol": "ETH", "status": 503, "error": error}]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"symbols": []},
        {"symbols": "BTC"},
        {"symbols": ["BTC"] * 21},
        {"symbols": ["BTC"], "timeframe": "2d"},
        {"symbols": ["B C"]},
        [],
    ],
)
def test_a_malformed_batch_is_refused(person, body) -> None:
    assert_problem(person.post("/predictions/batch", body), 400)


@pytest.fixture(scope="module")
def past(market):
    """Five forecasts of the last days; the newest has met no outcome, one was issued with hindsight."""
    with psycopg.connect(market.owner, autocommit=True) as conn:
        token_id = conn.execute("select id from market.tokens where symbol = 'BTC'").fetchone()[0]
        conn.execute(
            """
            insert into model.training_sets (digest, token_id, first_day, last_day, rows, price_source, location)
            values (%s, %s, '2025-01-01', '2026-03-01', 400, 'binance', 'x')
            """,
            [DIGEST, token_id],
        )
        for days_ago, is_backfill in ((0, False), (1, False), (2, False), (3, False), (4, True)):
            origin = NOW.replace(hour=0, minute=0) - timedelta(days=days_ago)
            conn.execute(
                """
                insert into model.predictions
                    (token_id, horizon_days, origin_at, target_at, issued_at, reference_price, quantiles, median,
                     lower80, upper80, lower95, upper95, model_name, model_version, algorithm, run_id, data_digest,
                     code_version, price_source, is_backfill)
                values (%s, 1, %s, %s, %s, 100, '{}', 102, 98, 106, 90, 120, 'm', 1, 'lstm', 'r', %s, 'c', 'binance', %s)
                """,
                [
                    token_id,
                    origin,
                    origin + timedelta(days=1),
                    origin + timedelta(minutes=5),
                    DIGEST,
                    is_backfill,
                ],
            )
            if days_ago:
                conn.execute(
                    "insert into marts.fct_prices_daily values (%s, %s, %s, false, true, %s)",
                    [token_id, origin.date(), 100 + 10 * days_ago, origin + timedelta(days=1)],
                )
    return market


def test_where_the_centre_is_todays_price_the_range_is_said(person, answers) -> None:
    levels = {"0.025": 90, "0.1": 95.1234567, "0.5": 100.5, "0.9": 10812.34567, "0.975": 11200}
    answers["BTC"] = (200, forecast(days=7, quantiles=levels))
    note = person.get("/predictions/BTC?timeframe=7d").json["prediction"]["note"]
    assert "about the range" in note
    assert "in 7 days lies between 95.123 and 10,812 US dollars" in note


def test_a_forecast_is_found_by_its_id(past, person) -> None:
    row = person.get("/predictions/BTC/history?limit=2").json["predictions"][1]
    found = person.get(f"/predictions/by-id/{row['id']}").json
    assert found == {**row, "symbol": "BTC", "timeframe": "24h"}
    assert_problem(person.get("/predictions/by-id/nothing"), 404, says="not found")
    assert_problem(person.get(f"/predictions/by-id/{uuid4()}"), 404, says="not found")


def test_the_past_is_shown_with_what_came(past, person) -> None:
    body = person.get("/predictions/BTC/history?limit=2").json
    newest, before = body["predictions"]
    assert (newest["realisedPrice"], newest["error"]) == (None, None)
    assert (before["realisedPrice"], before["error"], before["predictedPrice"]) == (110, -8, 102)
    assert before["interval80"] == [98, 106]
    assert (before["within80"], before["within95"]) == (False, True)
    levels = {0.025: 90, 0.1: 98, 0.5: 102, 0.9: 106, 0.975: 120}
    above = {level: math.log(110 / price) for level, price in levels.items()}
    losses = [max(level * each, (level - 1) * each) for level, each in above.items()]
    assert float(before["pinballLoss"]) == pytest.approx(sum(losses) / 5, abs=1e-8)
    share = math.log(110 / 106) / math.log(120 / 106)
    assert float(before["probabilityBelow"]) == pytest.approx(0.9 + 0.075 * share, abs=1e-8)
    unknown = ("within80", "within95", "pinballLoss", "probabilityBelow")
    assert {newest[name] for name in unknown} == {None}
    rest = person.get(f"/predictions/BTC/history?limit=200&cursor={body['nextCursor']}").json
    assert [each["realisedPrice"] for each in rest["predictions"]] == [120, 130, 140]
    assert rest["predictions"][-1]["isBackfill"] is True
    assert rest["nextCursor"] is None
    assert {each["heldOut"] for each in (*body["predictions"], *rest["predictions"])} == {False}


def test_accuracy_counts_what_was_said_before_the_fact(past, person) -> None:
    body = json.loads(person.get("/predictions/BTC/accuracy?days=30").data)
    assert body["forecasts"] == 3
    assert body["meanAbsoluteError"] == pytest.approx((8 + 18 + 28) / 3)
    assert body["naiveMeanAbsoluteError"] == pytest.approx(20)
    assert body["skillVsNaive"] == pytest.approx(1 - 18 / 20)
    assert (body["coverage80"], body["coverage95"]) == (0, pytest.approx(2 / 3))
    assert person.get("/predictions/BTC/accuracy?days=1").json["forecasts"] == 1
    rows = person.get("/predictions/BTC/history").json["predictions"]
    known = [each for each in rows if each["realisedPrice"] and not each["isBackfill"]]
    told = [float(each["pinballLoss"]) for each in known]
    assert body["pinballLoss"] == pytest.approx(sum(told) / 3, abs=1e-8)
    assert (body["randomWalkPinballLoss"], body["skillVsRandomWalk"]) == (None, None)


def test_the_whole_distribution_is_compared_with_a_random_walk(past, person) -> None:
    with psycopg.connect(past.owner) as conn:
        conn.execute("update model.predictions set reference_log_scale = ln(0.1)")
        conn.commit()
        body = json.loads(person.get("/predictions/BTC/accuracy?days=30").data)
        conn.execute("update model.predictions set reference_log_scale = null")
    normal = NormalDist(0, 0.1)
    losses = []
    for came in (110, 120, 130):
        for level in (0.025, 0.1, 0.5, 0.9, 0.975):
            above = math.log(came / 100) - normal.inv_cdf(level)
            losses.append(max(level * above, (level - 1) * above))
    assert body["randomWalkPinballLoss"] == pytest.approx(sum(losses) / 15, rel=1e-6)
    expected = 1 - body["pinballLoss"] / body["randomWalkPinballLoss"]
    assert body["skillVsRandomWalk"] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize(
    ("change", "price"),
    [
        ("delete from marts.fct_prices_daily where close = 110", None),
        ("update marts.fct_prices_daily set is_final = false where close = 110", None),
        ("update marts.fct_prices_daily set is_filled = true where close = 110", None),
        ("update marts.fct_prices_daily set close = 104 where close = 110", 104),
    ],
    ids=["late", "not final", "not traded", "corrected"],
)
def test_an_outcome_is_the_final_close_of_a_traded_day_as_it_stands(
    past, person, change: str, price: int | None
) -> None:
    with psycopg.connect(past.owner) as conn:
        conn.execute("create table kept as table marts.fct_prices_daily")
        conn.execute(change)
    try:
        newest = person.get("/predictions/BTC/history").json["predictions"][1]
        assert newest["realisedPrice"] == price
        assert newest["within80"] == (None if price is None else True)
        count = person.get("/predictions/BTC/accuracy?days=30").json["forecasts"]
        assert count == (2 if price is None else 3)
    finally:
        with psycopg.connect(past.owner) as conn:
            conn.execute(
                "truncate marts.fct_prices_daily; insert into marts.fct_prices_daily select * from kept; drop table kept"
            )


def test_no_outcome_is_no_accuracy(past, person) -> None:
    body = person.get("/predictions/ETH/accuracy?daysAhead=7").json
    assert (body["forecasts"], body["meanAbsoluteError"], body["skillVsNaive"]) == (0, None, None)
    assert body["timeframe"] == "7d"


@pytest.mark.parametrize("query", ["days=0", "days=x", "timeframe=1y"])
def test_nonsense_in_the_question_of_accuracy(person, query: str) -> None:
    assert_problem(person.get(f"/predictions/BTC/accuracy?{query}"), 400)


@pytest.fixture
def judged(past):
    """Held-out forecasts of a week: three of BTC by the version that speaks and one by a newer one, and two of ETH."""
    origin = NOW.replace(hour=0, minute=0) - timedelta(days=40)
    with psycopg.connect(past.owner) as conn:
        ids = dict(
            conn.execute("select symbol, id from market.tokens where symbol in ('BTC', 'ETH')")
        )
        conn.execute(
            """
            insert into marts.fct_prices_daily
            select t, (o - interval '1 day')::date, 100 + 10 * ordinality, false, true, o
            from unnest(%s::uuid[]) t,
                unnest(array[%s, %s, %s, %s, %s, %s]::timestamptz[]) with ordinality as days (o, ordinality)
            """,
            [
                list(ids.values()),
                *(origin + timedelta(days=day) for day in (0, 1, 2, 7, 8, 9)),
            ],
        )
        insert = """
            with made as (
                insert into model.held_out_sets (model_name, model_version, algorithm, run_id, data_digest, code_version,
                    price_source, recorded_at)
                values ('m', %(version)s, 'lstm', 'r', %(digest)s, 'c', 'binance', now()) returning id
            )
            insert into model.held_out_forecasts
            select made.id, %(token)s, 7, %(origin)s + make_interval(days => day), -0.2, -0.1, 0, 0.1, 0.21, ln(0.1)
            from made, unnest(%(days)s::int[]) day
        """
        for version, token, days in ((1, "BTC", [0, 1, 2]), (2, "BTC", [0]), (3, "ETH", [0, 1])):
            conn.execute(
                insert,
                {
                    "version": version,
                    "token": ids[token],
                    "origin": origin,
                    "days": days,
                    "digest": DIGEST,
                },
            )
        conn.execute(
            """
            insert into model.predictions
                (token_id, horizon_days, origin_at, target_at, issued_at, reference_price, quantiles, median, lower80,
                 upper80, lower95, upper95, model_name, model_version, algorithm, run_id, data_digest, code_version,
                 price_source)
            values (%s, 7, %s, %s, %s, 100, '{}', 102, 98, 106, 90, 120, 'm', 1, 'lstm', 'r', %s, 'c', 'binance')
            """,
            [ids["BTC"], NOW, NOW + timedelta(days=7), NOW, DIGEST],
        )
    yield origin
    with psycopg.connect(past.owner) as conn:
        conn.execute("delete from model.held_out_sets")
        conn.execute("delete from model.predictions where horizon_days = 7")
        conn.execute(
            "delete from marts.fct_prices_daily where price_date < %s", [NOW - timedelta(days=20)]
        )


def test_on_the_first_day_the_held_out_origins_are_shown_apart(judged, person) -> None:
    """The version that speaks is judged by its own, and what it will say is no part of them."""
    body = json.loads(person.get("/predictions/BTC/accuracy?timeframe=7d").data)
    apart = body.pop("heldOutOrigins")
    assert (body["heldOut"], apart["heldOut"]) == (True, True)
    assert body["forecasts"] == apart["forecasts"] == 3
    assert body["meanAbsoluteError"] == pytest.approx(30)
    # From 110 to 140, 120 to 150 and 130 to 160 are 0.24, 0.22 and 0.208: the last lies within 0.21.
    assert (body["coverage80"], body["coverage95"]) == (0, pytest.approx(1 / 3))
    assert body["randomWalkPinballLoss"] is not None

    rows = person.get("/predictions/BTC/history?timeframe=7d&limit=2").json
    rest = person.get(f"/predictions/BTC/history?timeframe=7d&cursor={rows['nextCursor']}").json
    shown = [*rows["predictions"], *rest["predictions"]]
    assert [each["heldOut"] for each in shown] == [False, True, True, True]
    assert [each["id"] is None for each in shown] == [False, True, True, True]
    assert [each["referencePrice"] for each in shown[1:]] == [130, 120, 110]
    assert [each["predictedPrice"] for each in shown[1:]] == [130, 120, 110]
    assert [each["realisedPrice"] for each in shown[1:]] == [160, 150, 140]
    assert float(shown[1]["interval80"][1]) == pytest.approx(130 * math.exp(0.1))
    assert {each["modelVersion"] for each in shown} == {1}
    assert rest["nextCursor"] is None


def test_a_token_without_a_stored_forecast_has_its_newest_held_out_ones(judged, person) -> None:
    assert person.get("/predictions/ETH/accuracy?timeframe=7d").json["forecasts"] == 2
    shown = person.get("/predictions/ETH/history?timeframe=7d").json["predictions"]
    assert [(each["heldOut"], each["modelVersion"]) for each in shown] == [(True, 3), (True, 3)]


def test_live_forecasts_come_first_and_are_counted_alone(judged, person) -> None:
    body = person.get("/predictions/BTC/accuracy").json
    assert (body["forecasts"], body["heldOut"], body["heldOutOrigins"]) == (3, False, None)
