"""A file with errors, from the drop to the books, in a real browser; see `test_in_chromium`."""

from uuid import UUID

import psycopg
import pytest

from coinsphere.clock import utc_now
from coinsphere.portfolio.imports import importing
from tests.integration.local.chromium import PROGRAM
from tests.integration.webapi.conftest import OPTIONS
from tests.integration.webui.test_account_in_chromium import mended, register
from tests.integration.webui.test_in_chromium import Walk
from tests.integration.webui.test_in_chromium import browser as browser  # noqa: PLC0414 - a fixture
from tests.integration.webui.test_in_chromium import served as served  # noqa: PLC0414 - a fixture
from tests.integration.webui.test_in_chromium import walk as walk  # noqa: PLC0414 - a fixture

pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason="Chromium is not installed: apt-get install chromium"
)
HOSTILE = "<img src=x onerror=alert(1)>"
LINES = [
    "date,type,token,amount,price,currency,fee,exchange,notes",
    "2025-02-01T09:30:00Z,buy,BTC,0.25,61000,USD,12.5,Kraken,first",
    f"2025-03-04T12:00:00Z,buy,ETH,4,2400,USD,3.2,Kraken,{HOSTILE}",
    "2025-05-06T15:45:00Z,sell,ETH,1.5,3300,USD,4.95,Kraken,",
    f"2025-06-07T08:00:00Z,buy,{HOSTILE},1,2,USD,,,",
    "someday,buy,BTC,1,2,USD,,,",
    "2025-07-08T10:00:00Z,buy,SOL,minus one,120,USD,,,",
]


def made(walk: Walk) -> str:
    """The address of a new portfolio."""
    walk.go("/portfolios")
    walk.page.get_by_label("Name").fill("Long term")
    walk.page.get_by_role("button", name="Make the portfolio").click()
    walk.page.get_by_role("heading", name="Long term").wait_for()
    return walk.page.url


def chosen(walk: Walk, name: str, text: str) -> None:
    file = {"name": name, "mimeType": "text/csv", "buffer": text.encode()}
    walk.page.locator("input[type=file]").set_input_files(file)


def test_a_file_with_errors(walk) -> None:
    page, _ = walk.page, register(walk)
    home = made(walk)
    page.get_by_role("link", name="Import a file", exact=True).click()
    chosen(walk, f"{HOSTILE}.csv", "\n".join(LINES))
    walk.look("import")
    page.get_by_role("button", name="Look at it").click()
    page.get_by_role("heading", name="3 lines are wrong").wait_for()
    page.get_by_text("Buy 0.25 BTC").wait_for()
    walk.look("import-preview")
    page.get_by_role("button", name="Book 3 transactions").click()
    page.get_by_role("heading", name="Waits for its turn").wait_for()
    walk.look("import-waiting")
    with psycopg.connect(walk.served.pipeline, autocommit=True, options=OPTIONS) as conn:
        importing.run(conn, UUID(page.url.rpartition("/")[2]), utc_now)
    page.get_by_role("heading", name="3 transactions are in the books").wait_for()
    walk.look("import-done")
    page.goto(f"{home}/transactions")
    page.get_by_role("link", name="Buy 4 ETH").wait_for()
    page.goto(f"{home}/imports")
    walk.look("imports")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download CSV").click()
    assert "61000" in download.value.path().read_text()
    assert mended(walk) == []


def test_what_is_asked_and_what_is_large(walk) -> None:
    page, _ = walk.page, register(walk)
    home = made(walk)
    page.goto(f"{home}/imports")
    chosen(walk, "tag.csv", "Tag;Menge;Münze;Notiz\n03/04/2025;0,5;BTC;x\n04/04/2025;1,25;ETH;y\n")
    page.get_by_role("button", name="Look at it").click()
    page.get_by_label("When *").select_option("Tag")
    page.get_by_label("Token *").select_option("Münze")
    page.get_by_label("Quantity *").select_option("Menge")
    walk.look("import-mapping")
    page.get_by_role("button", name="Read it so").click()
    page.get_by_role("heading", name="The file leaves something open").wait_for()
    page.get_by_label("day, month, year").check()
    walk.look("import-questions")
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("button", name="Book 2 transactions").wait_for()
    page.goto(f"{home}/imports")
    text = "date,type,token,amount,price,notes\n" + "".join(
        f"2025-01-{1 + number % 28:02},buy,BTC,0.{number + 1},60000,{'ü' * 40}\n"
        for number in range(8_000)
    )
    chosen(walk, "large.csv", text)
    page.get_by_role("button", name="Look at it").click()
    page.get_by_role("button", name="Book 8,000 transactions").or_(
        page.get_by_role("button", name="Book 8000 transactions")
    ).wait_for(timeout=120_000)
    assert mended(walk) == []
