"""An exchange and a wallet connected in a real browser, against local exchanges and a wallet of ours; see `test_in_chromium`."""

from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest
from eth_account import Account
from eth_account.messages import encode_defunct

from coinsphere.chains.nodes import Nodes
from coinsphere.clock import utc_now
from coinsphere.wallets import sync
from tests.fakes.evm import world
from tests.fakes.evm.chain import NodeServer
from tests.fakes.exchange_kraken import KrakenAccount
from tests.fakes.exchange_server import ExchangeServer
from tests.fakes.exchange_server import serving as exchanges
from tests.integration.local.chromium import PROGRAM
from tests.integration.wallets.conftest import PRICES, node_settings
from tests.integration.wallets.conftest import node as node  # noqa: PLC0414 - a fixture
from tests.integration.webapi.conftest import OPTIONS, quote
from tests.integration.webui.test_account_in_chromium import mended, register
from tests.integration.webui.test_in_chromium import Served, serving
from tests.integration.webui.test_in_chromium import browser as browser  # noqa: PLC0414 - a fixture
from tests.integration.webui.test_in_chromium import walk as walk  # noqa: PLC0414 - a fixture

pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason="Chromium is not installed: apt-get install chromium"
)
HOSTILE = "<img src=x onerror=alert(1)>"
WALLET = """
window.ethereum = { request: async ({ method, params }) =>
    method === "eth_requestAccounts" ? [await window.__address()] : await window.__sign(params[0]) };
"""


@pytest.fixture(scope="module")
def exchange() -> Iterator[ExchangeServer]:
    with exchanges(KrakenAccount()) as server:
        yield server


@pytest.fixture(scope="module")
def served(  # noqa: PLR0917 - fixtures
    module_database, module_redis, model_server, keys_dir, tmp_path_factory, exchange
) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("served")
    more = {"COINSPHERE_EXCHANGE_BASE_URL": exchange.url}
    with serving(
        module_database, module_redis.url, model_server, keys_dir, home, **more
    ) as running:
        yield running


def verified(walk) -> None:
    email = register(walk)
    with psycopg.connect(walk.served.database, autocommit=True) as conn:
        conn.execute("update app.users set email_verified = true where email = %s", [email])


def test_an_exchange(walk, exchange) -> None:
    page = walk.page
    kraken = exchange.dialects["kraken"] = KrakenAccount()
    verified(walk)
    walk.go("/portfolios")
    page.get_by_role("link", name="Exchanges and wallets").click()
    walk.look("connections-empty")
    page.get_by_role("link", name="Connect an exchange").click()
    page.get_by_label("Key", exact=True).fill(kraken.key)
    page.get_by_label("Secret").fill("bm90IHRoZSBzZWNyZXQ=")
    page.get_by_label("Name").fill(HOSTILE)
    look = page.get_by_role("button", name="Look what the key may do")
    look.click()
    page.locator("#verdict [role=alert]").wait_for()
    walk.look("exchange-refused")
    page.get_by_label("Secret").fill(kraken.secret)
    kraken.permissions = [*kraken.permissions, "withdraw-funds"]
    look.click()
    page.get_by_text("withdraw", exact=False).and_(page.locator("#verdict span")).wait_for()
    kraken.permissions[-1] = "modify-trades"
    look.click()
    page.get_by_text("The key works, but it can trade.").wait_for()
    walk.look("exchange-can-trade")
    kraken.permissions.pop()
    look.click()
    page.get_by_text("The key works and can only read.").wait_for()
    walk.look("exchange-read-only")
    page.get_by_role("button", name="Connect it").click()
    page.get_by_role("heading", name="How reading goes").wait_for()
    page.get_by_text(HOSTILE).wait_for()
    walk.look("exchange")
    assert kraken.secret not in page.content()
    page.get_by_label("It is read").select_option("60")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Saved.").wait_for()
    with psycopg.connect(walk.served.database, autocommit=True) as conn:
        conn.execute(
            "update app.exchange_syncs set status = 'failed', error = 'kraken: trades: away',"
            " started_at = now(), finished_at = now()"
        )
    page.get_by_text("Reading stopped: kraken: trades: away").wait_for()
    walk.go("/connections")
    walk.look("connections")
    page.get_by_role("button", name="Read now: Kraken").click()
    page.get_by_text("waits for its turn").wait_for()
    page.get_by_role("heading", name="Remove the connection").click()
    page.get_by_role("button", name="Remove it").click()
    page.get_by_text("Forgotten, with its key.").wait_for()
    assert mended(walk) == []


def test_a_wallet(walk) -> None:
    page, own = walk.page, Account.create()
    page.expose_function("__address", lambda: own.address)
    page.expose_function(
        "__sign",
        lambda text: own.sign_message(encode_defunct(hexstr=text)).signature.to_0x_hex(),
    )
    page.add_init_script(WALLET)
    register(walk)
    walk.go("/connections/wallets/new")
    page.get_by_label("Address").fill("abandon " * 11 + "about")
    page.get_by_role("button", name="Watch it").click()
    page.locator(".alarm:visible").wait_for()
    assert "abandon" not in page.locator("main").inner_text()
    page.get_by_label("Address").fill("0x123")
    page.get_by_role("button", name="Watch it").click()
    page.locator(".fault").wait_for()
    walk.look("wallet-wrong")
    page.get_by_label("Name").fill(HOSTILE)
    page.get_by_role("button", name="Prove it is mine").click()
    page.get_by_text("proved by a signature").wait_for()
    walk.look("wallet")
    page.get_by_role("heading", name="Other tokens to look for").click()
    page.get_by_label("Contracts").fill("nonsense")
    page.get_by_role("button", name="Save").click()
    page.locator(".fault").wait_for()
    walk.go("/connections")
    page.get_by_text(HOSTILE).wait_for()
    walk.look("connections-wallet")
    page.get_by_role("link", name=HOSTILE).click()
    page.get_by_role("heading", name="Remove the wallet").click()
    page.get_by_role("button", name="Remove it").click()
    page.get_by_text("The wallet is forgotten").wait_for()
    assert mended(walk) == []


def read(walk, node: NodeServer) -> None:
    """The wallet's chain, as the worker does."""
    nodes = Nodes(node_settings(f"ethereum={node.url}"))
    with psycopg.connect(walk.served.pipeline, autocommit=True, options=OPTIONS) as conn:
        for symbol, price in PRICES.items():
            quote(conn, symbol, price, at=datetime.now(UTC))
        (queued,) = conn.execute(
            "select id from app.wallet_syncs where status = 'queued' order by created_at desc limit 1"
        ).fetchone()
        sync.run(conn, queued, nodes, utc_now, is_last_try=True)
    nodes.close()


def test_what_a_wallet_has_in_protocols(walk, node) -> None:
    page = walk.page
    register(walk)
    walk.go("/connections/wallets/new")
    page.get_by_label("Address").fill(world.OWNER)
    page.get_by_role("button", name="Watch it").click()
    page.get_by_text("Not read yet.").wait_for()
    read(walk, node)
    page.reload()
    held = page.get_by_role("table", name="In protocols")
    debt = held.get_by_role("row", name="12,000 USDC borrowed")
    assert "-$12,000.00" in debt.inner_text()
    # 10 and 1.2 ETH at 3,000 dollars, less the debt; of the reward no price is known.
    assert "$21,600.00" in held.get_by_role("row", name="Aave V3").inner_text()
    walk.look("wallet-in-protocols")
    walk.go("/connections")
    assert held.get_by_role("row").count() > 5
    walk.look("connections-in-protocols")
    assert mended(walk) == []
