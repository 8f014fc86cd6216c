"""The disk of the state folder, PostgreSQL's files among it, is full or turns read-only: reads go on, writes say so."""

from collections.abc import Callable, Iterator

import httpx2
import psutil
import pytest

from tests.chaos.conftest import Town, await_that
from tests.chaos.disks import Disk
from tests.chaos.load import PASSWORD, Load, under_load

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]
_FAULTS = 40


@pytest.fixture
def disk(town: Town) -> Iterator[Disk]:
    """What the state folder lies on."""
    if town.disk is None:
        pytest.skip(
            "a file system can be mounted by root alone, and only where there are loop devices"
        )
    yield town.disk
    town.start_all()
    await_that(town.is_well, "a ready API")


def test_it_is_full(town: Town, disk: Disk, report: Callable[..., None]) -> None:
    """No process of ours ends; PostgreSQL may, where not even its log can be written, and begins again once there is room."""
    workers = town.api_workers()
    with under_load(town.people) as load:
        disk.fill()
        try:
            load.await_faults(_FAULTS)
            live = _live(town)
        finally:
            disk.make_room()
        survived = town.running["postgres"].poll() is None
        if not survived:
            town.start("postgres")
        load.await_more(40)
    lost = town.lost(load)
    seen = f"{load.failed_reads} reads failed, PostgreSQL {'went on' if survived else 'ended'}"
    report("disk full", "0 lost, writes 503, workers live", load, lost, seen)
    assert (lost, load.cut, live) == (0, 0, 200)
    assert set(load.statuses) <= {200, 201, 503}, load.statuses
    assert town.api_workers() == workers
    assert all(town.running[name].poll() is None for name in ("api", "worker", "redis"))


def test_it_turns_read_only(town: Town, disk: Disk, report: Callable[..., None]) -> None:
    """As after an error of the device: what was acknowledged is there when it is mounted anew."""
    workers = town.api_workers()
    with under_load(town.people) as load:
        disk.turn_read_only()
        load.await_faults(_FAULTS)
        live = _live(town)
        survivors = [each for each in workers if each.status() != psutil.STATUS_ZOMBIE]
        town.end_all()
        disk.unmount()
        disk.mount()
        town.start_all()
        load.await_more(40)
    lost = town.lost(load)
    report(
        "disk turns read-only",
        "0 lost, writes 503",
        load,
        lost,
        f"{load.failed_reads} reads failed",
    )
    assert (lost, live, survivors) == (0, 200, workers)
    assert set(load.statuses) <= {200, 201, 503}, load.statuses
    assert _may_log_in(town, load)


def _live(town: Town) -> int:
    return httpx2.get(f"{town.url}/health/live", trust_env=False, timeout=5).status_code


def _may_log_in(town: Town, _: Load) -> bool:
    body = {"email": "person0@example.com", "password": PASSWORD}
    answer = httpx2.post(f"{town.people[0].url}/auth/login", json=body, trust_env=False, timeout=60)
    return answer.status_code == 200
