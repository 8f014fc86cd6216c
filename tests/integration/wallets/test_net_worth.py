"""Net worth of a portfolio: what it holds and what its wallets have in protocols, nothing twice, debts subtracted."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import psycopg
import pytest

from coinsphere.defi import net_worth
from coinsphere.defi import repository as positions_store
from coinsphere.defi.net_worth import InProtocols
from coinsphere.portfolio.valuation import current_holdings
from coinsphere.wallets import repository
from tests.fakes.evm import world
from tests.fakes.evm.chain import NodeServer


@pytest.fixture
def worth(reader):
    """Holdings' value, what lies in protocols, and net worth, as they are now, in a currency."""

    def ask(currency: str = "USD") -> tuple[Decimal | None, InProtocols, Decimal | None]:
        reader.ledger()
        currencies: dict[UUID, str] = {reader.portfolio_id: currency}
        held = current_holdings.holdings(
            reader.owner, reader.user_id, currencies, reader.now, timedelta(hours=1)
        )
        total = current_holdings.totals(held[reader.portfolio_id])
        positions = positions_store.open_positions(reader.owner, reader.user_id)
        protocols = net_worth.of_positions(reader.owner, positions, currencies, reader.now.date())[
            reader.portfolio_id
        ]
        worth = net_worth.net_worth(total.total_value, total.holdings_count, protocols)
        return total.total_value, protocols, worth

    return ask


def test_coins_that_go_into_a_protocol_and_debts_that_come_out_leave_net_worth_as_it_is(
    reader, node: NodeServer, worth
) -> None:
    assert node.chain is not None
    chain, wallet = node.chain, reader.connect(booked=True)
    reader.sync(wallet)
    held, protocols, before = worth()
    assert held == Decimal("2.5") * 3000 + 1500
    assert before == held + protocols.total_value

    # 1,000 USDC are supplied, and 500 more borrowed, which lie in the wallet.
    chain.send(world.USDC, "burn", world.OWNER, 500 * 10**6)
    chain.send(world.AAVE, "set_user", world.USDC, world.OWNER, 1_000 * 10**6, 12_500 * 10**6)
    try:
        reader.sync(wallet)
        held, protocols, after = worth()
    finally:
        chain.send(world.USDC, "mint", world.OWNER, 500 * 10**6)
        chain.send(world.AAVE, "set_user", world.USDC, world.OWNER, 0, 12_000 * 10**6)
    assert (held, after) == (Decimal("2.5") * 3000 + 1000, before)
    assert protocols.by_kind["borrowed"] == 12_500 + 200 + 1_500


def test_a_receipt_that_is_ticked_is_counted_once(reader, owner: psycopg.Connection, worth) -> None:
    """An aToken and stETH lie in the wallet, and are the position that they stand for."""
    wallet = reader.connect(booked=True)
    reader.sync(wallet)
    *_, before = worth()
    repository.tick(
        owner, wallet.id, [world.A_WETH, world.STETH, world.RETH, world.LP, world.GAUGE]
    )
    reader.sync(wallet)
    assert worth()[2] == before


def test_it_is_in_the_currency_of_the_portfolio_and_unknown_where_no_rate_is(
    reader, owner: psycopg.Connection, worth
) -> None:
    reader.sync(reader.connect(booked=True))
    _, in_dollars, dollars = worth()
    _, in_ether, ether = worth("ETH")
    assert in_ether.total_value == pytest.approx(
        in_dollars.total_value / 3000, rel=Decimal("1e-17")
    )
    assert ether == pytest.approx(dollars / 3000, rel=Decimal("1e-17"))
    held, unknown, nothing = worth("CHF")
    assert (held, unknown.total_value, nothing) == (None, None, None)
    assert unknown.positions_count > 20
    assert "BAL" in unknown.unpriced


def test_what_only_watched_wallets_have_is_in_no_portfolio(reader, worth) -> None:
    reader.sync(reader.connect())
    held, protocols, total = worth()
    assert (held, protocols.total_value, protocols.positions_count, total) == (0, 0, 0, 0)


def test_a_portfolio_with_positions_alone_has_their_worth_and_unpriced_ones_are_not_zero(
    reader, owner: psycopg.Connection, worth
) -> None:
    wallet = reader.connect(booked=True)
    reader.sync(wallet)
    owner.execute("delete from market.quotes")
    held, protocols, total = worth()
    assert (held, protocols.total_value, total) == (None, None, None)
    assert {"ETH", "USDC"} <= set(protocols.unpriced)
