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
        found = report.running(conn, utc_now())
    if as_json:
        click.echo(json.dumps([_as_dict(each) for each in found], indent=2))
    elif not found:
        click.echo("None runs: no rule of a flag draws between variants.")
    else:
        for each in found:
            _print(each)


def _print(found: "Report") -> None:
    from rich.table import Table

    from coinsphere.cli.console import console as new_console
    from coinsphere.clock import iso

    title = f"{found.experiment.flag.key}, version {found.version}, since {iso(found.since)}"
    arms = Table("variant", "users", "time over", *found.experiment.metrics, title=title)
    for arm in found.arms:
        arms.add_row(arm.variant, f"{arm.users:,}", f"{arm.over:,}", *(f"{n:,}" for n in arm.did.values()))  # fmt: skip
    compared = Table("variant", "metric", "difference", "95 % interval", "p", "verdict")
    for finding in found.findings:
        compared.add_row(*_row(finding))
    console = new_console()
    console.print(arms)
    console.print(compared)
    console.print(
        f"Chance gives such sizes of the groups with a probability of {found.ratio_p:.3g}."
    )


def _row(found: "Finding") -> list[str]:
    said = found.compared
    figures = ["", "", ""]
    if said is not None:
        interval = f"{said.lower:+.2%} to {said.upper:+.2%}"
        figures = [f"{said.difference:+.2%}", interval, f"{said.p_value:.3g}"]
    metric = f"{found.metric} (guard)" if found.is_guard else str(found.metric)
    return [found.variant, metric, *figures, found.verdict]


def _as_dict(found: "Report") -> dict[str, Any]:
    from dataclasses import asdict

    from coinsphere.clock import iso

    return {
        "flag": found.experiment.flag.key,
        "version": found.version,
        "since": iso(found.since),
        "sampleRatioP": found.ratio_p,
        "variants": [asdict(arm) for arm in found.arms],
        "findings": [asdict(finding) for finding in found.findings],
    }
