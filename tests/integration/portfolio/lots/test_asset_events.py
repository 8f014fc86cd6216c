"""A portfolio across MATIC to POL, a redenomination and a split: what is held, what it cost, since when, and what it is worth."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from coinsphere.market.reference import asset_events
from coinsphere.market.reference.asset_events import EventKind, NewEvent
from coinsphere.portfolio import integrity
from coinsphere.portfolio.jobs import daily_update
from coinsphere.portfolio.valuation.stored_market import StoredMarket
from tests.integration.portfolio.conftest import NOW, World

EVENT = datetime(2026, 2, 10, tzinfo=UTC)
_CLOSES = """
    insert into market.price_data
        (token_id, interval, opened_at, open, high, low, close, source, is_final, observed_at)
    select %s, '1d', d, p, p, p, p, 'kraken', true, d
    from generate_series(%s::timestamptz, %s, '1 day') as d, (select %s::numeric as p) as price
"""


def closes(world: World, owner, symbol: str, *span: str, price: str) -> None:
    owner.execute(_CLOSES, [world.tokens[symbol], *span, price])


def happen(world: World, kind: str, symbol: str, ratio: str, heir: str | None = None, *, at=EVENT):
    other = world.tokens[heir] if heir else None
    new = NewEvent(
        EventKind(kind), world.tokens[symbol], at, "a test", other, *asset_events.ratio(ratio)
    )
    with world.conn.transaction():
        return asset_events.add(world.conn, new, "tester")


def unseeded(world: World, owner) -> None:
    """Without the events of the seeds, which lie before the world's time."""
    owner.execute(
        "update market.asset_events set removed_at = now(), removed_by = 'tester', removal_reason = 'a test'"
    )


def held(world: World) -> dict[str, tuple[Decimal, Decimal]]:
    rows = world.conn.execute(
        "select t.symbol, p.amount, p.cost from app.positions p join market.tokens t on t.id = p.token_id"
        " where p.portfolio_id = %s and p.until_day = 'infinity' and p.amount > 0",
        [world.main],
    )
    return {symbol: (amount, cost) for symbol, amount, cost in rows}


def lots(world: World, symbol: str) -> list[tuple[int, Decimal, Decimal]]:
    """The day of acquisition, quantity and cost of the lots that are open."""
    rows = world.conn.execute(
        "select l.acquired_at, l.quantity - coalesce(sum(u.quantity), 0), l.cost - coalesce(sum(u.cost), 0)"
        " from app.lots l left join app.lot_uses u on u.user_id = l.user_id and u.token_id = l.token_id"
        " and u.lot_number = l.number where l.token_id = %s and l.closed_at is null"
        " group by l.user_id, l.token_id, l.number order by l.number",
        [world.tokens[symbol]],
    )
    return [(at.day, quantity, cost) for at, quantity, cost in rows]


def sound(world: World) -> bool:
    """All that is stored holds together, and a rebuild from the first fact gives the same."""
    before = world.state()
    faults = [each for each in integrity.check(world.conn) if not each.holds]
    world.rebuild()
    assert faults == []
    assert world.state() == before
    return True


@pytest.fixture
def across(world: World, owner) -> World:
    """MATIC at 0.40 became POL at 0.50 one for one; 1,000 old PEPE at 0.000008 one new at 0.009; both on the 10th."""
    unseeded(world, owner)
    closes(world, owner, "MATIC", "2026-02-01", "2026-02-09", price="0.40")
    closes(world, owner, "POL", "2026-02-12", "2026-03-09", price="0.50")
    closes(world, owner, "PEPE", "2026-02-01", "2026-02-09", price="0.000008")
    closes(world, owner, "PEPE", "2026-02-10", "2026-03-09", price="0.009")
    world.record(
        world.new("buy", "MATIC", 100, "0.30", day=2),
        world.new("buy", "MATIC", 50, "0.36", day=5),
        world.new("buy", "PEPE", 2_000_500, "0.000005", day=3),
    )
    return world


