"""`coinsphere integrity` finds each planted fault, and nothing where there is none."""

import json

import psycopg
import pytest
from click.testing import CliRunner

from coinsphere.cli.main import cli
from coinsphere.portfolio import integrity
from tests.integration.portfolio.conftest import World

PLANTED = {
    "ledger_sums": "update app.ledger_entries set amount = amount + 1 where account = 'trade'",
    "ledger_of_facts": "insert into app.ledger_entries (user_id, portfolio_id, transaction_id, account, token_id, amount)"
    " select user_id, portfolio_id, id, a, token_id, n from app.transactions, (values ('holding', 1), ('trade', -1)) v (a, n)",
    "ledger_orphans": "update app.ledger_entries set portfolio_id = gen_random_uuid()",
    "one_current_version": "update app.transactions set version = 5 where type = 'buy'",
    "positions_of_ledger": "update app.positions set amount = amount + 1",
    "lots_of_positions": "update app.lots set cost = cost + 0.000000000000000001",
    "no_lot_overused": "update app.lot_uses set quantity = quantity * 100 where lot_number is not null",
    "position_days": "update app.positions set until_day = from_day + 1",
    "holdings_of_positions": "update app.holdings set amount = amount * 2",
    "value_days": "delete from app.portfolio_values_daily where day = '2026-02-20'",
    "realised_days": "update app.portfolio_values_daily set realised = realised + 1 where day = '2026-02-20'",
    "transaction_counts": "update app.portfolio_states set transaction_count = transaction_count + 1",
    "matches_of_transfers": "update app.transfer_matches set in_fact_id = gen_random_uuid()",
}


@pytest.fixture
def kept(world: World) -> World:
    """Sound books with a sale, a transfer, a reward and a correction."""
    world.record(
        world.new("buy", "BTC", 2, 100, 1),
        world.new("sell", "BTC", 1, 200, 2),
        world.new("transfer_out", "BTC", "0.5", None, 3),
        world.new("transfer_in", "BTC", "0.5", None, 3, 12, portfolio_id=world.vault),
        world.new("staking", "ETH", 1, None, 4),
        world.new("sell", "ETH", 3, 2000, 5),
    )
    world.work()
    return world


def test_every_check_has_its_planted_fault() -> None:
    assert set(PLANTED) == {check.name for check in integrity.CHECKS}


def test_sound_books_pass_and_each_fault_is_found(kept: World, owner) -> None:
    assert [result for result in integrity.check(kept.conn) if not result.holds] == []
    for name, fault in PLANTED.items():
        # Only who may disable triggers can plant it.
        with owner.transaction(force_rollback=True):
            for table in ("transactions", "ledger_entries"):
                owner.execute(f"alter table app.{table} disable trigger user")
            owner.execute(fault)
            found = {result.name: result for result in integrity.check(owner)}
        assert found[name].faults > 0, name
        assert found[name].examples[0]


def test_the_command_says_so_by_its_exit_and_health_until_it_is_mended(
    kept: World, owner, database, monkeypatch
) -> None:
    monkeypatch.setenv("COINSPHERE_DATABASE_URL", database.pipeline)
    sound = CliRunner().invoke(cli, ["integrity", "--json"])
    assert sound.exit_code == 0, sound.output
    assert {row["faults"] for row in json.loads(sound.output)} == {0}
    assert integrity.last_problems(owner) == []
    owner.execute("update app.holdings set amount = amount * 2")
    broken = CliRunner().invoke(cli, ["integrity"])
    assert broken.exit_code == 1
    assert "holdings_of_positions" in broken.output
    with psycopg.connect(database.api) as api:
        (problem,) = integrity.last_problems(api)
        assert problem.startswith("faults in holdings_of_positions: ")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            api.execute("update app.books_verdict set problems = '{}'")
    owner.execute("update app.holdings set amount = amount / 2")
    assert CliRunner().invoke(cli, ["integrity"]).exit_code == 0
    assert integrity.last_problems(owner) == []
