"""Whether Dagster's daemon works: what its webserver is asked for, and what the answer means.

Source: Dagster's GraphQL schema, `DaemonHealth.allDaemonStatuses`.
"""

from collections.abc import Mapping, Sequence
from typing import Any

QUERY = """
    query { instance { daemonHealth { allDaemonStatuses { daemonType required healthy lastHeartbeatTime } } } }
"""
_SECONDS = 50.0
"""Dagster calls a daemon healthy for half an hour after its last beat, which comes each 30 s."""


def silent(data: Mapping[str, Any], now: float) -> Sequence[str]:
    """The kinds of daemon that are needed and did not beat lately.

    Args:
        data: the `data` of the answer to `QUERY`.
        now: seconds since the epoch.
    """
    statuses = data["instance"]["daemonHealth"]["allDaemonStatuses"]
    return [
        each["daemonType"]
        for each in statuses
        if each["required"]
        and not (each["healthy"] and (each["lastHeartbeatTime"] or 0.0) > now - _SECONDS)
    ]


def newest_beat(data: Mapping[str, Any]) -> float:
    """When any kind of daemon beat last, in seconds since the epoch; 0.0 where none ever did.

    One that works on something long beats late, on a busy machine by minutes; a process that is stuck beats not at all.
    """
    statuses = data["instance"]["daemonHealth"]["allDaemonStatuses"]
    return max((each["lastHeartbeatTime"] or 0.0 for each in statuses), default=0.0)
