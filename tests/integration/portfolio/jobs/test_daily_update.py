"""The new day, late closes and corrected ones reach the values; the job and the asset do the work."""

import asyncio
import pkgutil
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal

import dagster as dg
import psycopg
import pytest

from coinsphere.clock import utc_now
from coinsphere.portfolio import integrity
from coinsphere.portfolio.jobs import daily_update, recompute
from coinsphere.portfolio.valuation import reference_rates
from coinsphere.settings import Settings
from coinsphere.worker import app as worker_app
from tests.integration.portfolio.conftest import NOW, OPTIONS, World

_CLOSE = """
    insert into market.price_data
        (token_id, interval, opened_at, open, high, low, close, source, is_final, observed_at)
    values (%(token)s, '1d', %(at)s, %(price)s, %(price)s, %(price)s, %(price)s, 'kraken', true, %(at)s)
    on conflict (token_id, interval, opened_at) do update set
        open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close, ingested_at = now()
"""


def values(world: World) -> dict[str, Decimal]:
    rows = world.conn.execute(
        "select day::text, value from app.portfolio_values_daily where portfolio_id = %s",
        [world.main],
    )
    return dict(rows.fetchall())


def is_as_rebuilt(world: World, now: datetime = NOW) -> bool:
    """Whether what is stored is what all facts and prices lead to."""
    left = world.state()
    recompute.rebuild(world.conn, world.user, now)
    return world.state() == left


@pytest.fixture
def prices(database) -> Iterator[psycopg.Connection]:
    """A connection of its own of who brings prices, and of the night."""
    with psycopg.connect(database.pipeline, autocommit=True, options=OPTIONS) as conn:
        yield conn


def test_a_new_day_and_a_corrected_close_are_valued_and_nothing_else(world: World, owner) -> None:
    world.record(world.new("buy", "BTC", 1, 50_000, 5), world.new("staking", "ETH", 1, None, 8))
    world.work()
    daily_update.update(world.conn, NOW)
    before = values(world)
    assert max(before) == "2026-03-09"
    later = NOW + timedelta(days=1)
    owner.execute(_CLOSE, {"token": world.tokens["BTC"], "at": "2026-03-10", "price": 70_000})
    owner.execute(_CLOSE, {"token": world.tokens["ETH"], "at": "2026-02-08", "price": 9_000})
    done = daily_update.update(world.conn, later)
    assert done.portfolios >= 1
    after = values(world)
    untouched = [day for day in before if day < "2026-02-08"]
    assert {day: after[day] for day in untouched} == {day: before[day] for day in untouched}
    assert after["2026-02-08"] == before["2026-02-08"] + 9_000 - Decimal("2056.987654312")
    assert after["2026-03-10"] > 70_000
    # What was earned on that day now costs what it was worth by the corrected close.
    cost = world.conn.execute(
        "select cost from app.lots where token_id = %s", [world.tokens["ETH"]]
    ).fetchone()
    assert cost == (9_000,)
    assert is_as_rebuilt(world, later)


def test_a_close_that_was_taken_out_and_a_rate_that_ended_leave_the_values(
    world: World, owner
) -> None:
    """Both leave no row that is new: only what was believed before tells of them."""
    euros = reference_rates.Rate("USD", date(2026, 2, 20), Decimal("1.25"))
    later = reference_rates.Rate("USD", date(2026, 2, 25), Decimal("1.6"))
    owner.execute("update app.portfolios set currency = 'EUR'")
    reference_rates.store(world.conn, [euros])
    reference_rates.fill(world.conn, [later], "simulated")
    world.record(world.new("buy", "BTC", 1, 50_000, 21))
    world.work()
    daily_update.update(world.conn, NOW)
    before = values(world)
    owner.execute(
        "delete from market.price_data where token_id = %s and opened_at = '2026-02-22'",
        [world.tokens["BTC"]],
    )
    reference_rates.store(world.conn, [])
    daily_update.update(world.conn, NOW)
    after = values(world)
    assert after["2026-02-22"] == after["2026-02-21"] == before["2026-02-21"]
    assert after["2026-02-26"] == (before["2026-02-26"] * Decimal("1.28")).quantize(
        Decimal("1e-18")
    )
    assert is_as_rebuilt(world)


def test_a_close_that_came_before_a_later_day_was_valued_is_not_passed_over(
    world: World, prices
) -> None:
    world.record(world.new("buy", "BTC", 1, 50_000, 5))
    daily_update.update(world.conn, utc_now())
    prices.execute(_CLOSE, {"token": world.tokens["BTC"], "at": "2026-02-10", "price": 70_000})
    world.record(world.new("buy", "BTC", 1, 50_000, 20))
    recompute.update(world.conn, world.user, utc_now())
    daily_update.update(world.conn, utc_now())
    assert values(world)["2026-02-10"] == 70_000
    assert is_as_rebuilt(world, utc_now())


