"""Open pages in a real browser follow what happens: prices, values, firings, and the end of their session."""

import re
import secrets
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import psycopg
import pytest
from playwright.sync_api import Error

from coinsphere.alerts import evaluation, repository
from coinsphere.alerts.mails import AlertMails
from coinsphere.alerts.repository import NewAlert
from coinsphere.alerts.rules import AlertType, Condition
from coinsphere.flags.client import Flags
from tests.integration.local.chromium import PROGRAM
from tests.integration.webapi.conftest import OPTIONS, PASSWORD, quote
from tests.integration.webui.test_in_chromium import Walk, fill, mailed
from tests.integration.webui.test_in_chromium import browser as browser  # noqa: PLC0414 - a fixture
from tests.integration.webui.test_in_chromium import served as served  # noqa: PLC0414 - a fixture
from tests.integration.webui.test_in_chromium import walk as walk  # noqa: PLC0414 - a fixture

pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason="Chromium is not installed: apt-get install chromium"
)


@pytest.fixture
def member(browser, served):
    """Somebody with a portfolio, whose browser shows the dashboard and hears the stream."""
    context = browser.new_context(locale="en-US")
    walk = Walk(context.new_page(), served, "live")
    walk.email = register(walk)
    fill(served, walk.email)
    walk.go("/dashboard")
    is_live(walk.page)
    yield walk
    context.close()


def register(walk: Walk) -> str:
    email = f"{secrets.token_hex(5)}@example.com"
    walk.go("/register")
    walk.page.get_by_label("E-mail address").fill(email)
    walk.page.get_by_label("Password", exact=True).fill(PASSWORD)
    walk.page.get_by_role("button", name="Create account").click()
    walk.page.get_by_role("heading", name="Dashboard").wait_for()
    return email


def is_live(page) -> None:
    page.locator("html[data-live=on]").wait_for(state="attached")


@pytest.fixture
def outside(served):
    with psycopg.connect(served.pipeline, autocommit=True, options=OPTIONS) as conn:
        yield conn


def test_prices_values_and_firings_are_seen_without_asking(member, served, outside) -> None:
    page = member.page
    page.evaluate("globalThis.isSamePage = true")
    quote(outside, "BTC", "100000.5", at=datetime.now(UTC))
    quote(outside, "ETH", "2000", at=datetime.now(UTC))
    # 0.5 BTC and 3 ETH.
    page.get_by_text("$56,000.25").wait_for()
    assert page.evaluate("globalThis.isSamePage")
    with psycopg.connect(served.database, autocommit=True, options=OPTIONS) as conn:
        owner = conn.execute("select id from app.users where email = %s", [member.email])
        (token,) = conn.execute("select id from market.tokens where symbol = 'BTC'").fetchone()
        new = NewAlert(
            AlertType.PRICE, Condition.ABOVE, Decimal(101_000), token_id=token, channels=("stream",)
        )
        repository.create(conn, owner.fetchone()[0], new)
    evaluate(outside)
    quote(outside, "BTC", "101500", at=datetime.now(UTC))
    assert evaluate(outside) >= 1
    said = page.locator("#fired-now .toast")
    said.wait_for()
    assert "BTC price above $101,000.00 · now $101,500.00" in said.inner_text()
    page.locator("#fired a", has_text="BTC price above $101,000.00").wait_for()
    page.locator("#outlook svg").wait_for()
    member.look("live-dashboard")
    page.goto(f"{served.url}/tokens/BTC")
    is_live(page)
    page.evaluate("globalThis.isSamePage = true")
    quote(outside, "BTC", "98765.43", at=datetime.now(UTC))
    page.locator("#head", has_text="$98,765.43").wait_for()
    assert page.evaluate("globalThis.isSamePage")
    assert member.wrong == []


COUNTING = "addEventListener('click', (event) => { if (event.isTrusted && event.detail) __clicked(); }, true);"
GUIDE = Path(__file__).resolve().parents[3] / "docs" / "guides" / "webui.md"


