"""Launching Dagster's jobs and following their runs, through the GraphQL of its webserver."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

import httpx2
from tenacity import (
    RetryCallState,
    retry,
    retry_if_exception_type,
    stop_after_delay,
    wait_fixed,
)
from tenacity.stop import stop_base

from coinsphere.errors import LocalServiceError
from coinsphere.local.probes import START_SECONDS, graphql
from coinsphere.local.supervision import Supervisor
from coinsphere.settings import Settings

Answer = TypeVar("Answer")
_REPOSITORY = {
    "repositoryName": "__repository__",
    "repositoryLocationName": "coinsphere",
}
_LAUNCH = """
    mutation Launch($params: ExecutionParams!) {
        launchRun(executionParams: $params) {
            __typename
            ... on LaunchRunSuccess { run { runId } }
            ... on PythonError { message }
            ... on InvalidSubsetError { message }
            ... on RunConfigValidationInvalid { errors { message } }
        }
    }
"""
_RUN = """
    query Run($id: ID!) {
        runOrError(runId: $id) {
            __typename
            ... on Run { status stepStats { stepKey status startTime endTime } }
        }
    }
"""
_FAILURES = """
    query Failures($id: ID!) {
        logsForRun(runId: $id) {
            __typename
            ... on EventConnection {
                events {
                    __typename
                    ... on ExecutionStepFailureEvent { stepKey error { message cause { message } } }
                    ... on RunFailureEvent { message }
                }
            }
        }
    }
"""
_SUCCEEDED = """
    query Succeeded($job: String!) {
        runsOrError(filter: {pipelineName: $job, statuses: [SUCCESS]}, limit: 1) {
            __typename
            ... on Runs { results { runId } }
        }
    }
"""
_UNDER_WAY = """
    query UnderWay($job: String!) {
        runsOrError(filter: {pipelineName: $job, statuses: [QUEUED, NOT_STARTED, STARTING, STARTED]}, limit: 1) {
            __typename
            ... on Runs { results { runId } }
        }
    }
"""
_REPORT = """
    mutation Report($params: ReportRunlessAssetEventsParams!) {
        reportRunlessAssetEvents(eventParams: $params) {
            __typename
            ... on PythonError { message }
            ... on UnauthorizedError { message }
        }
    }
