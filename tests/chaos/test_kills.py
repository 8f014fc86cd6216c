"""Killed by `kill -9` while people write: nothing that was acknowledged is lost."""

import os
import signal
import time
from collections.abc import Callable

import httpx2
import psycopg
import pytest

from coinsphere.local.postgres import SUPERUSER
from tests.chaos.conftest import Town, await_that
from tests.chaos.load import under_load

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]
_KILLS = 3
_BACKENDS = "select pid from pg_stat_activity where usename = 'coinsphere_api' limit 1"
_OPEN_JOBS = """
    select count(*) from jobs.procrastinate_jobs
    where status in ('todo', 'doing') and queueing_lock is distinct from null and scheduled_at is null
"""
_UNSENT = "select count(*) from app.mails where sent_at is null"


def test_workers_of_the_api(town: Town, report: Callable[..., None]) -> None:
    """No request fails but those in flight: one a person and kill at most."""
    with under_load(town.people) as load:
        for _ in range(_KILLS):
            victim = town.api_workers()[0]
            victim.kill()
            load.await_more(40)
            await_that(lambda: len(town.api_workers()) == 2, "the new worker")
    lost = town.lost(load)
    report(f"API worker killed {_KILLS} times", "0 lost, no 5xx", load, lost, "")
    assert (lost, load.faults) == (0, 0)
    assert load.cut <= _KILLS * len(town.people)


def test_a_backend_of_postgresql(town: Town, report: Callable[..., None]) -> None:
    """PostgreSQL ends every connection and recovers from its log then.

    The tables were made a moment ago: a system that has run for some minutes has written them all long since.
    """
    with psycopg.connect(town.postgres.url(SUPERUSER, "postgres"), autocommit=True) as conn:
        conn.execute("checkpoint")
    back = []
    with under_load(town.people) as load:
        for _ in range(_KILLS):
            os.kill(town.asked(_BACKENDS), signal.SIGKILL)
            began = time.monotonic()
            # What was under way may be acknowledged yet: one more than that was asked for behind the kill.
            load.await_more(len(town.people) + 1)
            back.append(time.monotonic() - began)
            load.await_more(40)
    lost = town.lost(load)
    seen = f"writes again after {max(back):.1f} s at most"
    report(f"PostgreSQL backend killed {_KILLS} times", "0 lost, API back ≤ 5 s", load, lost, seen)
    assert lost == 0
    assert {status for status in load.statuses if status >= 500} <= {503}, load.statuses
    await_that(town.is_well, "a ready API")


def test_the_worker(town: Town, report: Callable[..., None]) -> None:
    """What it had begun is done by its successor: no job is left, none failed, each mail was sent."""
    with under_load(town.people) as load:
        for _ in range(_KILLS):
            load.await_more(20)
            town.kill("worker")
            town.start("worker")
        load.await_more(20)
    lost = town.lost(load)
    await_that(lambda: town.asked(_OPEN_JOBS) == 0, "the last job")
    await_that(lambda: town.asked(_UNSENT) == 0, "the last mail")
    failed = town.asked("select count(*) from jobs.procrastinate_jobs where status = 'failed'")
    report(f"worker killed {_KILLS} times", "0 lost, no 5xx", load, lost, f"{failed} jobs failed")
    assert (lost, load.faults, load.cut, failed) == (0, 0, 0, 0)


@pytest.mark.parametrize("name", ["ml", "mlflow"])
def test_who_is_asked_for_forecasts(town: Town, report: Callable[..., None], name: str) -> None:
    with under_load(town.people) as load:
        town.kill(name)
        load.await_more(40)
        town.start(name)
        load.await_more(20)
    lost = town.lost(load)
    report(f"{name} killed", "0 lost, no 5xx", load, lost, f"slowest read {load.slowest:.2f} s")
    assert (lost, load.faults, load.cut) == (0, 0, 0)


def test_redis_killed_and_emptied(town: Town, report: Callable[..., None]) -> None:
    """Nobody notices but by speed, and a session that ended stays so."""
    with httpx2.Client(trust_env=False, timeout=60, base_url=town.people[0].url) as client:
        body = {"email": "gone@example.com", "password": "correct horse battery"}
        token = client.post("/auth/register", json=body).json()["accessToken"]
        headers = {"Authorization": f"Bearer {token}"}
        assert client.post("/auth/logout", json={}, headers=headers).status_code == 200
        with under_load(town.people) as load:
            town.kill("redis")
            load.await_more(60)
            statuses = [client.get("/auth/me", headers=headers).status_code for _ in range(6)]
            town.start("redis")  # an empty one
            load.await_more(60)
            statuses += [client.get("/auth/me", headers=headers).status_code for _ in range(6)]
    lost, share = town.lost(load), load.faults / load.requests
    seen = f"5xx {share:.2%}, {statuses.count(200)} of {len(statuses)} ended sessions back"
    report("Redis killed, started empty", "5xx < 0.5 %, 0 lost", load, lost, seen)
    assert (lost, load.cut, set(statuses)) == (0, 0, {401})
    assert share < 0.005
