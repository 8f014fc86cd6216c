"""Whether Dagster's daemon and schedules work: the query to its webserver, and the reading of the answer.

Source: Dagster's GraphQL schema, `DaemonHealth.allDaemonStatuses` and `Schedule.scheduleState`.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from coinsphere.jobs import cron

QUERY = """
    query { instance { daemonHealth { allDaemonStatuses { daemonType required healthy lastHeartbeatTime } } } }
"""
SCHEDULES = """
    query {
        repositoriesOrError { ... on RepositoryConnection { nodes { schedules {
            name cronSchedule scheduleState { status ticks(limit: 1) { status timestamp } }
        } } } }
    }
"""
BEAT_SECONDS = 10
"""So often each kind of daemon beats, at most: Dagster's default is 30."""
STOPPED_SECONDS = 30.0
"""Each kind beats from a thread of its own: where none did for so long, the process hangs."""
_SECONDS = 120.0
"""Dagster calls a daemon healthy for half an hour after its last beat; one kind alone may be busy for as long as this."""


def silent(data: Mapping[str, Any], now: float) -> Sequence[str]:
    """The kinds of daemon that are needed and did not beat lately.

    Args:
        data: the `data` of the answer to `QUERY`.
        now: seconds since the epoch.
    """
    statuses = data["instance"]["daemonHealth"]["allDaemonStatuses"]
    limit = _SECONDS if beats(data, now) else STOPPED_SECONDS
    return [
        each["daemonType"]
        for each in statuses
        if each["required"]
        and not (each["healthy"] and (each["lastHeartbeatTime"] or 0.0) > now - limit)
    ]


def beats(data: Mapping[str, Any], now: float) -> bool:
    """Whether any kind of daemon beat lately, and so their process goes on.

    One that works on something long beats late, on a busy machine by minutes; a process that is stuck beats not at all.

    Args:
        data: the `data` of the answer to `QUERY`.
        now: seconds since the epoch.
    """
    statuses = data["instance"]["daemonHealth"]["allDaemonStatuses"]
    newest = max((each["lastHeartbeatTime"] or 0.0 for each in statuses), default=0.0)
    return now - newest < STOPPED_SECONDS


def late(data: Mapping[str, Any], now: datetime) -> list[str]:
    """A sentence for each schedule that runs and whose last tick failed or did not come.

    Dagster makes up for ticks that were missed while it was down, so only one that never ticked is not asked.

    Args:
        data: the `data` of the answer to `SCHEDULES`.
        now: the present instant.
    """
    nodes = data["repositoriesOrError"].get("nodes", ())
    return [
        sentence for node in nodes for each in node["schedules"] for sentence in _late(each, now)
    ]


def _late(schedule: Mapping[str, Any], now: datetime) -> list[str]:
    state = schedule["scheduleState"]
    if state["status"] != "RUNNING" or not state["ticks"]:
        return []
    (tick,) = state["ticks"]
    if tick["status"] == "FAILURE":
        return [f"{schedule['name']}: its last tick failed"]
    last = datetime.fromtimestamp(tick["timestamp"], UTC)
    return cron.problems(
        {schedule["name"]: schedule["cronSchedule"]}, {schedule["name"]: last}, last, now
    )
