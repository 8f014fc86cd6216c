"""The way of a newcomer in a real browser, on a desktop and a phone, light and dark; every page is looked at by axe.

`PICTURES=DIR` keeps a picture of each page there, for people to look at.
"""

import os
import re
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import httpx2
import psycopg
import pytest

from coinsphere.clock import iso
from coinsphere.portfolio.jobs import recompute
from tests.conftest import free_port
from tests.integration.local.chromium import PROGRAM
from tests.integration.webapi.conftest import OPTIONS, PASSWORD
from tests.integration.webapi.test_gunicorn import environment, wait_for
from tests.integration.webapi.test_schemathesis import LIMITS, started
from tests.integration.webui import seeds

pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason="Chromium is not installed: apt-get install chromium"
)
PICTURES = os.environ.get("PICTURES")
VIEWS = {"desktop": {"width": 1280, "height": 900}, "phone": {"width": 390, "height": 844}}


@dataclass(frozen=True)
class Served:
    """Running pages."""

    url: str
    database: str
    pipeline: str


@contextmanager
def serving(
    database, redis_url, model_server, keys_dir, home: Path, **more: str
) -> Iterator[Served]:
    """Running pages on a market; `more` are settings of theirs."""
    variables = {
        **environment(database, redis_url, home / "home", keys_dir),
        **LIMITS,
        "COINSPHERE_API_WORKERS": "1",
        "COINSPHERE_ML_URL": model_server.url,
        "COINSPHERE_STREAM_PORT": str(free_port()),
        **more,
    }
    seeds.market(database.owner)
    seeds.forecasts(model_server.answers)
    url = f"http://127.0.0.1:{variables['COINSPHERE_API_PORT']}"
    with streaming(variables), started(variables, url, home / "api.log"):
        yield Served(url, database.owner, database.pipeline)


@pytest.fixture(scope="module")
def served(
    module_database, module_redis, model_server, keys_dir, tmp_path_factory
) -> Iterator[Served]:
    home = tmp_path_factory.mktemp("served")
    with serving(module_database, module_redis.url, model_server, keys_dir, home) as running:
        yield running


@contextmanager
def streaming(variables: dict[str, str]) -> Iterator[None]:
    """The process that open pages hear of changes from."""
    stream = [sys.executable, "-m", "coinsphere.stream"]
    with subprocess.Popen(stream, env=variables) as process:
        try:
            health = f"http://127.0.0.1:{variables['COINSPHERE_STREAM_PORT']}/health"
            wait_for(lambda: httpx2.get(health, trust_env=False).json()["listening"], "the stream")
            yield
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def browser() -> Iterator:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=PROGRAM, args=["--no-sandbox"])
        yield opened
        opened.close()


@dataclass
class Walk:
    """A visit in one browser, and whatever was wrong on its way."""

    page: object
    served: Served
    name: str
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.wrong.append(f"{self.page.url}: {error}"))

    def _hear(self, said) -> None:
        if said.type in ("error", "warning"):
            self.wrong.append(f"{self.page.url}: {said.text}")

    def go(self, path: str) -> None:
        self.page.goto(self.served.url + path)

    def look(self, name: str) -> None:
        """Judge the page that is shown."""
        from axe_playwright_python.sync_playwright import Axe

        width = self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        if width > 0:
            self.wrong.append(f"{name}: {width} px wider than the screen")
        if PICTURES:
            Path(PICTURES).mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=f"{PICTURES}/{name}-{self.name}.png", full_page=True)
        found = Axe().run(self.page, options={"resultTypes": ["violations"]}).response["violations"]
        self.wrong += [
            f"{name}: {each['id']} {each['impact']}: {[node['html'][:160] for node in each['nodes'][:3]]}"
            for each in found
        ]


@pytest.fixture(
    params=[
        ("desktop", "light"),
        ("phone", "dark"),
        pytest.param(("desktop", "dark"), marks=pytest.mark.slow),
        pytest.param(("phone", "light"), marks=pytest.mark.slow),
    ],
    ids="-".join,
)
def walk(request, browser, served) -> Iterator[Walk]:
    view, scheme = request.param
    context = browser.new_context(
        viewport=VIEWS[view], color_scheme=scheme, has_touch=view == "phone", is_mobile=view == "phone",
        locale="en-US",
    )  # fmt: skip
    made = Walk(context.new_page(), served, f"{view}-{scheme}")
    yield made
    context.close()


def mailed(served: Served, email: str) -> str:
    with psycopg.connect(served.database) as conn:
        (text,) = conn.execute(
            "select body_text from app.mails where recipient = %s order by created_at desc limit 1",
            [email],
        ).fetchone()
    return re.search(r"http://localhost:\d+(/verify-email\?token=\S+)", text)[1]


