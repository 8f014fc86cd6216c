"""Pages: made once however many want them, never made of an error, and gone with Redis without harm."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from webapi.backends.cache import Cache, Page, PageCache
from webapi.backends.memory import Changes
from webapi.observability import metrics

NOWHERE = "redis://127.0.0.1:1/0"


@pytest.fixture
def pages():
    """Pages without a Redis."""
    cache = Cache(NOWHERE)
    yield PageCache(cache, 10, Changes())
    cache.close()


def test_of_many_that_miss_at_once_one_makes_the_page(pages: PageCache) -> None:
    finish, made = Event(), []
    misses = metrics.PAGES.labels("kind", "miss")._value
    before = misses.get()

    def make() -> bytes:
        made.append(1)
        finish.wait(10)
        return b"{}"

    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(pages.page, "kind", "key", make) for _ in range(8)]
        while misses.get() < before + 8:
            time.sleep(0.01)
        finish.set()
        found = {future.result() for future in futures}
    assert found == {Page.of(b"{}")}
    assert len(made) < 8


def test_an_error_is_raised_and_the_next_one_tries_again(pages: PageCache) -> None:
    def fail() -> bytes:
        raise LookupError("nothing")

    for _ in range(2):
        with pytest.raises(LookupError):
            pages.page("kind", "key", fail)
    assert pages.page("kind", "key", lambda: b"1").body == b"1"


def test_a_page_is_stored_and_found_again() -> None:
    page = Page.of(b'{"a":1}')
    assert Page.unpacked(page.packed()) == page
    assert page.etag != Page.of(b'{"a":2}').etag


def test_a_redis_that_is_away_is_an_empty_one_and_says_that_nothing_is_stored() -> None:
    cache = Cache(NOWHERE)
    assert cache.put("key", b"1", 1) is False
    assert cache.get("key") is None
    assert not cache.ping()
    cache.close()
