"""Fills the price history of a new system, and runs its whole pipeline once, through Dagster."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psycopg

from coinsphere import log
from coinsphere.clock import Clock, utc_now
from coinsphere.errors import CoinsphereError, LocalServiceError
from coinsphere.local import dagster
from coinsphere.local.progress import Progress
from coinsphere.market import origin
from coinsphere.market.imports import importer
from coinsphere.market.imports.importer import ImportReport
from coinsphere.market.origin import Origin
from coinsphere.settings import Role, Settings

_FIRST_PARTITION = "2010-01-01"
_log = log.get("local")

_DAYS_STORED = """
    select distinct (opened_at at time zone 'UTC')::date::text from market.price_data
    where interval = '1d' and opened_at >= %(first)s
    order by 1
"""


def fill(
    settings: Settings, progress: Progress, *, clock: Clock = utc_now
) -> Iterator[ImportReport]:
    """Fill the price history and run the whole pipeline, unless it was done before.

    Gives the report of the candle files, where prices come from files.

    Raises:
        LocalServiceError: a run failed; carries the reason.
    """
    decided = _origin(settings)
    if dagster.has_succeeded(settings, "pipeline"):
        return
    if decided.source == "files":
        if decided.location is not None:
            yield _import(settings, Path(decided.location), progress)
    else:
        first = clock().date() - timedelta(days=settings.market_history_days)
        tags = dagster.range_tags(first, clock().date())
        title = f"Filling {settings.market_history_days} days of history"
        _run(settings, "history", title, progress, tags)
    _run(settings, "pipeline", "Running the pipeline", progress)


def _origin(settings: Settings) -> Origin:
    with psycopg.connect(settings.url_for(Role.PIPELINE)) as conn:
        decided = origin.get(conn)
    if decided is None:
        raise CoinsphereError("Where prices come from is not decided yet: run `coinsphere up`.")
    return decided


def _import(settings: Settings, folder: Path, progress: Progress) -> ImportReport:
    """Load the candle files, and tell Dagster which of its partitions are there."""
    url = settings.url_for(Role.PIPELINE)
    with progress.stage(f"Importing the candle files of {folder}"):
        with psycopg.connect(url) as conn:
            report = importer.import_folder(conn, folder)
            days = [day for (day,) in conn.execute(_DAYS_STORED, {"first": _FIRST_PARTITION})]
        _note_imported(settings, days, folder)
    return report


def _note_imported(settings: Settings, days: list[str], folder: Path) -> None:
    """Tell Dagster of the days. Nothing is computed from that: where it cannot be told, the pipeline goes on."""
    try:
        dagster.report_materialized(
            settings, ["market", "candles_daily"], days, f"Imported from {folder}"
        )
    except LocalServiceError as error:
        _log.warning("Dagster was not told of the imported days", error=str(error))


def _run(
    settings: Settings, job: str, title: str, progress: Progress, tags: dict[str, str] | None = None
) -> None:
    with progress.stage(title) as stage:
        for step in dagster.follow(settings, dagster.begin(settings, job, tags)):
            stage.step(step)
