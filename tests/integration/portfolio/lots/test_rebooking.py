"""The books in the database: bit for bit the same whichever way they came about, also under concurrent changes."""

import random
import threading
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import psycopg
import pytest
from psycopg import errors

from coinsphere.portfolio import recording
from coinsphere.portfolio.ledger import transactions
from coinsphere.portfolio.ledger.transactions import NewFact
from coinsphere.portfolio.lots import rebooking
from coinsphere.portfolio.model import Kind
from tests.integration.portfolio.conftest import NOW, OPTIONS, World


def history(world: World, seed: int, count: int = 40) -> list[NewFact]:
    """Facts of all kinds, with transfers between the two portfolios and fees in a third token."""
    chance = random.Random(seed)
    made = []
    kinds = [kind for kind in Kind if kind not in (Kind.TRANSFER_IN, Kind.TRANSFER_OUT)]
    for number in range(count):
        kind = chance.choice([Kind.BUY, Kind.SELL, *kinds])
        day, hour = chance.randint(1, 27), chance.randint(0, 23)
        amount = Decimal(chance.randint(1, 10**12)).scaleb(-11)
        price = chance.choice([None, Decimal(chance.randint(1, 10**9)).scaleb(-4)])
        fields = {
            "portfolio_id": chance.choice([world.main, world.vault]),
            "external_id": f"{seed}:{number}",
        }
        if kind is Kind.SWAP:
            fields |= {"counter_token": "ETH", "counter_amount": amount * 3}
        elif chance.random() < 0.3:
            fields |= {"fee": Decimal("0.00012345"), "fee_token": "BNB"}
        made.append(world.new(kind, "BTC", amount, price, day, hour, **fields))
        if chance.random() < 0.2:
            sent = amount / 2
            out = world.new(
                "transfer_out", "BTC", sent, None, day, hour, external_id=f"{seed}:{number}:out"
            )
            received = (sent * Decimal("0.998")).quantize(Decimal("1e-18"))
            arrival = world.new(
                "transfer_in", "BTC", received, None, day, min(hour + 3, 23), portfolio_id=world.vault,
                external_id=f"{seed}:{number}:in",
            )  # fmt: skip
            made += [out, arrival]
    return made


def set_method(owner: psycopg.Connection, method: str) -> None:
    owner.execute("update app.portfolios set lot_method = %s", [method])


@pytest.mark.parametrize(
    ("method", "few"), [("fifo", 500), ("hifo", 500), ("average", 500), ("fifo", 3)]
)
def test_incremental_equals_a_full_rebuild_bit_for_bit(
    world: World, owner, monkeypatch: pytest.MonkeyPatch, method: str, few: int
) -> None:
    """Where few facts are stored they are read at once, and few rows compared; of more all are written."""
    monkeypatch.setattr(rebooking, "_MOST_AT_ONCE", few)
    monkeypatch.setattr(rebooking, "_MOST_COMPARED", few)
    set_method(owner, method)
    new = history(world, 1)
    random.Random(2).shuffle(new)
    ids = []
    for number, each in enumerate(new):
        ids += world.record(each, at_once=number % 3 > 0)
        if number % 4 == 0:
            world.work()
    chance = random.Random(3)
    for fact_id in chance.sample(ids, 10):
        with world.conn.transaction():
            stored = transactions.get(world.conn, world.user, fact_id)
            if chance.random() < 0.5 or stored.kind is Kind.SWAP:
                recording.withdraw(world.conn, world.user, fact_id, NOW)
            else:
                at = stored.occurred_at + timedelta(days=chance.randint(-1, 3))
                changed = NewFact(
                    stored.portfolio_id,
                    stored.kind,
                    stored.token_id,
                    stored.amount / 2,
                    at,
                    stored.price,
                )
                recording.correct(world.conn, world.user, fact_id, changed, NOW)
    world.work()
    incremental = world.state()
    world.rebuild()
    assert incremental == world.state()
    assert any(row["kind"] == "transfer" for row in incremental["lot_uses"])