def test_a_newcomer_is_told_by_an_alert_after_as_many_clicks_as_the_guide_says(
    walk, served, outside
) -> None:
    """From the front page to an alert that fires; nothing but clicks and what is typed, the link in the mail is one, too."""
    page, clicks = walk.page, []
    page.expose_function("__clicked", lambda: clicks.append(page.url))
    page.add_init_script(COUNTING)
    quote(outside, "ETH", "3000", at=datetime.now(UTC))
    email = f"{secrets.token_hex(5)}@example.com"
    walk.go("/")
    page.get_by_role("link", name="Create account").first.click()
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Create account").click()
    page.get_by_role("heading", name="Three steps to your first value").wait_for()
    clicks.append("the link in the mail")
    walk.go(mailed(served, email))
    page.get_by_role("button", name="Confirm my address").click()
    page.get_by_role("link", name="To the dashboard").click()
    page.get_by_role("link", name="Begin", exact=True).click()
    page.get_by_label("Name").fill("Savings")
    page.get_by_role("button", name="Make the portfolio").click()
    page.get_by_role("link", name="Add a transaction", exact=True).click()
    page.get_by_label("Token", exact=True).fill("ETH")
    page.get_by_label("Quantity", exact=True).fill("2")
    page.get_by_label("Price of one").fill("2500")
    page.get_by_role("button", name="Save", exact=True).click()
    page.get_by_role("link", name="ETH", exact=False).first.click()
    page.locator("#chart canvas").wait_for()
    page.get_by_label("US dollars").fill("3100")
    page.get_by_role("button", name="Set an alert").click()
    page.get_by_role("button", name="Set it").click()
    page.get_by_role("link", name="ETH price above").wait_for()
    is_live(page)
    evaluate(outside)
    quote(outside, "ETH", "3200", at=datetime.now(UTC))
    assert evaluate(outside) >= 1
    page.locator("#fired-now .toast", has_text="ETH price above $3,100.00").wait_for()
    walk.look("newcomer-told")
    promised = re.search(r"(\d+) clicks from the front page", GUIDE.read_text())[1]
    assert len(clicks) == int(promised), clicks
    assert walk.wrong == []


FOCUSED = """() => {
    const at = document.activeElement, box = at.getBoundingClientRect(), look = getComputedStyle(at);
    const name = at.labels?.[0]?.innerText || at.getAttribute("aria-label") || at.innerText || "";
    return {
        name: name.trim(), seen: box.width > 0 && box.height > 0,
        ring: look.outlineStyle !== "none" || look.boxShadow !== "none",
    };
}"""


def reach(page, name: str) -> None:
    """Go on by Tab until that has the focus; whatever has it on the way is seen, and shows that it has it."""
    for _ in range(80):
        page.keyboard.press("Tab")
        at = page.evaluate(FOCUSED)
        assert at["seen"], at
        assert at["ring"], at
        if at["name"] == name:
            return
    raise AssertionError(f"{name} is not reached by Tab")


def test_an_alert_is_set_by_keys_alone(walk) -> None:
    page, keys = walk.page, walk.page.keyboard
    register(walk)
    walk.go("/markets")
    reach(page, "Skip to the content")
    keys.press("Enter")
    reach(page, "Search by symbol or name")
    keys.type("bitc")
    page.wait_for_url("**/markets?q=bitc")
    walk.go("/tokens/BTC")
    reach(page, "US dollars")
    keys.type("100000")
    keys.press("Enter")
    page.wait_for_url("**/alerts/new?**")
    reach(page, "Set it")
    keys.press("Enter")
    page.get_by_role("link", name="BTC price above $100,000.00").wait_for()
    assert walk.wrong == []


def evaluate(conn) -> int:
    with conn.transaction():
        return evaluation.evaluate(
            conn,
            datetime.now(UTC),
            timedelta(minutes=5),
            AlertMails(Flags("local"), "https://coinsphere.example"),
        ).fired


def test_an_administrator_sees_everything_and_ends_an_open_page(walk, member, served) -> None:
    page, admin = walk.page, register(walk)
    with psycopg.connect(served.database, autocommit=True) as conn:
        conn.execute("update app.users set role = 'admin' where email = %s", [admin])
        conn.execute(
            "insert into jobs.procrastinate_jobs (queue_name, task_name, args, status, attempts)"
            " values ('mail', 'send_mails', '{\"name\": 1}', 'failed', 8)"
        )
        # An experiment that somebody takes part in.
        rules = '[{"weights": {"value": 1, "crossing": 1}, "plans": ["free"], "share": 20}]'
        conn.execute(
            "insert into app.flags values ('alert-mail-wording', 1, %s, null, now())"
            " on conflict do nothing",
            [rules],
        )
        conn.execute(
            "insert into app.experiment_assignments select 'alert-mail-wording', 1, id, 'crossing',"
            " now() - interval '8 days', now(), 2 from app.users where email = %s",
            [admin],
        )
    walk.go("/feedback")
    page.locator("textarea").fill("wide" * 60)
    page.get_by_role("button", name="Send").click()
    page.get_by_role("status").wait_for()
    for name in (
        "",
        "/feedback",
        "/users",
        "/data",
        "/models",
        "/tokens",
        "/tokens/new",
        "/jobs",
        "/features",
        "/flags",
        "/experiments",
        "/audit",
    ):
        walk.go(f"/admin{name}")
        walk.look(f"admin{name.replace('/', '-')}")
    # The last of the tabs is in sight, on a phone, too.
    present = page.locator("nav.rooms [aria-current]")
    assert present.evaluate("tab => tab.getBoundingClientRect().right <= innerWidth")
    walk.go("/admin/users")
    page.get_by_role("searchbox").press_sequentially(member.email[:8])
    page.get_by_role("link", name=admin).wait_for(state="detached")
    page.get_by_role("link", name=member.email).click()
    page.get_by_role("heading", name=member.email).wait_for()
    walk.look("admin-user")
    page.get_by_role("button", name="Disable this account").click()
    # Within two seconds on a machine that is idle; this one may not be.
    member.page.wait_for_url("**/login?next=/dashboard")
    assert "$" not in member.page.locator("main").inner_text()
    page.get_by_role("button", name="Enable this account").wait_for()
    assert walk.wrong == []
    assert member.wrong == []


