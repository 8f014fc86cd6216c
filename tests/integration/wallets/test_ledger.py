"""Balances in the ledger: openings, then differences; once each, whatever dies and however often it is done again."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import psycopg
import pytest

from coinsphere.chains.nodes import Nodes
from coinsphere.errors import Unavailable
from coinsphere.wallets import booking, repository, storing, sync
from tests.fakes.evm import world
from tests.fakes.evm.chain import NodeServer, served
from tests.integration.wallets.conftest import node_settings

_FACTS = """
    select t.symbol, f.type, f.amount, f.source from app.transactions f join market.tokens t on t.id = f.token_id
    where f.portfolio_id = %s and f.superseded_at is null order by f.occurred_at, t.symbol
"""
_STATE = """
    select coalesce(string_agg(line, E'\n' order by line), '') from (
        select concat_ws('|', 'fact', token_id, type, amount, external_id) as line from app.transactions
        where superseded_at is null
        union all select concat_ws('|', 'balance', contract_address, amount, booked) from app.wallet_balances
        union all select concat_ws('|', 'position', protocol_id, position_key, amount, closed_at is null)
            from app.defi_positions
    ) as lines
"""

UNREADABLE = "Ethereum cannot be read at the moment. It is tried again by itself within the hour."


def facts(reader) -> list[tuple]:
    return reader.owner.execute(_FACTS, [reader.portfolio_id]).fetchall()


def state(conn: psycopg.Connection) -> str:
    row = conn.execute(_STATE).fetchone()
    assert row is not None
    return hashlib.sha256(row[0].encode()).hexdigest()


def test_balances_open_the_ledger_and_differences_follow(reader, node: NodeServer) -> None:
    assert node.chain is not None
    wallet = reader.connect(booked=True)
    assert reader.sync(wallet).imported == 2
    assert reader.ledger() == {"ETH": Decimal("2.5"), "USDC": Decimal(1500)}
    assert reader.sync(wallet).imported == 0

    node.chain.send(world.USDC, "burn", world.OWNER, 1_500 * 10**6)
    assert reader.sync(wallet).imported == 1
    assert reader.ledger() == {"ETH": Decimal("2.5")}
    node.chain.send(world.USDC, "mint", world.OWNER, 1_500 * 10**6)
    reader.sync(wallet)
    assert reader.ledger() == {"ETH": Decimal("2.5"), "USDC": Decimal(1500)}
    assert facts(reader) == [
        ("ETH", "opening_balance", Decimal("2.5"), "wallet"),
        ("USDC", "opening_balance", Decimal(1500), "wallet"),
        ("USDC", "transfer_out", Decimal(1500), "wallet"),
        ("USDC", "transfer_in", Decimal(1500), "wallet"),
    ]


def test_a_wallet_without_a_portfolio_is_only_looked_at(reader) -> None:
    assert reader.sync(reader.connect()).imported == 0
    assert facts(reader) == []


def test_facts_leave_with_the_wallet_and_come_back_with_it(reader) -> None:
    wallet = reader.connect(booked=True)
    reader.sync(wallet)
    with reader.owner.transaction():
        assert booking.withdraw(reader.owner, reader.user_id, wallet.id, reader.now) == 2
        assert repository.delete(reader.owner, reader.user_id, wallet.id)
    assert reader.ledger() == {}
    reader.sync(reader.connect(booked=True))
    assert reader.ledger() == {"ETH": Decimal("2.5"), "USDC": Decimal(1500)}


def test_a_user_who_took_a_fact_back_is_not_told_it_again(reader) -> None:
    """What was booked is remembered beside the ledger: a correction by hand is not undone by the next sync."""
    wallet = reader.connect(booked=True)
    reader.sync(wallet)
    from coinsphere.portfolio import recording as ledger_facts

    with reader.owner.transaction():
        (fact_id,) = reader.owner.execute(
            """select fact_id from app.transactions f join market.tokens t on t.id = f.token_id
               where t.symbol = 'USDC' and f.superseded_at is null"""
        ).fetchone()
        ledger_facts.withdraw(reader.owner, reader.user_id, fact_id, reader.now)
    assert reader.sync(wallet).imported == 0
    assert reader.ledger() == {"ETH": Decimal("2.5")}


class Died(BaseException):
    """What a worker that is killed looks like from inside: nothing after it runs."""


class MortalCursor(psycopg.Cursor):
    """Its connection breaks before the statement that is one too many."""

    left = 0

    def _count(self) -> None:
        MortalCursor.left -= 1
        if MortalCursor.left < 0:
            self.connection.close()
            raise Died

    def execute(self, *arguments, **options):
        self._count()
        return super().execute(*arguments, **options)

    def executemany(self, *arguments, **options):
        self._count()
        return super().executemany(*arguments, **options)


def mortal(url: str, statements: int) -> psycopg.Connection:
    """A connection of the pipeline that lives for so many statements."""
    options = "-c search_path=app,market,model,jobs,public"
    MortalCursor.left = statements
    return psycopg.connect(url, autocommit=True, options=options, cursor_factory=MortalCursor)


def test_a_sync_that_dies_before_any_statement_changes_all_or_nothing_and_nothing_twice(
    reader, owner: psycopg.Connection, database, monkeypatch
) -> None:
    wallet = reader.connect(booked=True)
    sync_id = sync.request(owner, reader.user_id, wallet.id)
    nothing = state(owner)
    found = sync._read(
        wallet, sync.curated.directory(owner, wallet.blockchain), reader.nodes, reader.now
    )
    monkeypatch.setattr(sync, "_read", lambda *_: found)  # the chain is asked once for all deaths
    deaths, states = 0, set()
    while True:
        with mortal(database.worker, deaths) as reader.conn:
            try:
                reader.run(sync_id)
                break
            except Died:
                deaths += 1
                states.add(state(owner))
    assert deaths > 15
    assert states == {nothing}
    done = state(owner)
    assert done != nothing
    owner.execute("update app.wallet_syncs set status = 'running'")
    with mortal(database.worker, 10_000) as reader.conn:
        reader.run(sync_id)
        assert state(owner) == done
        assert reader.ledger() == {"ETH": Decimal("2.5"), "USDC": Decimal(1500)}


def test_an_older_reading_never_takes_the_place_of_a_newer_one(
    reader, node: NodeServer, owner: psycopg.Connection
) -> None:
    assert node.chain is not None
    wallet = reader.connect(booked=True)
    directory = sync.curated.directory(owner, wallet.blockchain)
    older = sync._read(wallet, directory, reader.nodes, reader.now)
    node.chain.send(world.USDC, "mint", world.OWNER, 10**6)
    try:
        reader.sync(wallet)
    finally:
        node.chain.send(world.USDC, "burn", world.OWNER, 10**6)
    with reader.conn.transaction():
        assert storing.store(reader.conn, wallet, directory, older, reader.now) == 0
    assert reader.ledger()["USDC"] == Decimal(1501)


def test_a_chain_that_does_not_answer_keeps_everything_and_says_so(
    open_reader, reader, node: NodeServer
) -> None:
    wallet = reader.connect(booked=True)
    reader.sync(wallet)
    away = open_reader(node_settings("ethereum=http://127.0.0.1:9"))
    sync_id = sync.request(away.conn, away.user_id, wallet.id)
    with pytest.raises(Unavailable):
        away.run(sync_id, is_last_try=False)
    found = sync.get(away.conn, sync_id)
    assert found is not None
    assert (found.status, found.error) == ("running", UNREADABLE)
    away.run(sync_id, is_last_try=True)
    found = sync.get(away.conn, sync_id)
    assert found is not None
    assert found.status == "failed"
    kept = repository.by_id(away.conn, wallet.id)
    assert kept is not None
    assert (kept.status, kept.last_error) == ("error", UNREADABLE)
    assert reader.ledger() == {"ETH": Decimal("2.5"), "USDC": Decimal(1500)}
    assert reader.sync(wallet).status == "succeeded"


def test_a_block_that_is_taken_back_while_it_is_read_is_not_believed(
    reader, node: NodeServer, owner: psycopg.Connection, monkeypatch
) -> None:
    assert node.chain is not None
    wallet, nothing = reader.connect(booked=True), state(owner)
    reply, height = node.reply, node.chain.height

    def fork(body: bytes) -> tuple[int, bytes]:
        if b"eth_call" in body:
            node.hashes[height] = "0xf0"
        return reply(body)

    monkeypatch.setattr(node, "reply", fork)
    sync_id = sync.request(reader.conn, reader.user_id, wallet.id)
    with pytest.raises(Unavailable, match="reorganised"):
        reader.run(sync_id, is_last_try=False)
    assert state(owner) == nothing
    assert sync.get(owner, sync_id).error == UNREADABLE
    reader.run(sync_id)
    node.hashes.clear()
    assert reader.ledger() == {"ETH": Decimal("2.5"), "USDC": Decimal(1500)}


def test_another_block_of_the_same_number_is_booked_as_another_one(
    reader, owner: psycopg.Connection
) -> None:
    """A deep reorganisation: the number stays, the balance does not."""
    wallet = reader.connect(booked=True)
    directory = sync.curated.directory(owner, wallet.blockchain)
    first = sync._read(wallet, directory, reader.nodes, reader.now)
    usdc = next(contract for contract in first.balances if contract.lower() == world.USDC.lower())
    for raw, fork in ((1_500, "0xaa"), (1_400, "0xbb"), (1_450, "0xcc")):
        changed = replace(first.balances[usdc], raw=raw * 10**6)
        found = replace(
            first, balances={**first.balances, usdc: changed}, stamp=f"block {first.block} {fork}"
        )
        with reader.conn.transaction():
            storing.store(reader.conn, wallet, directory, found, reader.now)
        assert reader.ledger()["USDC"] == raw


FAULTS = {
    "slow": {"delay": 15.0},
    "another chain": {"chain_id": 137},
    "behind": {"newest": datetime(2026, 11, 24, 7, tzinfo=UTC)},
    "garbage": {"faults": [(200, b"<html>")] * 20},
    "refusing": {"faults": [(429, b"{}")] * 20},
}
TOLD = {
    "slow": UNREADABLE,
    "another chain": "ethereum: 127.0.0.1 is a node of another chain",
    "behind": UNREADABLE,
    "garbage": "ethereum: the answer is not JSON",
    "refusing": UNREADABLE,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_node_that_fails_is_left_for_the_next_one_and_without_one_the_user_is_told(
    reader, node: NodeServer, fault: str
) -> None:
    settings = {"chain": node.chain, **FAULTS[fault]}
    wallet = reader.connect(booked=True)
    with served(NodeServer(**settings)) as bad:
        # The node that works must be in time on a busy machine too.
        seconds = 5.0 if fault == "slow" else 10.0
        alone = Nodes(node_settings(f"ethereum={bad.url}"), seconds=seconds)
        both = Nodes(node_settings(f"ethereum={bad.url}", f"ethereum={node.url}"), seconds=seconds)
        with alone, both:
            reader.nodes = alone
            sync_id = sync.request(reader.conn, reader.user_id, wallet.id)
            reader.run(sync_id)
            failed, kept = sync.get(reader.conn, sync_id), repository.by_id(reader.conn, wallet.id)
            assert failed is not None
            assert kept is not None
            assert (failed.status, failed.error) == ("failed", TOLD[fault])
            assert (kept.status, kept.last_error) == ("error", TOLD[fault])
            reader.nodes = both
            assert reader.sync(wallet).status == "succeeded"
    assert reader.ledger() == {"ETH": Decimal("2.5"), "USDC": Decimal(1500)}