def test_a_further_trade_of_a_day_writes_no_lot_of_those_before_it(world: World, owner) -> None:
    """It books the day anew; who trades all day would write each lot as often as they trade after it."""
    query = "select 'lot', number, xmin::text from app.lots union select 'use', number, xmin::text from app.lot_uses"

    def written(new: NewFact) -> set[tuple[str, int]]:
        before = set(owner.execute(query).fetchall())
        world.record(new)
        return {row[:2] for row in set(owner.execute(query).fetchall()) - before}

    assert written(world.new("buy", "BTC", 1, 100, 1, 8)) == {("lot", 1)}
    assert written(world.new("buy", "BTC", 1, 101, 1, 10)) == {("lot", 2)}
    # Of the first half is used: it stays as it is. Then all of it: it is closed.
    assert written(world.new("sell", "BTC", "0.5", 120, 1, 11)) == {("use", 1)}
    assert written(world.new("sell", "BTC", "0.5", 120, 1, 12)) == {("use", 2), ("lot", 1)}
    # Between the two purchases: what follows is numbered anew, and so are the uses that it moves.
    assert written(world.new("buy", "BTC", 1, 50, 1, 9)) >= {("lot", 2), ("lot", 3)}


def test_the_order_of_import_is_irrelevant(world: World) -> None:
    new = history(world, 7)

    def outcome(order: list[NewFact]) -> list:
        ids = [fact_id for each in order for fact_id in world.record(each)]
        world.work()
        keys = ("portfolio_id", "token_id", "from_day", "until_day", "amount", "cost", "uncosted")
        state = world.state()
        positions = [[row[key] for key in keys] for row in state["positions"]]
        values = [
            [row["portfolio_id"], row["day"], row["value"], row["growth"]]
            for row in state["portfolio_values_daily"]
        ]
        for fact_id in ids:
            with world.conn.transaction():
                recording.withdraw(world.conn, world.user, fact_id, NOW)
        return [sorted(positions), sorted(values)]

    # Within an instant the order of entry does say something: each has an instant of its own here.
    nameless = [
        replace(each, external_id=None, occurred_at=each.occurred_at + timedelta(minutes=number))
        for number, each in enumerate(new)
    ]
    backwards = list(reversed(nameless))
    shuffled = random.Random(5).sample(nameless, len(nameless))
    first = outcome(nameless)
    assert first == outcome(backwards) == outcome(shuffled)
    assert first[0]


def test_within_an_instant_the_order_of_entry_decides_also_after_a_correction(
    world: World, owner
) -> None:
    set_method(owner, "lifo")
    world.record(world.new("buy", "BTC", 1, 100, 1))
    sold, bought = world.new("sell", "BTC", 1, 150, 2), world.new("buy", "BTC", 1, 140, 2)
    ids = world.record(sold, bought)
    gain = "select sum(proceeds - cost) from app.lot_uses where user_id = %s and kind = 'sale'"
    assert world.conn.execute(gain, [world.user]).fetchone() == (50,)
    with world.conn.transaction():
        recording.correct(world.conn, world.user, ids[0], replace(sold, price=Decimal(160)), NOW)
    assert world.conn.execute(gain, [world.user]).fetchone() == (60,)


def test_the_same_facts_again_change_nothing(world: World) -> None:
    new = history(world, 9)
    assert len(world.record(*new, at_once=False)) == len(new)
    world.work()
    before = world.state()
    for seed in (1, 2):
        again = random.Random(seed).sample(new, len(new))
        assert world.record(*again) == []
    world.work()
    assert world.state() == before


def test_concurrent_changes_end_as_one_after_another(world: World, database) -> None:
    new = history(world, 11, 24)
    failures: list[Exception] = []

    def add(part: list[NewFact]) -> None:
        try:
            with psycopg.connect(database.pipeline, autocommit=True, options=OPTIONS) as conn:
                for each in part:
                    with conn.transaction():
                        recording.record(conn, world.user, [each], NOW)
        except Exception as error:  # noqa: BLE001 - reported by the assertion below
            failures.append(error)

    threads = [threading.Thread(target=add, args=[new[start::4]]) for start in range(4)]
    for thread in threads:
        thread.start()
    world.work()
    for thread in threads:
        thread.join()
    world.work()
    assert failures == []
    left = world.state()
    world.rebuild()
    assert world.state() == left
    count = world.conn.execute("select sum(transaction_count) from app.portfolio_states").fetchone()
    assert count == (len(new),)


