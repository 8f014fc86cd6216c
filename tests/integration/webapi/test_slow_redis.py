"""A Redis that answers, but late: after a few such answers nobody waits for it any more."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from pydantic import SecretStr

from coinsphere.network import redis_pool
from tests.fakes.slow_relay import SlowRelay, relaying
from tests.integration.webapi.conftest import NOW, new_person
from webapi.app import create_app
from webapi.services import EXTENSION

LATE = 0.1
"""Later than the bound, sooner than the time-out."""


@pytest.fixture
def relay(own_redis) -> Iterator[SlowRelay]:
    with relaying(urlsplit(own_redis.url).port or 0) as made:
        yield made


@pytest.fixture
def slow_app(api_settings, own_redis, relay, monkeypatch):
    """An API whose Redis stays behind the relay; once left alone it is so for the whole test."""
    monkeypatch.setattr(redis_pool, "SLOW_REST_SECONDS", 3600.0)
    monkeypatch.setattr(redis_pool, "FAILED_REST_SECONDS", 0.0)
    url = own_redis.url.replace(str(urlsplit(own_redis.url).port), str(relay.port))
    app = create_app(
        api_settings.model_copy(update={"redis_url": SecretStr(url), "rate_limit_api": 40}),
        clock=lambda: NOW,
    )
    yield app
    app.extensions[EXTENSION].close()


def test_a_redis_that_is_slow_is_left_alone_by_all_that_use_it(slow_app, relay) -> None:
    person = new_person(slow_app.test_client())
    pool = slow_app.extensions[EXTENSION].cache.pool
    wanted = person.get("/tokens").data
    before = relay.questions
    assert person.get("/tokens").data == wanted
    assert relay.questions > before, "a quick Redis is used"

    relay.delay = LATE
    for _ in range(redis_pool.SLOW_ANSWERS * 2):
        assert person.get("/tokens").data == wanted
    asked = relay.questions
    answers = [person.get("/tokens") for _ in range(10)]
    assert all(answer.data == wanted for answer in answers)
    assert relay.questions == asked, "a slow one is left alone"
    left = [int(answer.headers["X-RateLimit-Remaining"]) for answer in answers]
    assert left == list(range(left[0], left[0] - 10, -1)), "requests are counted all the same"

    relay.delay = 0.0
    pool.breaker.rest(0)
    assert person.get("/tokens").data == wanted
    assert relay.questions > asked, "once it has rested it is asked again"
    asked = relay.questions
    assert person.get("/tokens").data == wanted
    assert relay.questions > asked, "and used, as it is quick"


def test_some_slow_answers_between_quick_ones_change_nothing(slow_app, relay) -> None:
    cache = slow_app.extensions[EXTENSION].cache
    assert cache.put("key", b"value", 60)
    for _ in range(2):
        relay.delay = LATE
        for _ in range(redis_pool.SLOW_ANSWERS - 1):
            cache.get("key")
        relay.delay = 0.0
        # One of the quick ones may be slow on a busy machine; had the breaker opened, all were None.
        assert b"value" in [cache.get("key") for _ in range(redis_pool.SLOW_ANSWERS - 1)]


def test_a_limit_holds_while_redis_is_slow(slow_app, relay) -> None:
    person = new_person(slow_app.test_client())
    relay.delay = LATE
    statuses = [person.get("/auth/me").status_code for _ in range(60)]
    assert statuses[-1] == 429
    assert statuses.count(200) <= 40 * 2, "one count in Redis, one of this process"
