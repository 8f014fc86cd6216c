"""What a portfolio is worth and why, what asks for attention, and an alert's past, in a real browser; see `test_in_chromium`."""

from urllib.parse import urlsplit

import pytest

from tests.integration.local.chromium import PROGRAM
from tests.integration.webui.test_account_in_chromium import mended, register
from tests.integration.webui.test_import_in_chromium import made
from tests.integration.webui.test_in_chromium import bought
from tests.integration.webui.test_in_chromium import browser as browser  # noqa: PLC0414 - a fixture
from tests.integration.webui.test_in_chromium import served as served  # noqa: PLC0414 - a fixture
from tests.integration.webui.test_in_chromium import walk as walk  # noqa: PLC0414 - a fixture

pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason="Chromium is not installed: apt-get install chromium"
)


def test_a_portfolio_and_its_reasons(walk) -> None:
    page, email = walk.page, register(walk)
    home = urlsplit(made(walk)).path
    bought(walk.served, email)
    walk.go(f"{home}?span=365&benchmark=ETH")
    page.locator("#outlook .fan").wait_for(timeout=60_000)
    page.get_by_text("the same time in it").wait_for()
    walk.look("portfolio-whole")
    page.get_by_role("link", name="How was this computed?").click()
    page.get_by_role("heading", name="Parts of the time-weighted return").wait_for()
    walk.look("portfolio-trail")
    walk.go(f"{home}/issues")
    page.get_by_text("What 1500 ADA received").wait_for()
    walk.look("issues")
    page.get_by_role("button", name="Dismiss: What 1500 ADA").click()
    page.get_by_text("Nothing asks for you").wait_for()
    walk.look("issues-none")
    walk.go(f"{home}/transactions")
    page.get_by_role("link", name="Sell 1.5 ETH").click()
    page.get_by_role("heading", name="What it used").wait_for()
    walk.look("transaction-lots")
    walk.go(f"{home}/transactions")
    page.get_by_label("Choose: Sell 1.5 ETH").check()
    walk.look("transactions-chosen")
    page.get_by_role("button", name="Delete the chosen").click()
    page.get_by_text("1 transaction is taken back").wait_for()
    walk.go("/alerts/new?tokenSymbol=BTC&threshold=90000")
    page.get_by_role("button", name="When would it have fired?").click()
    page.get_by_text("in the last 90 days").wait_for()
    walk.look("alert-preview")
    page.get_by_label("Until").fill("2999-12-31")
    page.get_by_role("button", name="Set it").click()
    page.get_by_role("link", name="BTC price above").click()
    page.get_by_role("button", name="When would it have fired?").click()
    page.get_by_text("in the last 90 days").wait_for()
    walk.look("alert-edit")
    assert mended(walk) == []
