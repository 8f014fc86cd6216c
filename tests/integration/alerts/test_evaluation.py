"""Alerts against a real database: what fires, what does not, and what a firing leaves behind."""

import threading
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import psycopg
import pytest

from coinsphere.alerts import evaluation, portfolio_bounds, repository
from coinsphere.db.owner import act_for
from coinsphere.db.pool import Database
from tests.integration.alerts.conftest import MAILS, add_user


def test_an_alert_fires_once_for_each_crossing(world):
    world.alert("above", cooldown_seconds=0)
    assert world.fired(99, 101, 102, 100, 99, 101) == [0, 1, 0, 0, 0, 1]


def test_a_crossing_within_the_cooldown_fires_neither_then_nor_later(world):
    world.alert("crosses_above", cooldown_seconds=180)
    assert world.fired(99, 101, 99, 101, 101, 101, 99, 101) == [0, 1, 0, 0, 0, 0, 0, 1]


def test_what_holds_already_fires_above_at_once_and_waits_for_a_crossing(world):
    above, crosses = world.alert("above"), world.alert("crosses_above")
    world.fired(150)
    assert len(repository.events(world.conn, world.user, above)) == 1
    assert repository.events(world.conn, world.user, crosses) == []


@pytest.mark.parametrize("fault", [{"quality": "suspect"}, {"age": 300}, {"age": -3600}])
def test_nothing_fires_on_a_doubted_stale_or_future_price(world, fault):
    world.alert("above", cooldown_seconds=0)
    world.fired(99)
    world.quote(101, **fault)
    report = world.evaluate()
    assert (report.judged, report.fired, report.skipped) == (0, 0, 1)
    # The crossing is still seen once the price can be trusted.
    assert world.fired(101) == [1]


def test_a_firing_says_which_value_of_which_source_fired_it(world):
    alert = world.alert("crosses_above")
    world.fired("99.5", "100.000000000000000001")
    (event,) = repository.events(world.conn, world.user, alert)
    assert (event.source, event.previous_value) == ("kraken", Decimal("99.5"))
    assert event.observed_value == Decimal("100.000000000000000001")
    assert event.fired_at == event.observed_at == world.now
    stored = repository.get(world.conn, world.user, alert)
    assert (stored.trigger_count, stored.last_triggered_at) == (1, world.now)


def test_a_firing_and_its_mail_are_one_transaction(world):
    world.alert("above")
    with world.conn.transaction(force_rollback=True):
        assert world.fired(101) == [1]
    assert world.scalar("select count(*) from app.alert_events") == 0
    assert world.scalar("select count(*) from app.mails") == 0
    assert world.scalar("select count(*) from jobs.procrastinate_jobs") == 0
    assert world.fired(101) == [1]
    assert world.scalar("select recipient from app.mails") == "ada@example.org"
    assert world.scalar("select subject from app.mails") == "BTC: price is 101 USD"
    assert "kraken" in world.scalar("select body_text from app.mails")
    assert world.scalar("select count(*) from jobs.procrastinate_jobs") == 1


def test_a_channel_that_is_not_chosen_gets_nothing(world):
    world.alert("above", channels=("stream",))
    assert world.fired(101) == [1]
    assert world.scalar("select count(*) from app.mails") == 0


def test_an_expired_or_switched_off_alert_is_not_looked_at(world):
    world.alert("above", expires_at=world.now)
    world.alert("above", is_active=False)
    world.quote(101)
    report = world.evaluate()
    assert (report.judged, report.fired, report.skipped) == (0, 0, 0)


def test_an_alert_switched_off_and_on_starts_anew(world):
    alert = world.alert("above", cooldown_seconds=0)
    world.fired(101)
    repository.toggle(world.conn, world.user, alert)
    assert world.fired(102) == [0]
    assert repository.toggle(world.conn, world.user, alert).is_active
    assert world.fired(103, 104) == [1, 0]


def test_switching_on_does_not_end_a_cooldown(world):
    alert = world.alert("above", cooldown_seconds=3600)
    world.fired(101)
    repository.toggle(world.conn, world.user, alert)
    repository.toggle(world.conn, world.user, alert)
    assert world.fired(102) == [0]


def test_alerts_of_a_disabled_user_rest_until_the_user_is_back(world):
    world.alert("above")
    world.conn.execute("update app.users set is_active = false")
    assert world.fired(101) == [0]
    assert world.evaluate().skipped == 0
    world.conn.execute("update app.users set is_active = true")
    assert world.fired(101) == [1]


