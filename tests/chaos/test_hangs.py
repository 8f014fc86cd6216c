"""Stopped by SIGSTOP, so that it takes connections and never answers: people read and write on."""

from collections.abc import Callable

import pytest

from tests.chaos.conftest import Town
from tests.chaos.load import Person, under_load

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]


@pytest.mark.parametrize("name", ["relay", "ml", "mlflow"])
def test_what_hangs_holds_up_nobody(town: Town, report: Callable[..., None], name: str) -> None:
    town.hold(name)
    try:
        Person(town.url, f"with-{name}")  # whose confirmation cannot be sent meanwhile
        with under_load(town.people) as load:
            load.await_more(80)
    finally:
        town.release(name)
    lost = town.lost(load)
    seen = f"slowest read {load.slowest:.2f} s"
    report(f"{name} hangs", "0 lost, no 5xx", load, lost, seen)
    assert (lost, load.faults, load.cut) == (0, 0, 0)
