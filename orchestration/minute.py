"""The minute's work, done by the code server when the schedule is due: no run, and so no process, is started for it.

A process imports for four seconds of CPU what the code server has, for work of a tenth of one (ADR 0354).
"""

import threading
from collections.abc import Mapping
from functools import cache
from typing import Any

import dagster as dg

from coinsphere import garbage, log
from coinsphere.observability import traces
from coinsphere.observability.parts import Part
from orchestration.alerts import assets as alerts
from orchestration.market import assets as market

NAME = "minute"
"""Of the schedule, and of the job that tries again what failed here."""
_NEEDS = ("settings", "database", "source", "clock")
_at_work = threading.Lock()
_log = log.get("orchestration.minute")


def instead_of(
    run: dg.RunRequest, instance: dg.DagsterInstance, resources: Mapping[str, Any]
) -> dg.RunRequest | dg.SkipReason:
    """Refresh quotes and evaluate alerts here, and skip `run`; ask for it where that fails: it tries again, and tells."""
    if not _at_work.acquire(blocking=False):
        return dg.SkipReason("The last minute is still at work.")
    try:
        _spare_once()
        with traces.job(Part(NAME)):
            return dg.SkipReason(_work(instance, resources))
    except Exception as error:  # noqa: BLE001 - whatever it is, the run fails by it too, or it has passed
        _log.warning("the minute is tried again by a run", error=f"{type(error).__name__}: {error}")
        return run
    finally:
        garbage.give_back_what_is_free()
        _at_work.release()


@cache
def _spare_once() -> None:
    """What the code server has loaded by its first minute is not looked through after each."""
    garbage.spare_what_is_loaded()


def _work(instance: dg.DagsterInstance, resources: Mapping[str, Any]) -> str:
    needed = {name: resources[name] for name in _NEEDS}
    with dg.build_resources(needed, instance) as opened:
        shared = (opened.settings, opened.database)
        quotes = market.refresh_quotes(*shared, opened.source, opened.clock)
        # Not a materialization: its checks, which take longer than a minute may, would count as not evaluated.
        instance.report_runless_asset_event(dg.AssetObservation(market.QUOTES, metadata=quotes))
        judged = alerts.evaluate(*shared, opened.clock)
        instance.report_runless_asset_event(
            dg.AssetMaterialization(alerts.EVALUATIONS, metadata=judged)
        )
    written = quotes["rows_written"].value
    return f"Done without a run: {written} quotes written, {judged['fired']} alerts fired."
