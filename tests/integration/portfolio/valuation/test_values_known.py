"""A portfolio as it was believed to be: as of now it is what is stored, to the last digit; before, what was stored then."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from coinsphere.market.reference import asset_events
from coinsphere.portfolio.valuation import values_known
from coinsphere.portfolio.valuation.daily_values import ValueOfDay
from coinsphere.portfolio.valuation.reference_rates import Rate, store
from tests.integration.portfolio.conftest import NOW, World
from tests.integration.portfolio.lots.test_asset_events import across, happen
from tests.integration.portfolio.lots.test_rebooking import history

__all__ = ["across"]
_STORED = """
    select day, value, cost, uncosted_assets, inflow, outflow, growth, priced_assets, filled_assets, unpriced_assets
    from app.portfolio_values_daily where portfolio_id = %s order by day
"""
_REALISED = """
    select coalesce(sum(proceeds - cost), 0) from app.lot_uses
    where portfolio_id = %s and kind in ('sale', 'swap', 'fee', 'lost')
"""


def known(world: World, portfolio: UUID, as_of: datetime) -> values_known.Known:
    currency = world.conn.execute("select currency from app.portfolios where id = %s", [portfolio])
    with world.conn.transaction():
        return values_known.values(
            world.conn, world.user, portfolio, currency.fetchone()[0], as_of, NOW
        )


def stored(world: World, portfolio: UUID) -> list[ValueOfDay]:
    return [ValueOfDay(*row) for row in world.conn.execute(_STORED, [portfolio])]


def instant(world: World) -> datetime:
    return world.conn.execute("select clock_timestamp()").fetchone()[0].astimezone(UTC)


def enter(world: World, owner, *new, at: datetime) -> None:
    """Record facts that were entered at that moment: the world's clock stands still."""
    ids = world.record(*new)
    owner.execute("alter table app.transactions disable trigger transactions_keep_fact")
    owner.execute("update app.transactions set updated_at = %s where fact_id = any(%s)", [at, ids])
    owner.execute("alter table app.transactions enable trigger transactions_keep_fact")


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("method", "currency"), [("fifo", "USD"), ("average", "EUR")])
def test_as_of_now_it_is_what_is_stored(
    world: World, owner, seed: int, method: str, currency: str
) -> None:
    """Facts of all kinds in two portfolios, with transfers between them, and rates that begin in the middle."""
    owner.execute("update app.portfolios set lot_method = %s, currency = %s", [method, currency])
    rates = [(5, "1.25"), (12, "1.5"), (20, "1.1")]
    store(
        world.conn,
        [Rate("USD", date(2026, 2, day), Decimal(rate)) for day, rate in rates],
    )
    world.record(*history(world, seed))
    world.work()
    for portfolio in (world.main, world.vault):
        found = known(world, portfolio, instant(world))
        assert found.days == stored(world, portfolio)
        gain = world.conn.execute(_REALISED, [portfolio]).fetchone()[0]
        realising = ("sale", "swap", "fee", "lost")
        uses = [use for use in found.uses if use.kind in realising]
        assert gain == sum(
            use.proceeds - use.cost for use in uses if None not in (use.proceeds, use.cost)
        )


def test_before_an_event_was_recorded_nobody_knew_of_it(across: World) -> None:
    across.work()
    before, moment = stored(across, across.main), instant(across)
    swap = happen(across, "swap", "MATIC", "1:1", "POL")
    happen(across, "redenomination", "PEPE", "1000:1")
    across.rebuild()
    after, later = stored(across, across.main), instant(across)
    assert before != after
    assert known(across, across.main, moment).days == before
    assert known(across, across.main, later).days == after
    with across.conn.transaction():
        asset_events.remove(across.conn, swap, "tester", "it was none")
    assert known(across, across.main, later).days == after
    across.rebuild()
    assert known(across, across.main, instant(across)).days == stored(across, across.main)


def test_the_other_end_of_a_transfer_may_not_have_been_known(world: World, owner) -> None:
    """What arrived was entered first: until the other end is known, it is units that came from outside."""
    early, late = (NOW + timedelta(days=days) for days in (300, 600))
    sent = world.new("transfer_out", "BTC", 1, day=10)
    arrived = world.new("transfer_in", "BTC", 1, day=10, hour=11, portfolio_id=world.vault)
    enter(world, owner, world.new("buy", "BTC", 2, 50_000, day=5), arrived, at=early)
    enter(world, owner, sent, at=late)
    world.work()
    between, then = early + timedelta(days=1), late + timedelta(days=1)
    for portfolio in (world.main, world.vault):
        assert known(world, portfolio, then).days == stored(world, portfolio)
    assert known(world, world.main, between).days[-1].cost == 100_000
    assert known(world, world.vault, between).days[-1].uncosted == 1
    assert known(world, world.vault, between).days[-1].value > 0
    assert known(world, world.main, early - timedelta(days=1)).days == []
