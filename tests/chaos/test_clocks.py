"""The clock of API and worker jumps, away from that of the database: nothing is lost, and nobody is let in who was not."""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from tests.chaos.conftest import Town, await_that
from tests.chaos.load import PASSWORD, under_load

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]
_JUMPS = {"ahead by 2 h": 7200, "back by 2 h": -7200, "ahead by 40 days": 40 * 86_400}
_FAILED = "select count(*) from jobs.procrastinate_jobs where status = 'failed'"
_OURS = ("worker", "api")


@pytest.fixture(scope="module")
def clock(town: Town) -> Iterator[Path]:
    """The file whose seconds are added to the time of API and worker."""
    file = town.settings.state / "clock"
    file.write_text("0")
    _restart(town, CHAOS_CLOCK=str(file), PYTHONPATH=str(Path(__file__).parent / "shifted"))
    yield file
    _restart(town)


def _restart(town: Town, **added: str) -> None:
    for name in _OURS:
        town.kill(name)
    for name in reversed(_OURS):
        town.start(name, **added)
    await_that(lambda: len(town.api_workers()) == 2, "the last worker")


def _set(file: Path, seconds: int) -> None:
    """At once: nobody reads half of it."""
    new = file.with_suffix(".new")
    new.write_text(str(seconds))
    new.replace(file)


@pytest.mark.parametrize("jump", _JUMPS)
def test_it_jumps(town: Town, clock: Path, report: Callable[..., None], jump: str) -> None:
    """People log in anew where their tokens are too old or not yet good by then; who logged out stays so."""
    failed = town.asked(_FAILED)
    with httpx2.Client(trust_env=False, timeout=60, base_url=town.people[0].url) as client:
        body = {"email": f"clock{_JUMPS[jump]}@example.com", "password": PASSWORD}
        token = client.post("/auth/register", json=body).json()["accessToken"]
        headers = {"Authorization": f"Bearer {token}"}
        assert client.post("/auth/logout", json={}, headers=headers).status_code == 200
        statuses = []
        with under_load(town.people) as load:
            for seconds in (_JUMPS[jump], 0):
                _set(clock, seconds)
                load.await_more(40)
                statuses.append(client.get("/auth/me", headers=headers).status_code)
    lost = town.lost(load)
    failed = town.asked(_FAILED) - failed
    seen = (
        f"{load.renewed} logged in anew, {load.turned_away} told to come back, {failed} jobs failed"
    )
    report(f"clock {jump}, and right again", "0 lost, no 5xx", load, lost, seen)
    assert (lost, load.faults, load.cut, failed, set(statuses)) == (0, 0, 0, 0, {401})
