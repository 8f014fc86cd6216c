"""`coinsphere jobs`: background jobs that failed for good."""

import json

import click

from coinsphere.settings import Role, Settings


def register(cli: click.Group) -> None:
    """Add the sub-commands."""
    cli.add_command(jobs)


@click.group()
def jobs() -> None:
    """Background jobs that failed: look, try again, forget."""


@jobs.command("list")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def list_(*, as_json: bool) -> None:
    """List the jobs that failed, and whose work was not done later. `coinsphere logs worker` says why."""
    import psycopg
    from rich.markup import escape
    from rich.table import Table

    from coinsphere import failed_jobs
    from coinsphere.cli.console import console as new_console
    from coinsphere.clock import iso

    with psycopg.connect(Settings.from_env().url_for(Role.WORKER)) as conn:
        found = failed_jobs.newest(conn)
    rows = [
        {
            "id": each.id,
            "task": each.task,
            "args": each.args,
            "attempts": each.attempts,
            "failedAt": iso(each.failed_at) if each.failed_at else None,
        }
        for each in found
    ]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    if not rows:
        click.echo("No job failed.")
        return
    table = Table("id", "task", "arguments", "tries", "failed at")
    for row in rows:
        table.add_row(*(escape(str(value)) for value in row.values()))
    new_console().print(table)


@jobs.command()
@click.argument("job_id", type=int)
def retry(job_id: int) -> None:
    """Try a failed job again."""
    _change(job_id, "retry", "is tried again")


@jobs.command()
@click.argument("job_id", type=int)
def forget(job_id: int) -> None:
    """Forget a failed job: its work will not be done."""
    _change(job_id, "forget", "is forgotten")


def _change(job_id: int, action: str, said: str) -> None:
    import psycopg

    from coinsphere import failed_jobs

    with psycopg.connect(
        Settings.from_env().url_for(Role.WORKER), options="-c search_path=jobs,public"
    ) as conn:
        is_done: bool = getattr(failed_jobs, action)(conn, job_id)
    if not is_done:
        raise click.ClickException(
            f"No failed job has the number {job_id}: see `coinsphere jobs list`."
        )
    click.echo(f"Job {job_id} {said}.")
