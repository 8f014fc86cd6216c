"""`coinsphere experiments`: what runs, and what it says so far."""

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from coinsphere.experiments.report import Finding, Report


def register(cli: click.Group) -> None:
    """Add the command."""
    cli.add_command(experiments)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def experiments(*, as_json: bool) -> None:
    """Show the experiments that run: who takes part, and how the variants compare.

    It may be looked at all the time: what it calls better or worse is so by chance in one of twenty experiments at most.
    """
    import psycopg

    from coinsphere.clock import utc_now
    from coinsphere.experiments import report
    from coinsphere.settings import Role, Settings

    with psycopg.connect(Settings.from_env().url_for(Role.WORKER)) as conn:
        reports = report.running(conn, utc_now())
    if as_json:
        click.echo(json.dumps([_as_dict(each) for each in reports], indent=2))
    elif not reports:
        click.echo("None runs: no rule of a flag draws between variants.")
    else:
        for each in reports:
            _print(each)


def _print(report: "Report") -> None:
    from rich.table import Table

    from coinsphere.cli.console import console as new_console
    from coinsphere.clock import iso

    title = f"{report.experiment.flag.key}, version {report.version}, since {iso(report.since)}"
    arms = Table("variant", "users", "time over", *report.experiment.metrics, title=title)
    for arm in report.arms:
        arms.add_row(arm.variant, f"{arm.users:,}", f"{arm.over:,}", *(f"{n:,}" for n in arm.did.values()))  # fmt: skip
    compared = Table("variant", "metric", "difference", "95 % interval", "p", "verdict")
    for finding in report.findings:
        compared.add_row(*_row(finding))
    console = new_console()
    console.print(arms)
    console.print(compared)
    console.print(
        f"Chance gives such sizes of the groups with a probability of {report.ratio_p:.3g}."
    )


def _row(finding: "Finding") -> list[str]:
    comparison = finding.compared
    figures = ["", "", ""]
    if comparison is not None:
        interval = f"{comparison.lower:+.2%} to {comparison.upper:+.2%}"
        figures = [f"{comparison.difference:+.2%}", interval, f"{comparison.p_value:.3g}"]
    metric = f"{finding.metric} (guard)" if finding.is_guard else str(finding.metric)
    return [finding.variant, metric, *figures, finding.verdict]


def _as_dict(report: "Report") -> dict[str, Any]:
    from dataclasses import asdict

    from coinsphere.clock import iso

    return {
        "flag": report.experiment.flag.key,
        "version": report.version,
        "since": iso(report.since),
        "sampleRatioP": report.ratio_p,
        "variants": [asdict(arm) for arm in report.arms],
        "findings": [asdict(finding) for finding in report.findings],
    }