def test_entries_that_do_not_sum_to_zero_are_refused_at_the_commit(world: World, owner) -> None:
    world.record(world.new("buy", "BTC", 1, 100))
    unbalance = "update app.ledger_entries set amount = 2 where account = 'holding'"
    with pytest.raises(errors.CheckViolation, match="do not sum to zero"), owner.transaction():
        # It is noticed at the commit, not before.
        owner.execute(unbalance)
    with pytest.raises(errors.CheckViolation, match="do not sum to zero"):
        owner.execute("delete from app.ledger_entries where account = 'holding'")


def test_a_fact_cannot_be_changed_by_whoever(world: World, owner) -> None:
    world.record(world.new("buy", "BTC", 1, 100))
    with pytest.raises(errors.RestrictViolation):
        owner.execute("update app.transactions set amount = 2")
    with pytest.raises(errors.InsufficientPrivilege):
        world.conn.execute("delete from app.transactions")


def test_a_gap_is_filled_and_marked_and_an_asset_counts_from_its_first_price_on(
    world: World, owner
) -> None:
    btc, pepe = world.tokens["BTC"], world.tokens["PEPE"]
    owner.execute(
        "delete from market.price_data where token_id = %s and opened_at = '2026-02-10'", [btc]
    )
    owner.execute(
        """
        insert into market.price_data
            (token_id, interval, opened_at, open, high, low, close, source, is_final, observed_at)
        values (%s, '1d', '2026-02-12', 2, 2, 2, 2, 'kraken', true, now())
        """,
        [pepe],
    )
    world.record(world.new("buy", "BTC", 1, 50_000, 5), world.new("buy", "PEPE", 1000, "0.5", 6))
    world.work()
    rows = {
        str(row[0]): row[1:]
        for row in world.conn.execute(
            "select day, value, growth, filled_assets, unpriced_assets, inflow from app.portfolio_values_daily"
        )
    }
    assert rows["2026-02-10"][0] == rows["2026-02-09"][0]
    assert rows["2026-02-10"][2:4] == (1, 1)
    # On its first priced day PEPE comes in at its price: 2,000 more, and no return from it.
    assert rows["2026-02-12"][4] == 2_000
    assert rows["2026-02-12"][3] == 0
    assert abs(rows["2026-02-12"][1] / rows["2026-02-11"][1] - 1) < Decimal("0.001")
    # After the last close of PEPE its price is carried on, and marked.
    assert rows["2026-02-13"][2:4] == (1, 0)


def test_a_lot_whose_sale_is_taken_back_is_open_again(world: World) -> None:
    _, sale = world.record(world.new("buy", "BTC", 1, 100, 1), world.new("sell", "BTC", 1, 200, 5))
    with world.conn.transaction():
        recording.withdraw(world.conn, world.user, sale, NOW)
    assert world.conn.execute("select closed_at from app.lots").fetchone() == (None,)
    world.record(world.new("sell", "BTC", 1, 300, 6))
    assert world.conn.execute("select sum(cost) from app.lot_uses").fetchone() == (100,)
    world.work()
    left = world.state()
    world.rebuild()
    assert world.state() == left


def test_a_change_of_an_arrival_books_the_transfer_from_its_departure_on(world: World) -> None:
    """The ends lie on two days; both are booked on the first of them."""
    _, _, arrival = world.record(
        world.new("buy", "BTC", 1, 100, 1),
        world.new("transfer_out", "BTC", 1, None, 2, 23),
        world.new("transfer_in", "BTC", 1, None, 3, 2, portfolio_id=world.vault),
    )
    with world.conn.transaction():
        stored = transactions.get(world.conn, world.user, arrival)
        changed = NewFact(
            world.vault, stored.kind, stored.token_id, Decimal("0.998"), stored.occurred_at
        )
        recording.correct(world.conn, world.user, arrival, changed, NOW)
    world.work()
    held = world.conn.execute(
        "select portfolio_id, amount from app.positions where until_day = 'infinity' and amount > 0"
    )
    assert held.fetchall() == [(world.vault, Decimal("0.998"))]
    left = world.state()
    world.rebuild()
    assert world.state() == left
