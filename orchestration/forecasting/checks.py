"""Checks of forecasts: of their form when they are issued, and of their accuracy once outcomes are known."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import dagster as dg
from psycopg import Connection

from coinsphere.clock import Clock
from coinsphere.db.pool import Database
from coinsphere.settings import Settings
from expectations.suites import predictions
from ml import pipeline
from ml.errors import NoChampion
from ml.monitoring.alarms import Alarm
from orchestration.checks import suites
from orchestration.execution import failures
from orchestration.forecasting import global_metadata
from orchestration.forecasting.assets import GLOBAL_PREDICTIONS, PREDICTIONS
from orchestration.operations import notifications

if TYPE_CHECKING:
    import pandas as pd

_WATCHED = {
    global_metadata.DRIFT: "Coverage, PIT and paired skill of what was issued: docs/guides/forecasting.md.",
    global_metadata.SHADOW: "The challenger's forecasts beside the champion's, which may veto it and prove nothing.",
    global_metadata.FRESH: "What serves is not the baseline, and its data is not too old.",
}


def _predictions(conn: Connection, _: Settings, now: datetime) -> "pd.DataFrame":
    from expectations.frames import predictions as frame

    return frame.read(conn, now)


@dg.multi_asset_check(
    name="watch_global_model",
    specs=[
        dg.AssetCheckSpec(name, asset=GLOBAL_PREDICTIONS, description=description)
        for name, description in _WATCHED.items()
    ],
    retry_policy=failures.PATIENT,
    description="See how issued forecasts fared; return to the baseline, promote or veto the challenger; tell of alarms.",
)
def watch_global_model(
    context: dg.AssetCheckExecutionContext,
    settings: dg.ResourceParam[Settings],
    database: dg.ResourceParam[Database],
    clock: dg.ResourceParam[Clock],
) -> Iterator[dg.AssetCheckResult]:
    """Three checks of what was issued. What newly went wrong is mailed, and not again before it has passed."""
    with failures.classified(), database.connection() as conn:
        try:
            watched = pipeline.watch_global(conn, settings, clock())
        except NoChampion as reason:
            results = [_check(name, (), {"passed_over": str(reason)}) for name in _WATCHED]
        else:
            standing = global_metadata.alarms(watched)
            for name, (version, alarms) in standing.items():
                subject = f"{GLOBAL_PREDICTIONS.to_user_string()}: {name}"
                notifications.tell(
                    conn, settings, subject, alarms,
                    version=version, run_id=context.run.run_id, now=clock(),
                )  # fmt: skip
            shown = global_metadata.of_watch(watched)
            results = [
                _check(name, alarms, {"version": version, **shown[name]})
                for name, (version, alarms) in standing.items()
            ]
    yield from results


def _check(name: str, alarms: Sequence[Alarm], metadata: dict[str, Any]) -> dg.AssetCheckResult:
    listed = "\n".join(f"- {each.detail}" for each in alarms) or "none"
    return dg.AssetCheckResult(
        asset_key=GLOBAL_PREDICTIONS,
        check_name=name,
        passed=not alarms,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"alarms": dg.MetadataValue.md(listed), **metadata},
    )


CHECKS = [
    suites.build(
        "check_predictions",
        PREDICTIONS,
        predictions.SUITE,
        _predictions,
        ["symbol", "origin_at", "horizon_days"],
    ),
    watch_global_model,
]
