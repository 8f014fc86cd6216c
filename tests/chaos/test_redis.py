"""Redis hangs, is slow, emptied, full or read-only: nobody notices, and no session that ended comes back."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext

import httpx2
import pytest
import redis

from tests.chaos.conftest import Town
from tests.chaos.load import PASSWORD, again_and_again, under_load

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]


@contextmanager
def _hanging(town: Town) -> Iterator[None]:
    town.hold("redis")
    try:
        yield
    finally:
        town.release("redis")


@contextmanager
def _slow(town: Town) -> Iterator[None]:
    """Each answer takes a tenth of a second: soon enough for every timeout, and slower than the database."""
    with (
        redis.Redis.from_url(town.redis.url) as client,
        again_and_again(lambda: client.execute_command("DEBUG", "SLEEP", "0.1")),
    ):
        yield


@contextmanager
def _commanded(town: Town, begin: tuple[str, ...], end: tuple[str, ...]) -> Iterator[None]:
    with redis.Redis.from_url(town.redis.url) as client:
        client.execute_command(*begin)
        try:
            yield
        finally:
            client.execute_command(*end)


def _emptied(town: Town) -> nullcontext[None]:
    with redis.Redis.from_url(town.redis.url) as client:
        client.flushall()
    return nullcontext()


def _full(town: Town) -> object:
    policy = ("CONFIG", "SET", "maxmemory-policy")
    with redis.Redis.from_url(town.redis.url) as client:
        client.execute_command(*policy, "noeviction")
    return _commanded(
        town, ("CONFIG", "SET", "maxmemory", "1"), ("CONFIG", "SET", "maxmemory", "256mb")
    )


def _read_only(town: Town) -> object:
    return _commanded(town, ("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE"))


_FAULTS = {
    "hangs": _hanging,
    "slow": _slow,
    "emptied": _emptied,
    "full": _full,
    "read-only": _read_only,
}


@pytest.mark.parametrize("fault", _FAULTS)
def test_a_redis_that_is_ill(town: Town, report: Callable[..., None], fault: str) -> None:
    with httpx2.Client(trust_env=False, timeout=60, base_url=town.people[0].url) as client:
        body = {"email": f"gone-{fault}@example.com", "password": PASSWORD}
        token = client.post("/auth/register", json=body).json()["accessToken"]
        headers = {"Authorization": f"Bearer {token}"}
        assert client.post("/auth/logout", json={}, headers=headers).status_code == 200
        with under_load(town.people) as load:
            with _FAULTS[fault](town):
                load.await_more(60)
                statuses = [client.get("/auth/me", headers=headers).status_code for _ in range(6)]
            load.await_more(40)
            statuses += [client.get("/auth/me", headers=headers).status_code for _ in range(6)]
    lost, share = town.lost(load), load.faults / load.requests
    seen = f"slowest read {load.slowest:.2f} s, {statuses.count(200)} ended sessions back"
    report(f"Redis {fault}", "5xx < 0.5 %, 0 lost", load, lost, seen)
    assert (lost, load.cut, set(statuses)) == (0, 0, {401})
    assert share < 0.005
