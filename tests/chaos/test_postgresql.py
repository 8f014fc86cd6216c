"""PostgreSQL hangs, is slow, has no connection left, or is restarted, while people read and write."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import httpx2
import psycopg
import pytest

from coinsphere.local.postgres import SUPERUSER
from tests.chaos.conftest import Town, await_that
from tests.chaos.load import again_and_again, under_load

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]
_CROWD = 6
"""Requests at once a person: more than the API has threads."""
_QUESTIONS = 20
_END_OF_THE_API = """
    select pg_terminate_backend(pid) from pg_stat_activity where usename = 'coinsphere_api'
"""


def test_it_hangs(town: Town, report: Callable[..., None]) -> None:
    """It takes connections and never answers. Who asks whether the API lives is answered all the same."""
    with under_load(town.people * _CROWD) as load:
        town.hold("postgres")
        try:
            waits = [_live_seconds(town) for _ in range(_QUESTIONS)]
            ready = town.is_well()
        finally:
            town.release("postgres")
        began = time.monotonic()
        load.await_more(len(town.people) * _CROWD + 1)
        back = time.monotonic() - began
    lost = town.lost(load)
    seen = f"live within {max(waits):.2f} s, writes again after {back:.1f} s"
    report("PostgreSQL hangs", "0 lost, only 503, live", load, lost, seen)
    assert (lost, load.cut, ready) == (0, 0, False)
    assert set(load.statuses) <= {200, 201, 503}, load.statuses


def test_it_is_slow(town: Town, report: Callable[..., None]) -> None:
    """It stands still nine tenths of the time, as on a disk or a neighbour that takes it all."""
    with under_load(town.people) as load, _stuttering(town, "postgres"):
        load.await_more(60)
    lost = town.lost(load)
    seen = f"slowest read {load.slowest:.2f} s"
    report("PostgreSQL slow", "0 lost, no 5xx", load, lost, seen)
    assert (lost, load.faults, load.cut) == (0, 0, 0)


def test_it_has_no_connection_left(town: Town, report: Callable[..., None]) -> None:
    """Somebody took all, those of the API as well."""
    with under_load(town.people) as load:
        with _all_connections(town):
            load.await_faults(20)
            live = _live_seconds(town)
        began = time.monotonic()
        load.await_more(len(town.people) + 1)
        back = time.monotonic() - began
        load.await_more(40)
    lost = town.lost(load)
    seen = f"live within {live:.2f} s, writes again after {back:.1f} s"
    report("PostgreSQL out of connections", "0 lost, only 503", load, lost, seen)
    assert (lost, load.cut) == (0, 0)
    assert set(load.statuses) <= {200, 201, 503}, load.statuses


def test_it_is_restarted(town: Town, report: Callable[..., None]) -> None:
    back = []
    with under_load(town.people) as load:
        for _ in range(3):
            town.restart_postgres()
            began = time.monotonic()
            load.await_more(len(town.people) + 1)
            back.append(time.monotonic() - began)
            load.await_more(20)
    lost = town.lost(load)
    seen = f"writes again after {max(back):.1f} s at most"
    report("PostgreSQL restarted 3 times", "0 lost, API back ≤ 5 s", load, lost, seen)
    assert (lost, load.cut) == (0, 0)
    assert set(load.statuses) <= {200, 201, 503}, load.statuses
    await_that(town.is_well, "a ready API")


def _live_seconds(town: Town) -> float:
    answer = httpx2.get(f"{town.url}/health/live", trust_env=False, timeout=30)
    assert answer.is_success
    return answer.elapsed.total_seconds()


@contextmanager
def _stuttering(town: Town, name: str) -> Iterator[None]:
    def stutter() -> None:
        town.hold(name)
        time.sleep(0.09)
        town.release(name)
        time.sleep(0.01)

    with again_and_again(stutter):
        yield


@contextmanager
def _all_connections(town: Town) -> Iterator[None]:
    """Take every connection that the server has for ordinary roles, those of the API as well.

    Again and again: one that ends, of the API or of another process, is free a moment later, and the API takes it.
    """
    taken: list[psycopg.Connection] = []
    with psycopg.connect(town.postgres.url(SUPERUSER, "postgres"), autocommit=True) as conn:

        def take() -> None:
            conn.execute(_END_OF_THE_API)
            with suppress(psycopg.OperationalError):
                while True:
                    taken.append(psycopg.connect(town.postgres.url("coinsphere_owner")))
            time.sleep(0.05)

        try:
            with again_and_again(take):
                yield
        finally:
            for each in taken:
                each.close()
