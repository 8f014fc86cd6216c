"""`coinsphere jobs`: background jobs that failed, are stuck, run or wait."""

import json
from typing import TYPE_CHECKING, Any

import click

from coinsphere.settings import Role, Settings

if TYPE_CHECKING:
    import psycopg

    from coinsphere.jobs.records import Job, State

_STATES = ("failed", "stuck", "running", "waiting")


def register(cli: click.Group) -> None:
    """Add the sub-commands."""
    cli.add_command(jobs)


@click.group()
def jobs() -> None:
    """Background jobs: look, try again, cancel."""


@jobs.command("list")
@click.option(
    "--state",
    "states",
    type=click.Choice(_STATES),
    multiple=True,
    help="Any number of times; without it those that failed or are stuck.",
)
@click.option("--queue", help="Of this queue only.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def list_(states: "tuple[State, ...]", queue: str | None, *, as_json: bool) -> None:
    """List the jobs that failed and whose work was not done later, and those that are stuck.

    `coinsphere logs worker` says why.
    """
    from rich.markup import escape
    from rich.table import Table

    from coinsphere.cli.console import console as new_console
    from coinsphere.jobs import records

    with _connect() as conn:
        jobs_found = records.newest(conn, states or records.ILL, queue=queue)
    rows = [_as_dict(each) for each in jobs_found]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    if not rows:
        click.echo("None.")
        return
    table = Table(*rows[0])
    for row in rows:
        table.add_row(*(escape(str(value)) for value in row.values()))
    new_console().print(table)


@jobs.command()
@click.argument("job_id", type=int)
def show(job_id: int) -> None:
    """Show one that is not done, and what happened to it."""
    from coinsphere.clock import iso
    from coinsphere.jobs import records

    with _connect() as conn:
        job = records.find(conn, job_id)
        events = records.events(conn, job_id)
    if job is None:
        raise _no_such_job(job_id, "waits, runs or failed")
    told = [{"event": name, "at": iso(at)} for name, at in events]
    click.echo(json.dumps(_as_dict(job) | {"events": told}, indent=2))


@jobs.command()
@click.argument("job_id", type=int)
def retry(job_id: int) -> None:
    """Try a failed job again."""
    from coinsphere.jobs import records

    with _connect() as conn:
        if not records.retry(conn, job_id):
            raise _no_such_job(job_id, "failed")
    click.echo(f"Job {job_id} is tried again.")


@jobs.command()
@click.argument("job_id", type=int)
def cancel(job_id: int) -> None:
    """Forget a job that failed or was not begun: its work will not be done. What somebody waits for is not cancelled."""
    from coinsphere.jobs import records

    with _connect() as conn:
        job = records.find(conn, job_id)
        if not records.cancel(conn, job_id):
            raise _not_cancelled(job_id, job)
    click.echo(f"Job {job_id} is cancelled.")


def _connect() -> "psycopg.Connection":
    import psycopg

    return psycopg.connect(
        Settings.from_env().url_for(Role.WORKER),
        options="-c search_path=jobs,public -c timezone=UTC",
    )


def _as_dict(job: "Job") -> dict[str, Any]:
    from coinsphere.clock import iso

    return {
        "id": job.id,
        "state": job.state,
        "queue": job.queue,
        "task": job.task,
        "args": job.args,
        "attempts": job.attempts,
        "since": iso(job.changed_at) if job.changed_at else None,
        "scheduledAt": iso(job.scheduled_at) if job.scheduled_at else None,
    }


def _not_cancelled(job_id: int, job: "Job | None") -> click.ClickException:
    if job is None:
        return _no_such_job(job_id, "waits, runs or failed")
    return click.ClickException(
        f"Job {job_id} ({job.task}, {job.state}) is not cancelled: it runs, or somebody waits for it and it ends by itself."
    )


def _no_such_job(job_id: int, what: str) -> click.ClickException:
    return click.ClickException(
        f"There is no job {job_id} that {what}: see `coinsphere jobs list`."
    )