"""
_ENDED = ("SUCCESS", "FAILURE", "CANCELED")
_POLL_SECONDS = 1.0
_PATIENCE_SECONDS = float(START_SECONDS)
"""A run that is asked for may be late as a process that starts may, and for the same reason."""
_DONE_STEPS = ("SUCCESS", "FAILURE", "SKIPPED")


@dataclass(frozen=True, slots=True)
class Step:
    """A finished step: its name, whether it succeeded, and how many seconds it took."""

    name: str
    succeeded: bool
    seconds: float


def has_succeeded(settings: Settings, job: str) -> bool:
    """Whether a run of `job` has ever succeeded."""
    return bool(_patiently(_ask)(settings, _SUCCEEDED, job=job)["runsOrError"].get("results"))


def begin(settings: Settings, job: str, tags: Mapping[str, str] | None = None) -> str:
    """The run of `job` that waits or goes on, else one that is launched; its id.

    Somebody else may have asked for it just now, or a webserver that died before it could say so.

    Raises:
        LocalServiceError: Dagster refuses, or does not answer for ten minutes; carries why.
    """
    return _patiently(_begin)(settings, job, tags)


def _begin(settings: Settings, job: str, tags: Mapping[str, str] | None) -> str:
    return _under_way(settings, job) or _launch(settings, job, tags)


def _under_way(settings: Settings, job: str) -> str | None:
    runs = _ask(settings, _UNDER_WAY, job=job)["runsOrError"].get("results") or ()
    return str(runs[0]["runId"]) if runs else None


def _launch(settings: Settings, job: str, tags: Mapping[str, str] | None) -> str:
    params = {
        "selector": {"jobName": job, **_REPOSITORY},
        "runConfigData": {},
        "executionMetadata": {
            "tags": [{"key": key, "value": value} for key, value in (tags or {}).items()]
        },
        "mode": "default",
    }
    # It plans every partition before it answers. Nobody asks again while it may: that would launch two runs.
    answer = _ask(settings, _LAUNCH, seconds=_PATIENCE_SECONDS, params=params)["launchRun"]
    if answer["__typename"] != "LaunchRunSuccess":
        why = answer.get("message") or answer.get("errors") or answer["__typename"]
        raise LocalServiceError(f"Dagster does not launch the job {job}: {why}")
    return str(answer["run"]["runId"])


def report_materialized(
    settings: Settings, asset: Sequence[str], partitions: Sequence[str], description: str
) -> None:
    """Note that somebody else than Dagster filled these partitions of an asset.

    Raises:
        LocalServiceError: Dagster refuses; carries why.
    """
    params = {
        "eventType": "ASSET_MATERIALIZATION",
        "assetKey": {"path": list(asset)},
        "partitionKeys": list(partitions),
        "description": description,
    }
    # Twice noted is noted once; thousands of partitions take a busy webserver a while.
    reply = _patiently(_ask)(settings, _REPORT, seconds=180.0, params=params)
    answer = reply["reportRunlessAssetEvents"]
    if answer["__typename"] != "ReportRunlessAssetEventsSuccess":
        raise LocalServiceError(f"Dagster does not note the partitions: {answer}")


def range_tags(first: date, last: date) -> dict[str, str]:
    """Tags by which one run covers the daily partitions from `first` to `last`, both included."""
    return {
        "dagster/asset_partition_range_start": first.isoformat(),
        "dagster/asset_partition_range_end": last.isoformat(),
    }


def follow(
    settings: Settings, run_id: str, *, sleep: Callable[[float], None] = time.sleep
) -> Iterator[Step]:
    """The steps of a run as they finish, until it ends.

    Raises:
        LocalServiceError: the run failed or was cancelled; carries the failed steps' own words.
    """
    seen: set[str] = set()
    while True:
        run = _patiently(_ask)(settings, _RUN, id=run_id)["runOrError"]
        for stats in run.get("stepStats", ()):
            if stats["stepKey"] not in seen and stats["status"] in _DONE_STEPS:
                seen.add(stats["stepKey"])
                yield _step(stats)
        if run.get("status") in _ENDED:
            break
        sleep(_POLL_SECONDS)
    if run["status"] != "SUCCESS":
        raise LocalServiceError(_explain(settings, run_id, run["status"]))


def _step(stats: Mapping[str, Any]) -> Step:
    seconds = (stats["endTime"] or 0) - (stats["startTime"] or stats["endTime"] or 0)
    return Step(stats["stepKey"], stats["status"] == "SUCCESS", seconds)


def _explain(settings: Settings, run_id: str, status: str) -> str:
    """What went wrong, in the steps' own words, and where the whole log is."""
    events = _patiently(_ask)(settings, _FAILURES, id=run_id)["logsForRun"].get("events", ())
    reasons = [
        f"{event['stepKey']}: {(event['error'].get('cause') or event['error'])['message'].strip()}"
        for event in events
        if event["__typename"] == "ExecutionStepFailureEvent" and event.get("error")
    ] or [event["message"] for event in events if event["__typename"] == "RunFailureEvent"]
    url = f"{settings.orchestrator_url}/runs/{run_id}"
    return f"The run ended with {status}; its log: {url}\n" + "\n".join(reasons)


class _NoAnswer(LocalServiceError):
    """Of the webserver, which may be busy."""


class _SystemStopped(stop_base):
    """There is nothing to wait for. The settings are what is called with first."""

    def __call__(self, retry_state: RetryCallState) -> bool:
        settings: Settings = retry_state.args[0]
        return Supervisor(settings.state).was_stopped()


def _patiently(ask: Callable[..., Answer]) -> Callable[..., Answer]:
    """Ask again where the webserver is busy: a run goes on whether it is watched or not."""
    return retry(
        retry=retry_if_exception_type(_NoAnswer),
        wait=wait_fixed(2 * _POLL_SECONDS),
        stop=stop_after_delay(_PATIENCE_SECONDS) | _SystemStopped(),
        reraise=True,
    )(ask)


def _ask(settings: Settings, query: str, *, seconds: float = 30.0, **variables: object) -> Any:
    try:
        return graphql(settings, query, seconds=seconds, **variables)
    except (httpx2.HTTPError, ValueError) as error:
        raise _NoAnswer(f"Dagster's webserver does not answer: {error}") from error
