"""The global model of all tokens: its training with the gates as checks, and its forecasts with drift as checks.

All tokens are learned from at once, so there is nothing to partition in the fit itself; the walk-forward spreads its
blocks over `ml_processes` processes. How larger ones spread over Celery or Kubernetes: docs/guides/forecasting.md.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from coinsphere.clock import Clock
from coinsphere.db.pool import Database
from coinsphere.settings import Settings
from ml import pipeline
from ml.errors import NoChampion, TooLittleHistory
from ml.monitoring.alarms import Alarm
from orchestration import automation, failures, notifications
from orchestration.checks import table
from orchestration.forecasting import global_figures
from orchestration.warehouse.assets import FEATURES

GLOBAL_MODEL = dg.AssetKey(["forecasting", "global_model"])
GLOBAL_PREDICTIONS = dg.AssetKey(["forecasting", "global_predictions"])

GATES = (
    "G0_data",
    "G1_causality",
    "G2_baselines",
    "G3_champion",
    "G4_calibration",
    "G5_slices",
    "G6_engineering",
)
"""Those of `ml.evaluation.gates`, whose import is slow; a test compares them."""

_SKIPPED = "Nothing to learn from yet: {reason}"
_WATCHED = {
    global_figures.DRIFT: "Coverage, PIT and paired skill of what was issued: docs/guides/forecasting.md.",
    global_figures.SHADOW: "The challenger's forecasts beside the champion's, which may veto it and prove nothing.",
    global_figures.FRESH: "What serves is not the baseline, and its data is not too old.",
}


@dg.asset(
    key=GLOBAL_MODEL,
    deps=[FEATURES],
    group_name="forecasting",
    owners=["team:ml"],
    kinds={"python", "pytorch", "mlflow"},
    pool="training",
    retry_policy=failures.PATIENT,
    freshness_policy=automation.weekly_or_late(),
    check_specs=[
        dg.AssetCheckSpec(
            name,
            asset=GLOBAL_MODEL,
            description="A gate of the newest version: docs/guides/forecasting.md.",
        )
        for name in GATES
    ],
)
@failures.classified()
def global_model(
    context: dg.AssetExecutionContext,
    settings: dg.ResourceParam[Settings],
    database: dg.ResourceParam[Database],
    clock: dg.ResourceParam[Clock],
) -> dg.MaterializeResult:
    """The newest version of the global model, walked forward over four years and judged.

    At each horizon where it passes it serves where nothing does, else it forecasts in the champion's shadow first. A failed
    gate is a warning, and mailed if the version before had passed: the version is kept and shown, and what served before
    goes on. The baseline is trained and registered in any case.
    """
    with database.connection() as conn:
        try:
            held = pipeline.build_panel(conn)
            conn.commit()  # no transaction stays open for the hours of a training: it would keep an import waiting
            made = pipeline.train_global(
                conn, settings, held, clock=clock, dagster_run_id=context.run.run_id
            )
            notifications.tell(
                conn,
                settings,
                f"{GLOBAL_MODEL.to_user_string()}: gates",
                global_figures.refusal(made),
                version=made.version,
                run_id=context.run.run_id,
                now=clock(),
            )
        except TooLittleHistory as reason:
            return dg.MaterializeResult(
                metadata={"passed_over": dg.MetadataValue.md(_SKIPPED.format(reason=reason))},
                check_results=[_unknown(name, str(reason)) for name in GATES],
            )
    return dg.MaterializeResult(
        metadata=global_figures.of_training(made, settings.tracking_url),
        check_results=[
            dg.AssetCheckResult(
                check_name=gate.name,
                passed=gate.passed,
                severity=dg.AssetCheckSeverity.WARN,
                metadata={
                    "reasons": dg.MetadataValue.md(
                        "\n".join(f"- {each}" for each in gate.reasons) or "none"
                    ),
                    **gate.figures,
                    "version": made.version,
                    "gate_report": str(made.report_id),
                },
            )
            for gate in made.report.gates
        ],
    )


@dg.asset(
    key=GLOBAL_PREDICTIONS,
    deps=[GLOBAL_MODEL, FEATURES],
    group_name="forecasting",
    owners=["team:ml"],
    kinds={"python", "mlflow", "postgres"},
    retry_policy=failures.PATIENT,
    freshness_policy=automation.daily_after_close(),
)
@failures.classified()
def global_predictions(
    context: dg.AssetExecutionContext,
    settings: dg.ResourceParam[Settings],
    database: dg.ResourceParam[Database],
    clock: dg.ResourceParam[Clock],
) -> dg.MaterializeResult:
    """What the global model expects of every token after the last daily close: champions, baseline and challenger."""
    with database.connection() as conn:
        try:
            issued = pipeline.predict_global(
                conn, settings, clock(), dagster_run_id=context.run.run_id
            )
        except (NoChampion, TooLittleHistory) as reason:
            return dg.MaterializeResult(
                metadata={"dagster/row_count": 0, "passed_over": dg.MetadataValue.md(str(reason))}
            )
    rows = [
        {
            "version": each.version,
            "model": each.model,
            "tokens": each.tokens,
            "forecasts": each.forecasts,
            "public": each.public,
        }
        for each in issued
    ]
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": sum(each.forecasts for each in issued),
            "versions": dg.MetadataValue.md(table(rows)),
        }
    )


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
            found = pipeline.watch_global(conn, settings, clock())
        except NoChampion as reason:
            results = [_check(name, (), {"passed_over": str(reason)}) for name in _WATCHED]
        else:
            standing = global_figures.alarms(found)
            for name, (version, alarms) in standing.items():
                subject = f"{GLOBAL_PREDICTIONS.to_user_string()}: {name}"
                notifications.tell(
                    conn,
                    settings,
                    subject,
                    alarms,
                    version=version,
                    run_id=context.run.run_id,
                    now=clock(),
                )
            figures = global_figures.of_watch(found)
            results = [
                _check(name, alarms, {"version": version, **figures[name]})
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


def _unknown(name: str, reason: str) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=name,
        passed=False,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"reasons": f"not judged: {reason}"},
    )