def test_change_volume_and_risk_are_watched_too(world):
    world.alert("below", -5, "percent_change")
    world.alert("above", 1000, "volume")
    world.alert("above", 60, "risk")
    world.quote(100, volume=2000, change="-5.5")
    world.conn.execute(
        "insert into market.risk_scores (token_id, day, overall_score, risk_level, price_source, computed_at) "
        "values (%s, %s, 61, 'high', 'kraken', %s)",
        [world.token(), world.now.date(), world.now],
    )
    assert world.evaluate().fired == 3


def _portfolio(world, holdings):
    portfolio = world.scalar(
        f"insert into app.portfolios (user_id, name) values ('{world.user}', 'A\nB') returning id"
    )
    for symbol, amount in holdings.items():
        world.conn.execute(
            "insert into app.holdings (portfolio_id, token_id, amount) values (%s, %s, %s)",
            [portfolio, world.token(symbol), amount],
        )
    return portfolio


def test_a_portfolio_fires_on_what_is_traded_of_it_whatever_is_delisted(world):
    world.alert("above", 100, "portfolio", portfolio_id=_portfolio(world, {"BTC": 2, "ETH": 1}))
    world.conn.execute("update market.tokens set is_active = false where symbol = 'ETH'")
    world.quote(40)
    assert world.evaluate().fired == 0
    world.quote(60)
    assert world.evaluate().fired == 1


def test_a_portfolio_with_one_unknown_price_has_no_value_to_fire_on(world):
    world.alert("above", 100, "portfolio", portfolio_id=_portfolio(world, {"BTC": 2, "ETH": 1}))
    world.quote(100)
    assert world.evaluate().skipped == 1
    world.quote(10, "ETH")
    assert world.evaluate().fired == 1
    # The name's line break reaches no header.
    assert world.scalar("select subject from app.mails") == "AB: value is 210 USD"


def test_a_value_is_compared_as_it_is_stored(world):
    """Its 36 digits exceed the threshold, the 18 that are stored equal it: it would fire every minute."""
    portfolio = _portfolio(world, {"BTC": "1.000000000000000001"})
    threshold = "1.000000000000000002"
    world.alert("above", threshold, "portfolio", portfolio_id=portfolio, cooldown_seconds=0)
    assert world.fired("1.000000000000000001", "1.000000000000000001") == [0, 0]


@pytest.mark.parametrize("condition", ["above", "crosses_above"])
def test_no_crossing_is_lost_where_a_portfolio_moves_by_less_than_is_noted(world, condition):
    portfolio = _portfolio(world, {"BTC": 1})
    world.alert(condition, 1000, "portfolio", portfolio_id=portfolio, cooldown_seconds=0)
    assert world.fired(999, 1001, 1002, 999, 1001, 998, 1000) == [0, 1, 0, 0, 1, 0, 0]


def test_what_a_portfolio_is_compared_with_is_told_of_each_minute(world):
    alert = world.alert("above", 9000, "portfolio", portfolio_id=_portfolio(world, {"BTC": 1}))
    for price in (1000, 1009, 1011):
        world.fired(price)
        stored = repository.get(world.conn, world.user, alert)
        assert (stored.last_value, stored.last_evaluated_at) == (price, world.now)
    world.quote(1012, quality="suspect")
    world.evaluate()
    assert repository.get(world.conn, world.user, alert) == stored


def _valued(world) -> int:
    """How many portfolios are due at the prices of the moment; nothing is changed by the question."""
    with world.conn.transaction(force_rollback=True):
        return len(portfolio_bounds.due(world.conn, world.now))


def test_only_what_a_move_may_bring_to_a_threshold_is_valued(world):
    world.quote(1, "ETH")
    world.alert("above", 1100, "portfolio", portfolio_id=_portfolio(world, {"BTC": 1}))
    world.fired(1000, 1000)
    assert [_valued(world), world.fired(1099), _valued(world)] == [0, [0], 0]
    world.quote(1, "ETH", quality="suspect")
    assert _valued(world) == 0
    world.quote("1.1", "ETH")
    assert _valued(world) == 1
    # What comes to within reach by another token's move has not fired for that.
    assert world.fired(1099, 1101) == [0, 1]


def test_what_fired_is_valued_again_where_it_may_be_armed_or_pass_back(world):
    portfolio = _portfolio(world, {"BTC": 1})
    world.alert("above", 1000, "portfolio", portfolio_id=portfolio, hysteresis=Decimal(100))
    world.fired(990, 1200, 1200, 1200)
    dues = []
    for price in (1300, 1001, 1000, 999, 901, 900):
        world.quote(price)
        dues.append(_valued(world))
    assert dues == [0, 0, 1, 1, 1, 1]