@pytest.mark.parametrize("known", ["before the records", "after the records"])
def test_the_arithmetic(across: World, owner, known: str) -> None:
    world = across
    if known == "after the records":
        world.work()
    happen(world, "swap", "MATIC", "1:1", "POL")
    happen(world, "redenomination", "PEPE", "1000:1")
    # A sale of the new coin uses the oldest lot: 30 of 100 bought at 0.30 cost 9, bring 15, and gain 6.
    world.record(
        world.new("sell", "POL", 30, "0.50", day=20),
        world.new("buy", "PEPE", "0.5", "0.009", day=25),
    )
    world.rebuild()

    # 100 x 0.30 + 50 x 0.36 - 30 x 0.30 = 30 + 18 - 9 = 39. PEPE: 2,000,500 / 1000 + 0.5 = 2001, 10.0025 + 0.0045.
    assert held(world) == {"POL": (120, 39), "PEPE": (2001, Decimal("10.0070"))}
    assert lots(world, "POL") == [(2, 70, 21), (5, 50, 18)]
    assert lots(world, "PEPE") == [
        (3, Decimal("2000.5"), Decimal("10.0025")),
        (25, Decimal("0.5"), Decimal("0.0045")),
    ]
    gains = world.conn.execute(
        "select kind, proceeds - cost from app.lot_uses where kind <> 'conversion'"
    ).fetchall()
    assert gains == [("sale", 6)]
    values = dict(
        world.conn.execute(
            "select day, value from app.portfolio_values_daily where portfolio_id = %s",
            [world.main],
        )
    )
    pepe_before, pepe_after = (
        2_000_500 * Decimal("0.000008"),
        Decimal("2000.5") * Decimal("0.009"),
    )
    assert values[date(2026, 2, 9)] == 150 * Decimal("0.40") + pepe_before
    # POL has no close before the 12th: it goes on at MATIC's last one.
    assert values[date(2026, 2, 11)] == 150 * Decimal("0.40") + pepe_after
    assert values[date(2026, 2, 12)] == 150 * Decimal("0.50") + pepe_after
    assert values[date(2026, 3, 9)] == 120 * Decimal("0.50") + 2001 * Decimal("0.009")
    crossed = world.conn.execute(
        "select sum(money_in), sum(money_out), sum(swap_in) - sum(swap_out), max(swap_in) from app.position_flows"
    ).fetchone()
    # 30 + 18 + 10.0025 + 0.0045 paid, 15 received; what MATIC gave up for POL, 150 x 0.40, POL took.
    assert crossed == (Decimal("58.0070"), 15, 0, 60)
    assert sound(world)


def flows(world: World) -> list[tuple[str, Decimal, Decimal]]:
    """What went from token to token, by the day."""
    return world.conn.execute(
        "select to_char(day, 'MM-DD'), sum(swap_in), sum(swap_out) from app.position_flows"
        " where swap_in + swap_out > 0 group by day order by day"
    ).fetchall()


def correct(world: World, owner, symbol: str, day: str, price: str) -> None:
    owner.execute(
        "update market.price_data set (open, high, low, close) = (p, p, p, p) from (select %s::numeric as p) price"
        " where token_id = %s and interval = '1d' and opened_at = %s",
        [price, world.tokens[symbol], day],
    )


def test_a_corrected_close_of_either_name_corrects_what_moved(across: World, owner) -> None:
    """MATIC's last close is the price that POL, which has none yet, came at; so is POL's own on the day of a record."""
    world = across
    happen(world, "swap", "MATIC", "1:1", "POL")
    world.record(
        world.new("buy", "MATIC", 10, "0.30", day=20),
        world.new("swap", "MATIC", 4, "0.50", day=15, counter_token="POL", counter_amount=4),
    )
    world.rebuild()
    daily_update.update(world.conn, NOW)
    assert flows(world) == [("02-15", 2, 2), ("02-20", 78, 78)]
    correct(world, owner, "POL", "2026-02-20", "0.60")
    daily_update.update(world.conn, NOW)
    assert flows(world) == [("02-15", 2, 2), ("02-20", Decimal("93.6"), Decimal("93.6"))]
    correct(world, owner, "POL", "2026-02-15", "0.75")
    daily_update.update(world.conn, NOW)
    assert flows(world)[0] == ("02-15", 3, 3)
    assert sound(world)


def test_a_corrected_close_of_the_old_name_corrects_what_the_new_one_came_at(
    across: World, owner
) -> None:
    world = across
    happen(world, "swap", "MATIC", "1:1", "POL")
    world.rebuild()
    daily_update.update(world.conn, NOW)
    assert flows(world) == [("02-10", 60, 60)]
    correct(world, owner, "MATIC", "2026-02-09", "1")
    daily_update.update(world.conn, NOW)
    assert flows(world) == [("02-10", 150, 150)]
    assert sound(world)


def test_without_the_event_all_is_as_before(across: World) -> None:
    world = across
    world.work()
    before = world.state()
    event = happen(world, "swap", "MATIC", "1:1", "POL")
    world.rebuild()
    assert set(held(world)) == {"POL", "PEPE"}
    with world.conn.transaction():
        asset_events.remove(world.conn, event, "tester", "did not happen")
    world.rebuild()
    after = world.state()
    assert after["portfolio_values_daily"] == before["portfolio_values_daily"]
    assert after["lots"] == before["lots"]
    assert held(world)["MATIC"] == (150, 48)


@pytest.mark.parametrize("method", ["fifo", "hifo", "average"])
def test_records_that_come_later_move_what_was_carried(across: World, owner, method: str) -> None:
    """An earlier purchase, a later sale of the old coin, and the exchange's own record of the swap; booked step by step."""
    world = across
    owner.execute("update app.portfolios set lot_method = %s", [method])
    happen(world, "swap", "MATIC", "1:1", "POL")
    world.rebuild()
    world.record(world.new("buy", "MATIC", 10, "0.20", day=1))
    world.work()
    assert held(world)["POL"] == (160, 50)
    world.record(world.new("sell", "MATIC", 20, "0.41", day=11))
    world.work()
    assert held(world)["POL"][0] == 140
    # The exchange converted 40 on the 13th: it is the same event, not a sale of it, and not twice.
    world.record(world.new("swap", "MATIC", 40, day=13, counter_token="POL", counter_amount=40))
    world.work()
    position, cost = held(world)["POL"]
    assert position == 140
    assert "MATIC" not in held(world)
    used = world.conn.execute(
        "select sum(cost) from app.lot_uses where kind = 'sale' and token_id = %s",
        [world.tokens["MATIC"]],
    ).fetchone()
    assert cost + used[0] == 50
    kinds = world.conn.execute(
        "select distinct kind from app.lot_uses where token_id = %s", [world.tokens["MATIC"]]
    )
    assert {kind for (kind,) in kinds} <= {"sale", "conversion", "pooled"}
    assert sound(world)