def test_a_close_whose_transaction_outlasts_a_night_is_found_by_the_next(
    world: World, prices
) -> None:
    world.record(world.new("buy", "BTC", 1, 50_000, 5))
    with prices.transaction():
        prices.execute(_CLOSE, {"token": world.tokens["BTC"], "at": "2026-02-10", "price": 70_000})
        daily_update.update(world.conn, utc_now())
    daily_update.update(world.conn, utc_now())
    assert values(world)["2026-02-10"] == 70_000


@pytest.mark.parametrize(
    ("step", "fact"),
    [
        ("coinsphere.portfolio.lots.rebooking.rebook", ("staking", "ETH", 1, None, 8)),
        ("coinsphere.portfolio.issues.survey", ("buy", "ETH", 1, 2_000, 8)),
    ],
)
def test_a_close_that_comes_while_a_job_runs_reaches_what_the_job_stores(
    world: World, prices, monkeypatch, step, fact
) -> None:
    """The job has read the old close and stored nothing yet; the night marks what it can see, and the job takes the marks."""
    daily_update.update(world.conn, NOW)
    do = pkgutil.resolve_name(step)
    corrected = []

    def slow(*arguments):
        done = do(*arguments)
        if not corrected:
            corrected.append(world.tokens["ETH"])
            close = {"token": world.tokens["ETH"], "at": "2026-02-08", "price": 9_000}
            prices.execute(_CLOSE, close)
            daily_update.mark(prices, NOW)
        return done

    monkeypatch.setattr(step, slow)
    world.record(world.new(*fact), world.new(*fact, portfolio_id=world.vault), at_once=False)
    world.work()
    assert corrected
    assert values(world)["2026-02-08"] == 9_000
    assert is_as_rebuilt(world)


def test_a_late_exchange_rate_converts_what_waited_for_it(world: World, owner) -> None:
    owner.execute("update app.portfolios set currency = 'EUR'")
    world.record(world.new("buy", "BTC", 1, 50_000, 5))
    world.work()
    assert set(values(world).values()) == {None}
    content = "Date,USD,JPY,\n2026-02-04,1.25,N/A,\n2026-02-03,1.2,160.5,\n"
    assert reference_rates.store(world.conn, reference_rates.parse(content).rates) == 3
    assert reference_rates.store(world.conn, reference_rates.parse(content).rates) == 0
    daily_update.update(world.conn, NOW)
    assert values(world)["2026-02-05"] == (Decimal(50_000) + 5 * Decimal("7.123456789")) * Decimal(
        "0.8"
    )
    lot = world.conn.execute("select cost from app.lots").fetchone()
    assert lot == (40_000,)


def test_a_change_is_valued_by_the_worker_that_its_job_starts(
    world: World, database, tmp_path
) -> None:
    world.record(world.new("buy", "BTC", 1, 50_000, 5))
    assert values(world) == {}
    _work_off(worker_app.build(Settings(home=tmp_path, database_url=database.pipeline)))
    # The worker's clock is the machine's own.
    assert values(world).items() >= {"2026-02-05": Decimal("50035.617283945")}.items()
    states = {
        row[0]
        for row in world.conn.execute(
            "select status::text from jobs.procrastinate_jobs where queue_name = 'portfolios'"
        )
    }
    assert states == {"succeeded"}


def test_jobs_of_one_worker_share_a_connection(
    world: World, database, tmp_path, monkeypatch
) -> None:
    made, connect = [], psycopg.Connection.connect

    def counted(*arguments, **options):
        made.append(arguments)
        return connect(*arguments, **options)

    monkeypatch.setattr(psycopg.Connection, "connect", counted)
    app = worker_app.build(Settings(home=tmp_path, database_url=database.pipeline))
    for day in (5, 6, 7):
        world.record(world.new("buy", "BTC", 1, 50_000, day))
        _work_off(app)
    assert len(values(world)) > 0
    assert len(made) == 1


def _work_off(app) -> None:
    """Do the jobs of portfolios that there are, as a worker does."""

    async def once() -> None:
        async with app.open_async():
            await app.run_worker_async(
                queues=["portfolios"], wait=False, install_signal_handlers=False
            )

    asyncio.run(once())


def test_the_asset_values_the_day_and_its_checks_pass(world: World, database, tmp_path) -> None:
    from coinsphere.db.pool import Database
    from orchestration.portfolios import assets, checks

    world.record(world.new("buy", "BTC", 1, 50_000, 5))
    with Database(database.pipeline, size=2) as opened:
        result = dg.materialize(
            [assets.position_values_daily, checks.check_books],
            resources={
                "settings": Settings(home=tmp_path, database_url=database.pipeline),
                "database": opened,
                "clock": dg.ResourceDefinition.hardcoded_resource(lambda: NOW),
            },
        )
    assert result.success
    evaluations = result.get_asset_check_evaluations()
    assert len(evaluations) == len(integrity.CHECKS)
    assert all(each.passed for each in evaluations)
    assert len(values(world)) == 33