@pytest.mark.parametrize(
    ("condition", "prices"),
    [
        ("above", (990, 1200, 990, 990, 890, 890, 1200)),
        ("below", (1010, 800, 1010, 1010, 1110, 1110, 800)),
    ],
)
def test_what_passed_back_is_armed_where_it_is_far_enough(world, condition, prices):
    portfolio = _portfolio(world, {"BTC": 1})
    world.alert(
        condition,
        1000,
        "portfolio",
        portfolio_id=portfolio,
        cooldown_seconds=0,
        hysteresis=Decimal(100),
    )
    assert world.fired(*prices) == [0, 1, 0, 0, 0, 0, 1]


_ALSO_ETH = """
    insert into app.holdings (portfolio_id, token_id, amount)
    select portfolio_id, tokens.id, 1 from app.holdings, market.tokens where symbol = 'ETH'
"""


@pytest.mark.parametrize(
    "change",
    [
        "update app.holdings set amount = 2",
        _ALSO_ETH,
        "delete from app.holdings",
        "update app.alerts set threshold = 1200",
        "update market.tokens set is_active = false where symbol = 'BTC'",
    ],
)
def test_what_changed_is_valued(world, change):
    world.alert("above", 9000, "portfolio", portfolio_id=_portfolio(world, {"BTC": 1}))
    world.fired(1000, 1000)
    assert _valued(world) == 0
    world.conn.execute(change)
    assert _valued(world) == 1


def test_a_portfolio_that_nobody_watches_any_more_is_forgotten(world):
    alert = world.alert("above", 9000, "portfolio", portfolio_id=_portfolio(world, {"BTC": 1}))
    world.fired(1000)
    repository.delete(world.conn, world.user, alert)
    world.fired(10_000)
    assert world.scalar("select count(*) from app.alert_bounds") == 0


def test_where_too_many_are_near_all_are_measured_anew(world):
    world.alert("above", 9000, "portfolio", portfolio_id=_portfolio(world, {"BTC": 1}))
    world.fired(1000, 1000)
    world.conn.execute(
        "insert into app.alert_bounds select gen_random_uuid(), 0, 1.01 from generate_series(1, 1001)"
    )
    world.quote(1020)
    assert _valued(world) == 1001
    assert world.evaluate(minutes=11).fired == 0
    # Those that nobody watches were among all.
    assert world.scalar("select count(*) from app.alert_bounds") == 1
    assert world.scalar("select price from app.alert_reference_prices") == 1020


def test_a_holding_too_large_to_value_stops_nobody_elses_alerts(world):
    portfolio = _portfolio(world, {"BTC": "99999999999999999999"})
    world.alert("above", 100, "portfolio", portfolio_id=portfolio)
    world.alert("above", 100)
    world.quote(60_000)
    report = world.evaluate()
    assert (report.fired, report.skipped) == (1, 1)


def test_an_address_that_nobody_confirmed_gets_no_mail(world):
    world.conn.execute("update app.users set email_verified = false")
    world.alert()
    world.quote(101)
    assert world.evaluate().fired == 1
    assert world.scalar("select count(*) from app.alert_events") == 1
    assert world.scalar("select count(*) from app.mails") == 0


def test_an_alert_of_another_user_does_not_exist(world):
    alert = world.alert()
    stranger = world.scalar(
        "insert into app.users (email, password_hash) values ('eve@example.org', 'x') returning id"
    )
    assert repository.get(world.conn, stranger, alert) is None
    assert repository.toggle(world.conn, stranger, alert) is None
    assert not repository.delete(world.conn, stranger, alert)
    assert repository.events(world.conn, stranger, alert) == []


