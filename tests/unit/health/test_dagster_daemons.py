"""When Dagster's daemon is called silent: one kind may be busy for a while, but not all of them at once."""

from typing import Any

import pytest

from coinsphere.health import dagster_daemons

NOW = 1_000_000.0


def told(*ages: float | None) -> dict[str, Any]:
    """What the webserver answers of kinds `0`, `1`, … that beat so many seconds ago, or never."""
    statuses = [
        {
            "daemonType": str(kind),
            "required": True,
            "healthy": age is not None,
            "lastHeartbeatTime": None if age is None else NOW - age,
        }
        for kind, age in enumerate(ages)
    ]
    return {"instance": {"daemonHealth": {"allDaemonStatuses": statuses}}}


@pytest.mark.parametrize(
    ("ages", "silent", "beats"),
    [
        ((1, 29), [], True),
        ((1, 119), [], True),
        ((1, 121), ["1"], True),
        ((31, 119), ["0", "1"], False),
        ((1, None), ["1"], True),
        ((None, None), ["0", "1"], False),
    ],
)
def test_all_kinds_are_silent_sooner_than_one(
    ages: tuple[float | None, ...], silent: list[str], *, beats: bool
) -> None:
    assert dagster_daemons.silent(told(*ages), NOW) == silent
    assert dagster_daemons.beats(told(*ages), NOW) is beats
