"""The code location: everything that Dagster knows of us, put together in one place."""

import dagster as dg

from coinsphere import log
from coinsphere.observability import faults, traces
from coinsphere.settings import Settings
from orchestration import jobs, resources, schedules, sensors
from orchestration.alerts import assets as alerts
from orchestration.defi import assets as defi
from orchestration.forecasting import assets as forecasting
from orchestration.forecasting import checks as forecasting_checks
from orchestration.market import assets as market
from orchestration.market import checks as market_checks
from orchestration.market import implied_volatility
from orchestration.operations.backup_drill import backup_drill
from orchestration.operations.housekeeping import housekeeping
from orchestration.portfolios import assets as portfolios
from orchestration.portfolios import checks as portfolio_checks
from orchestration.warehouse import assets as warehouse
from orchestration.warehouse import checks as warehouse_checks
from orchestration.warehouse import project

_ASSETS = (alerts, defi, forecasting, implied_volatility, market, portfolios, warehouse)
"""All assets at the top of these modules are taken; those of dbt are made from its manifest."""


def build_definitions(settings: Settings) -> dg.Definitions:
    """The definitions for `settings`. Opens nothing; parses the dbt project if it changed."""
    dbt_models = warehouse.build_models(project.manifest(settings))
    all_resources = resources.build(settings)
    all_jobs = [*jobs.build(dbt_models, settings), housekeeping, backup_drill]
    return dg.Definitions(
        assets=[dbt_models, *dg.load_assets_from_modules(_ASSETS, include_specs=True)],
        asset_checks=[
            *market_checks.CHECKS,
            *implied_volatility.CHECKS,
            *warehouse_checks.CHECKS,
            *forecasting_checks.CHECKS,
            *portfolio_checks.CHECKS,
        ],
        jobs=all_jobs,
        schedules=schedules.build(all_jobs, all_resources),
        sensors=[sensors.failed_run, sensors.automation],
        resources=all_resources,
        executor=dg.in_process_executor,
    )


@dg.definitions
def defs() -> dg.Definitions:
    """What `workspace.yaml` loads."""
    settings = Settings.from_env()
    log.configure(settings.log_level)
    log.adopt("dagster")
    faults.start(settings, "dagster-code")
    if (spans := traces.start(settings, "dagster")) is not None:
        from orchestration.execution import traced_runs

        traced_runs.watch(spans)
    return build_definitions(settings)
