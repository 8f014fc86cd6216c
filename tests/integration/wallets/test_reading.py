"""What is read of a wallet on a real EVM: each protocol, valued at our prices, and nothing counted twice."""

from decimal import Decimal, localcontext

import psycopg
import pytest

from coinsphere.defi import repository as positions
from coinsphere.defi import valuation
from coinsphere.defi.model import Unreadable
from coinsphere.defi.protocols.convex import with_crv
from coinsphere.defi.protocols.uniswap_v3 import UniswapV3
from coinsphere.defi.repository import StoredPosition
from coinsphere.wallets import repository
from tests.fakes.evm import world
from tests.fakes.evm.chain import NodeServer

# By protocol: kind, symbol and amount, as the contracts were told, worked out by hand.
EXPECTED = {
    "aave-v3": [
        ("borrowed", "USDC", "12000"),
        ("supplied", "ETH", "10"),
        ("supplied", "ETH", "1.2"),  # 1 wstETH
        ("reward", "AAVE", "0.75"),
    ],
    "compound-v2": [
        ("borrowed", "ETH", "0.5"),
        ("supplied", "USDC", "1000"),
        ("reward", "COMP", "1.5"),
    ],
    "compound-v3": [
        ("borrowed", "USDC", "200"),
        ("supplied", "ETH", "0.3"),
        ("reward", "COMP", "2"),
    ],
    "lido": [("staked", "ETH", "1"), ("staked", "ETH", "2.4"), ("staked", "ETH", "4")],
    "rocket-pool": [("staked", "ETH", "3.3")],
    "curve": [
        ("liquidity", "DAI", "25"),
        ("liquidity", "DAI", "50"),
        ("liquidity", "USDC", "30"),
        ("liquidity", "USDC", "60"),
        ("reward", "CRV", "9"),
        ("reward", "LDO", "4"),
    ],
    "convex": [
        ("liquidity", "DAI", "10"),
        ("liquidity", "USDC", "12"),
        ("reward", "CRV", "5"),
        ("reward", "CVX", "3.75"),
        ("reward", "DAI", "2"),
        ("reward", "LDO", "6"),
        ("reward", "cvxCRV", "7"),
        ("staked", "CVX", "8"),
    ],
    "yearn-v2": [
        ("liquidity", "DAI", "5.5"),
        ("liquidity", "USDC", "6.6"),
        ("supplied", "USDC", "105"),
    ],
    "balancer-v2": [
        ("liquidity", "BAL", "100"),
        ("liquidity", "BAL", "200"),
        ("liquidity", "ETH", "0.2"),
        ("liquidity", "ETH", "0.4"),
        ("reward", "BAL", "3"),
        ("reward", "LDO", "1"),
    ],
    "sushiswap": [
        ("liquidity", "DAI", "15"),  # a pair of the second MasterChef
        ("liquidity", "ETH", "5"),
        ("reward", "SUSHI", "0.5"),
        ("liquidity", "DAI", "30"),  # a pair that only the curated list leads to
        ("liquidity", "USDC", "30"),
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
    assert sums.unpriced == ["AAVE", "BAL", "COMP", "CVX", "LDO", "SUSHI", "cvxCRV"]
    assert sums.total_value == sum(
        value for value in sums.by_protocol.values() if value is not None
    )


def test_a_receipt_is_no_balance_even_if_it_is_asked_for_and_spam_is_none_unasked(
    reader, owner: psycopg.Connection
) -> None:
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


def test_all_of_a_wallet_is_read_in_fourteen_requests(reader, node: NodeServer) -> None:
    wallet = reader.connect()
    before = len(node.requests)
    reader.sync(wallet)
    assert len(node.requests) - before <= 14


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


def test_pools_that_nobody_lists_are_read_once_ticked_and_contracts_that_lie_are_not_believed(
    reader, owner: psycopg.Connection
) -> None:
    """A stable pool with a gauge of the newer factory and a pair; a fake share, a fake gauge, a fake pair."""
    wallet = reader.connect()
    reader.sync(wallet)
    slugs = ("balancer-v2", "sushiswap")
    before = positions.open_positions(owner, reader.user_id)
    repository.tick(
        owner,
        wallet.id,
        [world.B_TICKED, world.B_TICKED_GAUGE, world.B_LIAR, world.B_LYING_GAUGE, world.TICKED_PAIR, world.LYING_PAIR],
    )  # fmt: skip
    assert reader.sync(wallet).error is None
    after = positions.open_positions(owner, reader.user_id)
    more = {slug: sorted(set(told(after, slug)) - set(told(before, slug))) for slug in slugs}
    assert more == {
        "balancer-v2": [
            ("liquidity", "DAI", Decimal(150)),
            ("liquidity", "DAI", Decimal(300)),
            ("liquidity", "USDC", Decimal(100)),
            ("liquidity", "USDC", Decimal(200)),
            ("reward", "BAL", Decimal(2)),
        ],
        "sushiswap": [
            ("liquidity", "ETH", Decimal(10)),
            ("liquidity", "Visit spam.example", Decimal(30)),
        ],
    }
    held = {each.contract_address for each in repository.balances(owner, reader.user_id, wallet.id)}
    assert {world.B_LIAR.lower(), world.LYING_PAIR.lower()} <= held
    assert not held & {
        each.lower() for each in (world.B_TICKED, world.B_TICKED_GAUGE, world.TICKED_PAIR)
    }


def test_rewards_that_cannot_be_read_stay_and_hide_no_debt(
    reader, owner: psycopg.Connection, node: NodeServer
) -> None:
    assert node.chain is not None
    wallet = reader.connect()
    reader.sync(wallet)
    before = told(positions.open_positions(owner, reader.user_id), "aave-v3")
    node.chain.send(world.AAVE, "break_or_repair_rewards")
    node.chain.send(world.AAVE, "set_user", world.USDC, world.OWNER, 0, 13_000 * 10**6)
    try:
        done = reader.sync(wallet)
    finally:
        node.chain.send(world.AAVE, "break_or_repair_rewards")
        node.chain.send(world.AAVE, "set_user", world.USDC, world.OWNER, 0, 12_000 * 10**6)
    assert done.error == "Not read, and left as it was: rewards of aave-v3."
    after = told(positions.open_positions(owner, reader.user_id), "aave-v3")
    assert after == [("borrowed", "USDC", Decimal(13_000)), *before[1:]]
    reader.sync(wallet)
    assert told(positions.open_positions(owner, reader.user_id), "aave-v3") == before


def test_a_reward_that_was_claimed_is_gone(
    reader, owner: psycopg.Connection, node: NodeServer
) -> None:
    assert node.chain is not None
    wallet = reader.connect()
    reader.sync(wallet)
    node.chain.send(
        world.COMET_REWARDS, "set_comet_reward", world.COMET, world.COMP, world.OWNER, 0
    )
    try:
        reader.sync(wallet)
    finally:
        node.chain.send(
            world.COMET_REWARDS,
            "set_comet_reward",
            world.COMET,
            world.COMP,
            world.OWNER,
            2 * 10**18,
        )
    kinds = {
        kind for kind, *_ in told(positions.open_positions(owner, reader.user_id), "compound-v3")
    }
    assert kinds == {"borrowed", "supplied"}


def test_a_thousand_positions_of_uniswap_are_all_read(
    reader, owner: psycopg.Connection, node: NodeServer
) -> None:
    """More than a request holds, and more than once were read."""
    assert node.chain is not None
    many = "0x3a0e000000000000000000000000000000000001"
    node.chain.send(world.UNISWAP, "add_many", many, 10_000, 1_200, world.POSITION)
    before = len(node.requests)
    done = reader.sync(reader.connect(address=many))
    assert (done.status, done.error) == ("succeeded", None)
    rows = owner.execute(
        """select position_type, count(*), count(distinct amount) from app.defi_positions
           where position_key like 'position:1%%' and closed_at is null group by 1 order by 1"""
    ).fetchall()
    assert rows == [("liquidity", 2_400, 2), ("reward", 2_400, 2)]
    assert len(node.requests) - before <= 16


def test_more_positions_than_can_be_read_are_none_instead_of_some() -> None:
    """A part of them would close the others."""
    plan = UniswapV3(world.UNISWAP)(world.OWNER)
    next(plan)
    with pytest.raises(Unreadable, match="more than"):
        plan.send([(world.ELSE,), (20_001,)])


@pytest.mark.parametrize(
    ("supply", "expected"),
    [(0, 100), (250, 75), (990, 1), (999, 1), (1_000, 0), (5_000, 0)],
)
def test_cvx_comes_with_crv_ever_less_until_there_is_no_more(supply: int, expected: int) -> None:
    """A hundred cliffs of ten, as its token counts."""
    assert with_crv(100, supply, 10, 100, 1_000) == expected


def test_a_last_cvx_is_not_exceeded() -> None:
    assert with_crv(10_000, 998, 10, 100, 1_000) == 2
    assert with_crv(100, 10, 0, 100, 1_000) == 0