def test_evaluations_at_once_fire_once_and_never_compare_with_an_older_price(world, database):
    for _ in range(20):
        world.alert("above", cooldown_seconds=0)
    world.quote(101)
    start = threading.Barrier(4)
    reports = []

    def evaluate() -> None:
        with Database(database.pipeline, size=1) as pool, pool.connection() as conn:
            start.wait()
            reports.append(evaluation.evaluate(conn, world.now, timedelta(minutes=5), MAILS))

    threads = [threading.Thread(target=evaluate) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(report.fired for report in reports) == [0, 0, 0, 20]
    assert world.scalar("select count(*) from app.alert_events") == 20


def test_the_second_of_two_evaluations_sees_what_was_quoted_while_it_waited(world, database):
    world.alert("above", cooldown_seconds=0)
    world.quote(99)
    done = []

    def evaluate() -> None:
        with Database(database.pipeline, size=1) as pool, pool.connection() as conn:
            done.append(evaluation.evaluate(conn, world.now, timedelta(minutes=5), MAILS).fired)

    with psycopg.connect(database.pipeline) as first:
        first.execute("set search_path = app, market, model, jobs, public")
        evaluation.evaluate(first, world.now, timedelta(minutes=5), MAILS)
        waiting = threading.Thread(target=evaluate)
        waiting.start()
        _wait_for_a_lock(world)
        world.quote(101)
        first.commit()
        waiting.join()
    assert done == [1]


def _wait_for_a_lock(world) -> None:
    for _ in range(1000):
        if world.scalar(
            "select count(*) from pg_locks where locktype = 'advisory' and not granted"
        ):
            return
        threading.Event().wait(0.01)
    raise AssertionError("nobody waits")


def test_an_alert_that_its_owner_is_changing_waits_a_minute(world, database):
    alert = world.alert("above")
    world.quote(101)
    with psycopg.connect(database.api) as other:
        act_for(other, world.user)
        other.execute("update app.alerts set threshold = 200 where id = %s", [alert])
        assert world.evaluate().skipped == 1
        other.commit()
    assert world.fired(101, 201) == [0, 1]


def test_an_alert_whose_value_stands_still_is_neither_locked_nor_written(world, database):
    for threshold in (90, 100, 110):
        world.alert("above", threshold, cooldown_seconds=0)
        world.alert("below", threshold, cooldown_seconds=0, hysteresis=Decimal(5))
    world.fired(105)
    # A lock of a row is written into it, as its xmax.
    marks = """
        select array_agg(concat_ws(' ', ctid, xmin, xmax) order by id) from app.alerts where is_armed
    """
    assert world.scalar("select count(*) from app.alerts where not is_armed") == 1
    before = world.scalar(marks)
    still = world.evaluate()
    assert (still.judged, still.fired, still.skipped) == (1, 0, 0)
    assert world.scalar(marks) == before
    with psycopg.connect(database.owner) as other:
        other.execute("select from app.alerts for update")
        assert world.evaluate().skipped == 1, "the one that waits to be armed again"
        world.quote(95)
        assert world.evaluate().skipped == 3, "that one, and the two whose threshold was passed"
    assert world.fired(95) == [1]


def test_a_price_that_trembles_around_its_threshold_fires_once_until_it_goes_back(world):
    world.alert("above", cooldown_seconds=0, hysteresis=Decimal(2))
    world.alert("crosses_below", cooldown_seconds=0, hysteresis=Decimal(2))
    prices = (101, "99.9", "100.1", "99.9", 101, 98, 101, 102, "99.9")
    # Both start at 101; above fires at once, below with the first 99.9; then each waits for 98 and 102.
    assert world.fired(*prices) == [1, 1, 0, 0, 0, 0, 1, 0, 1]


def test_the_last_evaluation_is_told_although_an_unchanged_minute_writes_no_alert(world):
    alert = world.alert("above")
    world.fired(99)
    written = world.scalar("select xmin::text || ctid::text from app.alerts")
    world.fired(99, 99)
    assert world.scalar("select xmin::text || ctid::text from app.alerts") == written
    stored = repository.get(world.conn, world.user, alert)
    assert stored.last_evaluated_at == world.now
    seen = world.now
    world.quote(99, quality="suspect")
    world.evaluate()
    assert repository.get(world.conn, world.user, alert).last_evaluated_at == seen
    assert repository.toggle(world.conn, world.user, alert).last_evaluated_at == seen
    world.fired(99, 99)
    assert repository.get(world.conn, world.user, alert).last_evaluated_at == seen


def test_a_mail_tells_figures_as_people_read_them(world):
    world.alert("above", 60000)
    world.fired("64123.456789012345678901")
    assert world.scalar("select subject from app.mails") == "BTC: price is 64,123.46 USD"
    text = world.scalar("select body_text from app.mails")
    assert "above 60,000 USD" in text
    assert "10 March 2026, 12:01 UTC" in text


def test_a_firing_is_a_product_event_of_who_allows_it(world) -> None:
    stranger = add_user(world.conn, "bob@example.org")
    world.conn.execute(
        "update app.users set usage_shared_since = %s where id = %s", [world.now, world.user]
    )
    for owner in (world.user, stranger):
        replace(world, user=owner).alert("above", 100)
    assert world.fired(99, 101) == [0, 2]
    kept = world.conn.execute("select user_id, name, properties from app.product_events").fetchall()
    assert kept == [(world.user, "alert_fired", {"kind": "price"})]


def test_alerts_whose_value_moves_on_its_own_side_are_not_written(world):
    for threshold in (90, 100, 110):
        world.alert("above", threshold, cooldown_seconds=0)
    world.fired(105)
    rows = "select array_agg(concat_ws(' ', ctid, xmin, xmax) order by id) from app.alerts"
    before = world.scalar(rows)
    assert world.fired(106, 109, 101) == [0, 0, 0]
    assert world.scalar(rows) == before
    seen = [alert.last_value for alert in repository.list_for(world.conn, world.user)]
    assert seen == [101, 101, 101]
    assert world.fired(111) == [1]
    assert world.scalar("select previous_value from app.alert_events where threshold = 110") == 101


_CLOSE = """
    insert into market.price_data
        (token_id, interval, opened_at, open, high, low, close, source, is_final, observed_at)
    values (%(token)s, '1d', %(at)s, %(close)s, %(close)s, %(close)s, %(close)s, 'kraken', true, now())
"""


def close(world, price, days_ago) -> None:
    at = world.now.replace(hour=0) - timedelta(days=days_ago)
    world.conn.execute(_CLOSE, {"token": world.token(), "at": at, "close": price})


def subjects(world) -> set[str]:
    return {subject for (subject,) in world.conn.execute("select subject from app.mails")}


def test_a_fall_is_measured_from_the_highest_close_of_a_year(world):
    close(world, 500, 400)
    close(world, 200, 300)
    close(world, 150, 1)
    alert = world.alert("above", 40, "drawdown", cooldown_seconds=0)
    assert world.fired(121, 119, 118, 124, 119) == [0, 1, 0, 0, 1]
    first, *_ = repository.events(world.conn, world.user, alert)[::-1]
    assert (first.observed_value, first.source) == (Decimal("40.5"), "kraken")
    # What is dearer than ever did not fall, and a doubted close is no peak.
    world.conn.execute("update market.price_data set quality = 'suspect' where close = 200")
    world.fired(160)
    assert (
        world.scalar("select value from app.alert_observations where alert_type = 'drawdown'") == 0
    )


def test_a_price_that_grows_old_is_told_once_and_again_after_it_was_fresh(world):
    alert = world.alert("above", 10, "stale_data", cooldown_seconds=0)
    told = []
    for age in (60, 660, 720, 30, 700):
        world.quote(100, age=age, quality="suspect")
        told.append(world.evaluate(0).fired)
    assert told == [0, 1, 0, 0, 1]
    events = repository.events(world.conn, world.user, alert)
    assert {(round(event.observed_value, 2), event.source) for event in events} == {
        (Decimal("11.00"), "kraken"),
        (Decimal("11.67"), "kraken"),
    }
    assert subjects(world) == {
        "BTC: age of the price is 11 min",
        "BTC: age of the price is 11.7 min",
    }


def test_volatility_is_the_published_one(world):
    world.alert("above", 60, "volatility")
    for day, volatility in ((1, "0.55"), (0, "0.61")):
        world.conn.execute(
            "insert into market.risk_scores (token_id, day, overall_score, risk_level, annual_volatility, price_source, computed_at)"
            " values (%s, %s, 50, 'medium', %s, 'kraken', %s)",
            [world.token(), world.now.date() - timedelta(days=day), volatility, world.now],
        )
        assert world.evaluate().fired == 1 - day


def test_a_difference_in_the_books_is_told(world):
    (portfolio,) = world.conn.execute(
        "insert into app.portfolios (user_id, name, currency) values (%s, 'Main', 'USD') returning id",
        [world.user],
    ).fetchone()
    world.alert("above", 0, "reconciliation", portfolio_id=portfolio, cooldown_seconds=0)
    add = (
        "insert into app.portfolio_issues (user_id, portfolio_id, kind, token_id, amount)"
        " values (%s, %s, %s, %s, 1)"
    )
    assert world.evaluate().fired == 0
    for kind, fires in (("missing_cost", 0), ("balance_difference", 1), ("negative_balance", 0)):
        world.conn.execute(add, [world.user, portfolio, kind, world.token()])
        assert world.evaluate().fired == fires, kind
    world.conn.execute("update app.portfolio_issues set state = 'resolved', settled_at = now()")
    assert world.evaluate().fired == 0
    world.conn.execute(add, [world.user, portfolio, "balance_difference", world.token("ETH")])
    assert world.evaluate().fired == 1
    assert subjects(world) == {"Main: count of differences in the books is 1"}
