"""What goes wrong, as people see it in a real browser: each page says what it is, and what to do next; see `test_in_chromium`."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from tests.integration.local.chromium import PROGRAM
from tests.integration.webui.test_in_chromium import Served, serving
from tests.integration.webui.test_in_chromium import browser as browser  # noqa: PLC0414 - a fixture
from tests.integration.webui.test_in_chromium import walk as walk  # noqa: PLC0414 - a fixture
from tests.integration.webui.test_live import register

pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason="Chromium is not installed: apt-get install chromium"
)
PER_WINDOW = 60
AWAY = "alter table app.watched_tokens rename to watched_tokens_away"
BACK = "alter table app.watched_tokens_away rename to watched_tokens"


@pytest.fixture(scope="module")
def served(
    module_database, module_redis, model_server, keys_dir, tmp_path_factory
) -> Iterator[Served]:
    """Pages that take few requests of one person."""
    few = {"COINSPHERE_RATE_LIMIT_API": str(PER_WINDOW)}
    home = tmp_path_factory.mktemp("served")
    with serving(module_database, module_redis.url, model_server, keys_dir, home, **few) as running:
        yield running


@contextmanager
def changed(served: Served, there: str, back: str) -> Iterator[None]:
    """The database is another meanwhile."""
    with psycopg.connect(served.database, autocommit=True) as conn:
        conn.execute(there)
        try:
            yield
        finally:
            conn.execute(back)


def is_told(walk, path: str, status: int, says: str, way_on: str) -> None:
    """The page has the status, says what is wrong, and leads on."""
    answer = walk.page.goto(walk.served.url + path)
    assert answer.status == status
    walk.page.get_by_role("heading", name=says).wait_for()
    assert walk.page.locator("main").get_by_role("link", name=way_on).is_visible()
    walk.look(f"problem-{status}")


def test_every_problem_is_a_page_that_helps(walk, served) -> None:
    page = walk.page
    register(walk)
    is_told(walk, "/nothing-here", 404, "There is no such page", "Back to the start")
    is_told(walk, "/admin/users", 403, "This is not open to you", "Back to the start")
    with changed(served, AWAY, BACK):
        is_told(walk, "/markets", 500, "Something broke on our side", "Try again")
        assert page.get_by_text("Number of this request").is_visible()
    page.get_by_role("link", name="Try again").click()
    page.get_by_role("searchbox").wait_for()
    off = "insert into app.feature_switches values ('alerts', false, null, now())"
    with changed(served, off, "delete from app.feature_switches"):
        # Each process reads its switches once in two seconds.
        while page.request.get(f"{served.url}/alerts").status == 200:
            page.wait_for_timeout(200)
        is_told(walk, "/alerts", 503, "Not available right now", "Back to the start")
    page.wait_for_function("navigator.serviceWorker.controller !== null")
    page.context.set_offline(offline=True)
    walk.go("/profile")
    page.get_by_role("heading", name="There is no network").wait_for()
    walk.look("problem-offline")
    page.context.set_offline(offline=False)
    while page.request.get(f"{served.url}/profile").status == 200:
        pass
    is_told(walk, "/profile", 429, "That was too much at once", "Try again")
    assert page.get_by_text("Try again in ", exact=False).first.is_visible()
    assert [each for each in walk.wrong if not is_of_browser(each)] == []


def is_of_browser(said: str) -> bool:
    """What the browser itself reports of an answer that is none, and of a stream that ended with the network."""
    return "Failed to load resource" in said or "net::ERR_" in said or "WebSocket" in said
