"""Great Expectations' pages of a suite, in a real browser that reaches no network."""

import pandas as pd
import pytest
from playwright.sync_api import sync_playwright
from starlette.testclient import TestClient

from coinsphere.settings import Settings
from expectations import data_docs, runner, standalone_pages
from expectations.data_docs import Site
from expectations.suites.rules import Rule, Severity
from orchestration.servers import documents
from tests.integration.local.chromium import PROGRAM

HOSTILE = "<img src=https://evil.example/x onerror=alert(1)><script>alert(1)</script>"
RULES = (
    Rule("prices_are_positive", "Of prices.", Severity.CRITICAL, "ExpectColumnValuesToBeBetween", {"column": "price", "min_value": 0}),
    Rule("symbols_are_known", "Of symbols.", Severity.CRITICAL, "ExpectColumnValuesToBeInSet", {"column": "symbol", "value_set": ["BTC", "ETH"]}),
)  # fmt: skip


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    settings = Settings(home=tmp_path_factory.mktemp("home"))
    site = Site(documents.checks(settings), "check_quotes")
    frame = pd.DataFrame({"symbol": ["BTC", HOSTILE], "price": [1.0, 2.0]})
    runner.validate(frame, RULES, ["symbol"], site)
    return settings


def test_pages_are_whole_where_there_is_no_network(pages) -> None:
    folder = data_docs.pages(documents.checks(pages))
    if PROGRAM is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    asked: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=["--no-sandbox"])
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto((folder / "index.html").as_uri())
        row = page.get_by_role("row", name="check_quotes")
        assert "1 broken" in row.inner_text()
        assert "symbols_are_known" in row.inner_text()
        assert "prices_are_positive" not in row.inner_text()
        page.get_by_role("link", name="check_quotes").click()
        fine, wrong = (
            page.get_by_text("greater than or equal to"),
            page.get_by_text("belong to this set"),
        )
        assert fine.first.is_visible()
        assert wrong.first.is_visible()
        page.get_by_text("Failed Only").click()
        assert not fine.first.is_visible()
        assert wrong.first.is_visible()
        header = page.get_by_role("navigation").first.bounding_box()
        assert header["height"] < 80
        browser.close()
    assert [each for each in asked if not each.startswith("file:")] == []


def test_they_load_nothing_and_run_nothing(pages) -> None:
    folder = data_docs.pages(documents.checks(pages))
    built = {page: page.read_text(encoding="utf-8") for page in folder.rglob("*.html")}
    assert len(built) == 3
    for text in built.values():
        assert "<script" not in text
        assert "onclick" not in text
        assert "url('http" not in text
    client = TestClient(documents.DocumentsMiddleware(lambda *_: None, pages))
    answer = client.get(documents.CHECKS)
    assert answer.headers["Content-Security-Policy"] == standalone_pages.POLICY
    standalone_pages.finish(folder, documents.checks(pages) / "gx/uncommitted/validations")
    assert {page: page.read_text(encoding="utf-8") for page in built} == built
