"""What Prometheus reads of Dagster: a check that warns is no failed one, as an alert would never end."""

import dagster as dg

from orchestration.servers.metrics import DagsterMetrics

_SEVERITIES = {
    "good": None,
    "odd": dg.AssetCheckSeverity.WARN,
    "wrong": dg.AssetCheckSeverity.ERROR,
}


@dg.multi_asset_check(specs=[dg.AssetCheckSpec(name, asset="candles") for name in _SEVERITIES])
def judged():
    for name, severity in _SEVERITIES.items():
        yield dg.AssetCheckResult(
            asset_key="candles",
            check_name=name,
            passed=severity is None,
            severity=severity or dg.AssetCheckSeverity.ERROR,
        )


def test_a_warning_is_not_counted_as_a_failed_check() -> None:
    checks = dg.Definitions(asset_checks=[judged])
    with dg.DagsterInstance.ephemeral() as instance:
        for _ in range(2):
            checks.resolve_implicit_global_asset_job_def().execute_in_process(instance=instance)
        families = {family.name: family for family in DagsterMetrics(instance).collect()}
    ended = {
        each.labels["status"]: each.value for each in families["coinsphere_asset_checks"].samples
    }
    assert ended == {"SUCCEEDED": 1, "WARNED": 1, "FAILED": 1}
