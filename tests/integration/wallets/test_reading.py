"""What is read of a wallet on a real EVM: each protocol, valued at our prices, and nothing counted twice."""

from decimal import Decimal, localcontext

import psycopg
import pytest

from coinsphere.defi import repository as positions
from coinsphere.defi import valuation
from coinsphere.defi.repository import StoredPosition
from tests.fakes.evm import world
from tests.fakes.evm.chain import NodeServer

# By protocol: kind, symbol and amount, as the contracts were told, worked out by hand.
EXPECTED = {
    "aave-v3": [
        ("borrowed", "USDC", "12000"),
        ("supplied", "ETH", "10"),
        ("supplied", "ETH", "1.2"),  # 1 wstETH
    ],
    "compound-v2": [("borrowed", "ETH", "0.5"), ("supplied", "USDC", "1000")],
    "compound-v3": [("borrowed", "USDC", "200"), ("supplied", "ETH", "0.3")],
    "lido": [("staked", "ETH", "1"), ("staked", "ETH", "2.4"), ("staked", "ETH", "4")],
    "rocket-pool": [("staked", "ETH", "3.3")],
    "curve": [
        ("liquidity", "DAI", "25"),
        ("liquidity", "DAI", "50"),
        ("liquidity", "USDC", "30"),
        ("liquidity", "USDC", "60"),
    ],
    "convex": [
        ("liquidity", "DAI", "10"),
        ("liquidity", "USDC", "12"),
        ("reward", "CRV", "5"),
        ("staked", "CVX", "8"),
    ],
    "yearn-v2": [
        ("liquidity", "DAI", "5.5"),
        ("liquidity", "USDC", "6.6"),
        ("supplied", "USDC", "105"),
    ],
    "balancer-v2": [("liquidity", "BAL", "100"), ("liquidity", "ETH", "0.2")],
    "sushiswap": [
        ("liquidity", "ETH", "0.1"),
        ("liquidity", "ETH", "0.2"),
        ("liquidity", "USDC", "300"),
        ("liquidity", "USDC", "600"),
        ("reward", "SUSHI", "4"),
    ],
}


def told(found: list[StoredPosition], slug: str) -> list[tuple[str, str | None, Decimal]]:
    return sorted(
        (str(each.position_type), each.token_symbol, each.amount.normalize())
        for each in found
        if each.protocol_slug == slug
    )


@pytest.fixture
def found(reader, owner: psycopg.Connection) -> list[StoredPosition]:
    done = reader.sync(reader.connect())
    assert (done.status, done.error) == ("succeeded", None)
    return positions.open_positions(owner, reader.user_id)


def test_every_protocol_is_read_as_its_contracts_say(found: list[StoredPosition]) -> None:
    expected = {
        slug: sorted((kind, symbol, Decimal(amount)) for kind, symbol, amount in rows)
        for slug, rows in EXPECTED.items()
    }
    assert {slug: told(found, slug) for slug in EXPECTED} == expected
    assert {each.protocol_slug for each in found} == {*EXPECTED, "uniswap-v3"}


def test_a_uniswap_position_gives_amounts_and_fees_as_its_formula_says(
    found: list[StoredPosition],
) -> None:
    """Against the formula of its white paper in decimals of sixty digits, not against our own whole numbers."""
    amounts = {(kind, symbol): amount for kind, symbol, amount in told(found, "uniswap-v3")}
    with localcontext(prec=60):
        root = Decimal(world.SQRT_PRICE) / 2**96
        low, high = (
            Decimal("1.0001") ** (Decimal(tick) / 2) for tick in (world.LOWER, world.UPPER)
        )
        usdc = world.LIQUIDITY * (1 / root - 1 / high) / 10**6
        ether = world.LIQUIDITY * (root - low) / 10**18
        fee = Decimal(world.LIQUIDITY * world.GROWTH >> 128)
    assert amounts["liquidity", "USDC"] == pytest.approx(usdc, rel=Decimal("1e-9"))
    assert amounts["liquidity", "ETH"] == pytest.approx(ether, rel=Decimal("1e-12"))
    assert amounts["reward", "USDC"] == (fee + world.OWED[0]).scaleb(-6)
    second = Decimal((world.LIQUIDITY * 2 * world.GROWTH >> 128) + world.OWED[1])
    assert amounts["reward", "ETH"] == second.scaleb(-18)