def test_a_page_whose_stream_is_away_asks_by_itself(browser, served, outside) -> None:
    """A proxy that lets no WebSocket through: prices come by polling, and the page works."""
    context = browser.new_context(locale="en-US")
    page = context.new_page()
    page.route_web_socket("**/api/v1/ws", lambda socket: socket.close(code=1011))
    page.clock.install()
    register(Walk(page, served, "polling"))
    page.goto(f"{served.url}/tokens/ETH")
    page.locator("html[data-live=off]").wait_for(state="attached")
    quote(outside, "ETH", "2345.67", at=datetime.now(UTC))
    page.clock.fast_forward(31_000)
    page.clock.fast_forward(1_000)
    page.locator("#head", has_text="$2,345.67").wait_for()
    context.close()


def test_the_last_pages_are_there_without_a_network_until_one_logs_out(browser, served) -> None:
    context = browser.new_context(locale="en-US")
    page = context.new_page()
    walk = Walk(page, served, "offline")
    fill(served, register(walk))
    walk.go("/dashboard")
    page.wait_for_function("navigator.serviceWorker.controller !== null")
    # What was loaded before the worker came is loaded through it once.
    for path in ("/dashboard", "/profile"):
        walk.go(path)
    context.set_offline(offline=True)
    walk.go("/dashboard")
    page.get_by_text("There is no network. This page is as it was on").wait_for()
    page.get_by_text("Net worth").wait_for()
    kept = "caches.open('pages-1').then(all => all.keys()).then(all => all.map(each => new URL(each.url).pathname))"
    assert "/dashboard" in page.evaluate(kept)
    assert not [each for each in page.evaluate(kept) if each.startswith(("/api", "/profile"))]
    walk.go("/profile")
    page.get_by_role("heading", name="There is no network").wait_for()
    walk.look("offline")
    page.get_by_role("link", name="Dashboard", exact=True).last.click()
    page.get_by_text("Net worth").wait_for()
    assert not [each for each in walk.wrong if each.startswith("offline:")]
    context.set_offline(offline=False)
    walk.go("/dashboard")
    page.get_by_role("button", name="Log out").locator("visible=true").first.click()
    page.get_by_role("link", name="Log in").first.wait_for()
    page.wait_for_function("caches.keys().then(all => all.length === 0)")
    context.close()


@pytest.mark.parametrize("on_its_way", ["/markets", "/markets?q=bi"])
def test_a_search_is_not_lost_to_a_list_that_is_on_its_way(browser, served, on_its_way) -> None:
    """Neither to one with newer prices nor to that of the search before it."""
    context = browser.new_context(locale="en-US")
    page = context.new_page()
    walk = Walk(page, served, "search")
    fill(served, register(walk))
    walk.go("/markets")
    page.wait_for_function("globalThis.htmx !== undefined")
    held = []

    def hold(route) -> None:
        held.append(route) if route.request.url.endswith(on_its_way) else route.continue_()

    page.route("**/markets*", hold)
    search = page.get_by_label("Search by symbol or name")
    search.fill("bi" if "q=" in on_its_way else "")
    while not held:
        page.evaluate("document.body.dispatchEvent(new CustomEvent('live-prices'))")
        page.wait_for_timeout(100)
    search.fill("bitc")
    page.wait_for_timeout(1500)  # it has been asked for, or waits for what is on its way
    page.unroute("**/markets*")
    for route in held:
        with suppress(Error):  # it was given up
            route.continue_()
    page.wait_for_url("**/markets?q=bitc")
    page.get_by_text("1 token", exact=True).wait_for(state="attached")
    context.close()


def test_german_pages_fit(walk, served) -> None:
    page = walk.page
    email = register(walk)
    fill(served, email)
    page.context.add_cookies([{"name": "locale", "value": "de", "url": served.url}])
    for path in ("/dashboard", "/markets", "/tokens/BTC", "/portfolios", "/alerts/new", "/profile"):
        walk.go(path)
        assert page.locator("html").get_attribute("lang") == "de"
        walk.look(f"german{path.replace('/', '-')}")
    page.get_by_role("button", name="English").click()
    page.locator("html[lang=en]").wait_for()
    assert walk.wrong == []