def fill(served: Served, email: str) -> None:
    """What a newcomer will do by pages of portfolios: a portfolio with two purchases, booked and valued."""
    with httpx2.Client(trust_env=False, timeout=60, base_url=f"{served.url}/api/v1") as client:
        opened = client.post("/auth/login", json={"email": email, "password": PASSWORD}).json()
        client.headers["Authorization"] = f"Bearer {opened['accessToken']}"
        made = client.post("/portfolios", json={"name": "<b>Mine</b>"}).json()["portfolio"]["id"]
        now = datetime.now(UTC)
        bought = [
            {
                "portfolioId": made,
                "tokenSymbol": symbol,
                "type": "buy",
                "amount": amount,
                "pricePerUnit": price,
                "timestamp": iso(now - timedelta(days=200)),
            }
            for symbol, amount, price in (("BTC", "0.5", "100000"), ("ETH", "3", "3000"))
        ]
        assert client.post("/transactions/bulk", json={"transactions": bought}).status_code == 201
    with psycopg.connect(served.pipeline, autocommit=True, options=OPTIONS) as conn:
        recompute.update(conn, UUID(opened["user"]["id"]), now)


def search(page) -> None:
    """Look for a token while typing; what is typed before the page's scripts are there is not heard."""
    page.get_by_role("link", name="Markets", exact=True).click()
    page.wait_for_url("**/markets")
    page.get_by_role("searchbox").press_sequentially("bitc")
    page.get_by_role("link", name="ETH Ethereum").wait_for(state="detached")
    assert page.url.endswith("/markets?q=bitc")
    page.get_by_role("searchbox").fill("")
    page.get_by_role("link", name="ETH Ethereum").wait_for()


def watch(walk) -> None:
    """Put a token of the markets on the watchlist, look at that, and come back."""
    page = walk.page
    walk.look("markets")
    page.get_by_role("button", name="Watchlist: ETH").click()
    page.locator("#watch-ETH[aria-pressed=true]").wait_for()
    page.get_by_role("link", name="Watched").click()
    page.get_by_role("link", name="BTC Bitcoin").wait_for(state="detached")
    walk.look("watched")
    page.get_by_role("link", name="All", exact=True).click()


def test_the_way_of_a_newcomer(walk, served) -> None:
    page, email = walk.page, f"{secrets.token_hex(5)}@example.com"
    walk.go("/styleguide")
    walk.look("styleguide")
    walk.go("/")
    page.get_by_role("img", name="Price of the last weeks").wait_for()
    walk.look("front")
    page.get_by_role("link", name="Status").click()
    walk.look("status")
    walk.go("/")
    page.get_by_role("link", name="Create account").first.click()
    walk.look("register")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    page.get_by_role("heading", name="Dashboard").wait_for()
    walk.look("dashboard-empty")
    walk.go(mailed(served, email))
    walk.look("verify-email")
    page.get_by_role("button", name="Confirm my address").click()
    page.get_by_role("heading", name="Your address is confirmed").wait_for()
    walk.look("confirmed")
    walk.go("/profile")
    walk.look("profile")
    page.get_by_role("button", name="Log out").locator("visible=true").first.click()
    page.get_by_role("link", name="Log in").first.click()
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    walk.look("login")
    page.get_by_role("button", name="Log in", exact=True).click()
    page.get_by_role("heading", name="Dashboard").wait_for()
    fill(served, email)
    search(page)
    watch(walk)
    page.get_by_role("link", name="BTC Bitcoin").click()
    page.locator("#chart canvas").wait_for()
    walk.look("token")
    page.get_by_role("link", name="90d").click()
    page.locator("#chart a[aria-current]", has_text="90d").wait_for()
    page.locator("#chart canvas").wait_for()
    page.get_by_text("As a table").first.click()
    page.get_by_role("region", name="Prices").wait_for()
    walk.look("token-90d")
    walk.go("/dashboard")
    page.get_by_role("heading", name="What it is made of").wait_for()
    page.locator(".plot canvas").wait_for()
    walk.look("dashboard")
    walk.go("/nothing-here")
    walk.look("missing")
    # The browser itself reports that the page was not found.
    wrong = [each for each in walk.wrong if "404" not in each]
    assert wrong == []