def test_one_becomes_24_000_in_two_portfolios_and_goes_on_in_a_third_name(
    world: World, owner
) -> None:
    unseeded(world, owner)
    happen(world, "swap", "MKR", "1:24000", "SKY")
    happen(world, "swap", "SKY", "1:1", "S", at=EVENT + timedelta(days=5))
    third = Decimal("0.333333333333333333")
    world.record(
        world.new("buy", "MKR", third, 1500, day=2),
        world.new("deposit", "MKR", 2, day=3, portfolio_id=world.vault),
        world.new("buy", "SKY", 1000, "0.05", day=12),
    )
    world.work()
    assert held(world) == {"S": (third * 24000 + 1000, third * 1500 + 50)}
    assert lots(world, "S") == [
        (2, third * 24000, third * 1500), (12, 1000, 50), (3, 48000, None)
    ] or lots(world, "S") == [(3, 48000, None), (2, third * 24000, third * 1500), (12, 1000, 50)]  # fmt: skip
    assert sound(world)


def test_a_split_gives_units_that_cost_nothing_and_dust_stays(world: World, owner) -> None:
    unseeded(world, owner)
    happen(world, "split", "ETH", "1:2", "ETC")
    happen(world, "redenomination", "SHIB", "1000:1")
    world.record(
        world.new("buy", "ETH", 3, 2000, day=2),
        world.new("sell", "ETH", 1, 2100, day=9),
        world.new("buy", "ETH", 5, 2000, day=11),
        world.new("buy", "SHIB", "0.000000000000000999", 1, day=2),
    )
    world.work()
    assert held(world)["ETC"] == (4, 0)
    assert held(world)["ETH"][0] == 7
    assert lots(world, "ETC") == [(10, 4, 0)]
    assert held(world)["SHIB"][0] == Decimal("0.000000000000000999")


def test_closes_of_a_new_name_begin_with_those_of_the_old_one(across: World) -> None:
    world = across
    happen(world, "swap", "MATIC", "1:4", "POL")
    market = StoredMarket(world.conn)
    pol = world.tokens["POL"]
    assert market.close(pol, date(2026, 3, 1)) == Decimal("0.50")
    assert market.close(pol, date(2026, 2, 11)) == Decimal("0.10")
    assert market.close(pol, date(2026, 1, 31)) is None
    assert StoredMarket(world.conn).closes(pol, date(2026, 2, 8), date(2026, 2, 12)) == [
        (date(2026, 2, 8), Decimal("0.10")), (date(2026, 2, 9), Decimal("0.10")), (date(2026, 2, 12), Decimal("0.50")),
    ]  # fmt: skip


def test_a_late_close_of_the_old_name_reaches_who_only_held_the_new_one(
    across: World, owner
) -> None:
    world = across
    happen(world, "swap", "MATIC", "1:1", "POL")
    world.record(world.new("buy", "POL", 1, "0.50", day=10, portfolio_id=world.vault))
    world.rebuild()
    daily_update.update(world.conn, NOW)
    owner.execute(
        "update market.price_data set high = 1, close = 1 where token_id = %s and opened_at = '2026-02-09'",
        [world.tokens["MATIC"]],
    )
    daily_update.update(world.conn, NOW)
    row = world.conn.execute(
        "select value from app.portfolio_values_daily where portfolio_id = %s and day = '2026-02-10'",
        [world.vault],
    )
    assert row.fetchone() == (1,)


def test_a_merger_of_two_tokens_adds_up_what_was_held_of_both(world: World, owner) -> None:
    """10 ARB become 20 LDO, 4 OP become 12, beside 5 that were held already: 37 for all that they cost."""
    unseeded(world, owner)
    happen(world, "swap", "ARB", "1:2", "LDO")
    happen(world, "swap", "OP", "1:3", "LDO")
    world.record(
        world.new("buy", "LDO", 5, 1, day=2),
        world.new("buy", "ARB", 10, 2, day=3),
        world.new("buy", "OP", 4, 3, day=4),
    )
    world.work()
    assert held(world) == {"LDO": (37, 5 + 20 + 12)}
    assert sorted(lots(world, "LDO")) == [(2, 5, 5), (3, 20, 20), (4, 12, 12)]
    # First in, first out goes by the days on which they were acquired, whichever token it was in.
    world.record(world.new("sell", "LDO", 10, 2, day=12))
    world.work()
    assert sorted(lots(world, "LDO")) == [(3, 15, 15), (4, 12, 12)]
    assert sound(world)