def test_debts_are_subtracted_and_what_has_no_price_is_named(found: list[StoredPosition]) -> None:
    sums = valuation.totals(found)
    chosen = {slug: sums.by_protocol[slug] for slug in ("aave-v3", "lido", "compound-v3")}
    assert chosen == {
        "aave-v3": 10 * 3000 + Decimal("1.2") * 3000 - 12_000,
        "lido": Decimal("7.4") * 3000,
        "compound-v3": Decimal("0.3") * 3000 - 200,
    }
    assert sums.by_kind["borrowed"] == 12_000 + 1_500 + 200
    assert sums.unpriced == ["BAL", "CVX", "SUSHI"]
    assert sums.total_value == sum(
        value for value in sums.by_protocol.values() if value is not None
    )


def test_a_receipt_is_no_balance_even_if_it_is_asked_for_and_spam_is_none_unasked(
    reader, owner: psycopg.Connection
) -> None:
    from coinsphere.wallets import repository

    wallet = reader.connect()
    reader.sync(wallet)
    assert {(each.symbol, each.amount) for each in repository.balances(owner, reader.user_id, wallet.id)} == {
        ("ETH", Decimal("2.5")),
        ("USDC", Decimal(1500)),
    }  # fmt: skip
    repository.tick(owner, wallet.id, [world.A_WETH, world.STETH, world.GAUGE, world.SPAM])
    reader.sync(wallet)
    symbols = {each.symbol for each in repository.balances(owner, reader.user_id, wallet.id)}
    assert symbols == {"ETH", "USDC", "Visit spam.example"}


def test_all_of_a_wallet_is_read_in_a_dozen_requests(reader, node: NodeServer) -> None:
    wallet = reader.connect()
    before = len(node.requests)
    reader.sync(wallet)
    assert len(node.requests) - before <= 12


def test_a_position_that_is_gone_is_closed_and_comes_back_as_a_new_one(
    reader, owner: psycopg.Connection, node: NodeServer
) -> None:
    assert node.chain is not None
    wallet = reader.connect()
    reader.sync(wallet)
    node.chain.send(world.UNISWAP, "set_liquidity", world.POSITION, 0)
    try:
        reader.sync(wallet)
        left = positions.open_positions(owner, reader.user_id)
        kinds = {str(each.position_type) for each in left if each.protocol_slug == "uniswap-v3"}
        assert kinds == {"reward"}
    finally:
        node.chain.send(world.UNISWAP, "set_liquidity", world.POSITION, world.LIQUIDITY)
    reader.sync(wallet)
    rows = owner.execute(
        """select count(*), count(*) filter (where closed_at is null) from app.defi_positions
           where position_key = %s""",
        [f"position:{world.POSITION}:{world.USDC.lower()}"],
    ).fetchone()
    assert rows == (2, 1)


def test_a_protocol_that_cannot_be_read_stays_as_it_was_and_hides_no_other(
    reader, owner: psycopg.Connection, node: NodeServer
) -> None:
    assert node.chain is not None
    wallet = reader.connect()
    reader.sync(wallet)
    before = told(positions.open_positions(owner, reader.user_id), "aave-v3")
    node.chain.send(world.AAVE, "break_or_repair")
    node.chain.send(world.STETH, "burn", world.OWNER, 10**18)
    try:
        done = reader.sync(wallet)
    finally:
        node.chain.send(world.AAVE, "break_or_repair")
        node.chain.send(world.STETH, "mint", world.OWNER, 10**18)
    after = positions.open_positions(owner, reader.user_id)
    assert (done.status, done.error) == ("succeeded", "Not read, and left as it was: aave-v3.")
    assert told(after, "aave-v3") == before
    assert ("staked", "ETH", Decimal(3)) in told(after, "lido")