def bought(served: Served, email: str) -> None:
    """A year of purchases in the first portfolio of somebody, valued as the worker does."""
    today = datetime.now(UTC).replace(hour=9, minute=0, second=0, microsecond=0)
    trades = [
        {"type": kind, "tokenSymbol": symbol, "amount": amount, "price": price,
         "timestamp": iso(today - timedelta(days=age))}
        for kind, symbol, amount, price, age in (
            ("buy", "BTC", "0.25", "61000", 360), ("buy", "ETH", "4", "2400", 300),
            ("buy", "SOL", "30", "120", 200), ("sell", "ETH", "1.5", "3300", 120),
            ("buy", "BTC", "0.1", "84000", 60), ("deposit", "ADA", "1500", None, 30),
        )
    ]  # fmt: skip
    with httpx2.Client(base_url=f"{served.url}/api/v1") as client:
        credentials = {"email": email, "password": PASSWORD}
        token = client.post("/auth/login", json=credentials).json()["accessToken"]
        client.headers["Authorization"] = f"Bearer {token}"
        assert client.post("/transactions/bulk", json={"transactions": trades}).is_success
        user = client.get("/auth/me").json()["user"]["id"]
    with psycopg.connect(served.database, autocommit=True, options=OPTIONS) as conn:
        recompute.update(conn, UUID(user), datetime.now(UTC))


def asks_what_it_needs(page) -> None:
    """The form of an alert shows a portfolio where one is watched, else a token."""
    for kind, shown, hidden in (
        ("reconciliation", "portfolio", "token"),
        ("price", "token", "portfolio"),
    ):
        page.get_by_label("Watch", exact=True).select_option(kind)
        page.get_by_label(f"Of the {shown}").wait_for()
        page.get_by_label(f"Of the {hidden}").wait_for(state="hidden")


def test_what_somebody_has(walk, served) -> None:
    page, email = walk.page, f"{secrets.token_hex(5)}@example.com"
    walk.go("/register")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    walk.go("/portfolios")
    walk.look("portfolios-empty")
    page.get_by_label("Name").fill("Long term")
    page.get_by_role("button", name="Make the portfolio").click()
    page.get_by_role("heading", name="Long term").wait_for()
    walk.look("portfolio-empty")
    home = urlsplit(page.url).path
    page.get_by_role("link", name="Add a transaction", exact=True).click()
    page.get_by_label("Token", exact=True).fill("nope")
    page.get_by_label("Quantity", exact=True).fill("0.01")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_text("Is no token that we know.").wait_for()
    walk.look("transaction-wrong")
    page.get_by_label("Token", exact=True).fill("BTC")
    page.get_by_role("button", name="Save", exact=True).click()
    bought(served, email)
    walk.go(f"{home}/transactions")
    walk.look("transactions")
    page.get_by_role("link", name="Sell 1.5 ETH").click()
    page.get_by_role("heading", name="Transaction", exact=True).wait_for()
    walk.look("transaction")
    walk.go("/alerts/new")
    asks_what_it_needs(page)
    page.get_by_label("Of the token").fill("BTC")
    page.get_by_label("This value").fill("100000")
    walk.look("alert-new")
    page.get_by_role("button", name="Set it").click()
    page.get_by_role("link", name="BTC price above").wait_for()
    walk.look("alerts")
    walk.go("/alerts/channels?kind=web_push")
    walk.look("channels")
    walk.go("/alerts")
    page.get_by_role("link", name="BTC price above").click()
    page.get_by_role("heading", name="How it fired").wait_for()
    walk.look("alert")
    walk.go(f"{home}?span=365")
    walk.look("portfolio")
    walk.go("/portfolios")
    walk.look("portfolios")
    walk.go(f"{home}/settings")
    page.get_by_role("button", name="Make a link").click()
    page.get_by_role("heading", name="Your link").wait_for()
    walk.look("portfolio-settings")
    # The browser itself reports that a form was refused.
    assert [each for each in walk.wrong if "400" not in each] == []


def test_logging_out_is_not_overtaken_by_the_stream(browser, served) -> None:
    """The session has ended, and open pages are told so, before the answer comes that leads to the front page."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{served.url}/register")
    page.get_by_label("E-mail address").fill(f"{secrets.token_hex(5)}@example.com")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    page.locator("html[data-live=on]").wait_for()

    def late(route) -> None:
        answer = route.fetch(max_redirects=0)
        # The stream closes meanwhile; to ask the page for that would wait for the answer that is held back.
        page.wait_for_timeout(5000)
        route.fulfill(response=answer)

    page.route("**/logout", late)
    page.get_by_role("button", name="Log out").locator("visible=true").first.click()
    page.wait_for_url(f"{served.url}/")
    assert page.get_by_role("link", name="Log in").first.is_visible()
    context.close()
