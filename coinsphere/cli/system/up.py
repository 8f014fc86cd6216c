"""`coinsphere up`, `down`: the local system."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
import psycopg
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from coinsphere.cli.console import console as new_console
from coinsphere.cli.system import links, status
from coinsphere.cli.system.logs import logs
from coinsphere.clock import iso, utc_now
from coinsphere.errors import CoinsphereError, LocalServiceError
from coinsphere.settings import Settings, environment, variable

if TYPE_CHECKING:
    from coinsphere.cli.progress import ConsoleProgress
    from coinsphere.local.supervision import Running

_WATCH_SECONDS = 3.0
_LOOK_SECONDS = 30
"""After which the watch has surely seen that a process does not answer."""
_RED = (
    "Everything goes on running and serves what is there. When the cause is mended, the schedules or the next "
    "`coinsphere up` run it again."
)


def register(cli: click.Group) -> None:
    """Add the commands."""
    for command in (up, down, logs, upgrade):
        cli.add_command(command)


@click.command()
@click.option(
    "--detach", is_flag=True, help="Return once everything runs; `coinsphere down` stops it."
)
@click.option(
    "--market",
    metavar="ORIGIN",
    help="Where prices come from, decided once for a database: auto, live, simulated or files:DIR.",
)
def up(*, detach: bool, market: str | None) -> None:
    """Start everything, fill the price history and run the pipeline once; Ctrl-C stops it again."""
    from coinsphere.local.supervision import Supervisor

    chosen = _chosen(market)
    console = new_console()
    console.print(f"[bold]Coinsphere[/bold] in {chosen.state}", highlight=False)
    if Supervisor(chosen.state).is_running():
        _complete(console, chosen)
        return
    with _terminable():
        is_stopped = _start(console, chosen, detach=detach)
    if is_stopped:
        console.print("Stopped.")


def _complete(console: Console, chosen: Settings) -> None:
    """Do what is left to do on a system that already runs."""
    from coinsphere.cli.progress import ConsoleProgress
    from coinsphere.local import system

    progress = ConsoleProgress(console)
    settings = system.up(chosen, progress)
    console.print("It runs already and goes on; what is not done yet is done now.")
    _say_what_is_waited_for(console, settings)
    _fill(console, settings, progress)
    console.print("`coinsphere status` shows it, `coinsphere down` stops it.")


def _say_what_is_waited_for(console: Console, settings: Settings) -> None:
    """What is left to do is asked of Dagster's webserver, which may have died or hang."""
    from coinsphere.local import liveness, probes

    if liveness.answers("dagster-webserver", settings) is False:
        console.print(
            f"Dagster's webserver does not answer yet. It is waited for, {probes.START_SECONDS // 60} minutes at most; one "
            f"that hangs is started again within {settings.hang_seconds + _LOOK_SECONDS:.0f} s. "
            "`coinsphere status` shows whether it is, `coinsphere logs dagster-webserver` what it says.",
            highlight=False,
        )


def _start(console: Console, chosen: Settings, *, detach: bool) -> bool:
    """Start and fill everything. Returns whether it was stopped here again, as it is by Ctrl-C, but neither with `detach` nor from elsewhere."""
    from coinsphere import upgrade
    from coinsphere.cli.progress import ConsoleProgress
    from coinsphere.local import system

    began = time.monotonic()
    progress = ConsoleProgress(console)
    settings = system.up(chosen, progress, upgrade.bring)
    try:
        _fill(console, settings, progress)
        console.print(f"Ready after {time.monotonic() - began:.0f} s.", highlight=False)
        if detach:
            console.print("It goes on in the background; `coinsphere down` stops it.")
            return False
        console.print("Ctrl-C stops everything.")
        _watch(console, settings)
    except KeyboardInterrupt:
        console.print("\nStopping")
        system.down(chosen)
        return True
    except BaseException:
        system.down(chosen)
        raise
    return False


@click.command()
@click.option("--no-look", is_flag=True, help="Where the ledger contradicted itself before.")
@click.option("--no-backup", is_flag=True, help="Where none can be made and none is wanted.")
def upgrade(*, no_look: bool, no_backup: bool) -> None:
    """Back up the state of an older version and bring it to this one, all of it or nothing: what fails leaves it as it was."""
    from coinsphere import upgrade
    from coinsphere.cli.progress import ConsoleProgress
    from coinsphere.local import system

    with system.servers_alone(_chosen(None), ConsoleProgress(new_console())) as settings:
        done = upgrade.upgrade(settings, utc_now, looks=not no_look, backs_up=not no_backup)
    if done.before == done.after:
        click.echo(f"The state is of this version already (revision {done.after}).")
        return
    click.echo(f"The state went from revision {done.before or 'none'} to {done.after}.")
    if done.backup_id is None:
        click.echo("No backup was made ahead.")
        return
    click.echo(
        f"{done.backup_id} was made ahead. Back to before, with the version that you came from: "
        f"`coinsphere backup restore --to {iso(done.began_at)} --into FOLDER`."
    )


@click.command()
def down() -> None:
    """Stop every process of the local system."""
    from coinsphere.local import system

    ran = system.down(_chosen(None))
    click.echo("Stopped." if ran else "Nothing ran.")


def _fill(console: Console, settings: Settings, progress: "ConsoleProgress") -> None:
    """Fill the history, run the pipeline, and say what there is to see.

    Raises:
        LocalServiceError: somebody stopped the system meanwhile.
    """
    from coinsphere.cli.market.commands import show_import
    from coinsphere.cli.market.quarantine import show_set_aside
    from coinsphere.local import backfill
    from coinsphere.local.supervision import Supervisor

    status.show_origin(console, status.stored_origin(settings))
    try:
        for report in backfill.fill(settings, progress):
            show_import(console, report)
    except (CoinsphereError, psycopg.Error) as error:
        if Supervisor(settings.state).was_stopped():
            raise LocalServiceError("Somebody stopped the system before it was ready.") from error
        console.print(f"[red]Not everything is green:[/red] {escape(str(error))}", highlight=False)
        console.print(_RED, highlight=False)
    show_set_aside(console, status.held(settings))
    console.print(_addresses(settings))
    console.print(links.as_text(settings), highlight=False, markup=False, soft_wrap=True)
    console.print(examples(settings), highlight=False, markup=False)
    console.print(
        f"Open {settings.pages_url} in a browser; `coinsphere demo` fills an account to look at.",
        highlight=False,
        markup=False,
    )


def _chosen(market: str | None) -> Settings:
    """The settings that a person chose, without what local servers wrote."""
    variables = environment(with_credentials=False)
    if market is not None:
        variables[variable("market")] = market
    return Settings.from_env(variables)


@contextmanager
def _terminable() -> Iterator[None]:
    """SIGTERM stops the system as Ctrl-C does."""

    def interrupt(_: int, __: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _watch(console: Console, settings: Settings) -> None:
    """Say when a process died and came back, until Ctrl-C or until somebody stops the system."""
    from coinsphere.local.supervision import Supervisor

    supervisor = Supervisor(settings.state)
    pids = {each.name: each.pid for each in supervisor.list()}
    is_lost = False
    while True:
        time.sleep(_WATCH_SECONDS)
        try:
            now = supervisor.list()
        except LocalServiceError as error:
            if supervisor.has_ended():
                console.print("The supervisor is gone: somebody stopped the system.")
                return
            if not is_lost:
                console.print(f"{utc_now():%H:%M:%S} [red]{escape(str(error))}[/red]")
            is_lost = True
            continue
        if is_lost:
            console.print(f"{utc_now():%H:%M:%S} The supervisor is back.", highlight=False)
            pids, is_lost = {each.name: each.pid for each in now}, False
        for process in now:
            if process.pid != pids[process.name]:
                _report_change(console, process)
                pids[process.name] = process.pid


def _report_change(console: Console, process: "Running") -> None:
    again = f"was started again (process {process.pid})"
    what = again if process.pid else process.state.lower()
    console.print(f"{utc_now():%H:%M:%S} {process.name}: {what}", highlight=False)


def _addresses(settings: Settings) -> Table:
    base = "http://127.0.0.1"
    table = Table("what", "where", title="What runs", title_justify="left")
    for what, where in (
        ("Web pages", settings.pages_url),
        ("REST API, its reference", f"{base}:{settings.api_port}/api/docs"),
        ("Dagster: assets, runs, schedules", f"{base}:{settings.dagster_port}"),
        ("MLflow: experiments, models", f"{base}:{settings.mlflow_port}"),
        ("Model server", f"{base}:{settings.ml_port}/health"),
        ("Stream", f"ws://127.0.0.1:{settings.stream_port}/api/v1/ws"),
        ("Logs, data, keys", str(settings.state)),
    ):
        table.add_row(what, escape(where))
    return table


def examples(settings: Settings) -> str:
    """Lines to try in a shell, the first time and any other: who is registered already logs in."""
    api = f"http://127.0.0.1:{settings.api_port}/api/v1"
    return f"""\
Try (the first lines keep an access token in $TOKEN):
  TOKEN=$(for way in register login; do
    curl -s {api}/auth/$way -H 'Content-Type: application/json' \\
      -d '{{"email":"you@example.com","password":"correct horse battery"}}'; echo
  done | sed -n 's/.*"accessToken": *"\\([^"]*\\)".*/\\1/p' | tail -n 1)
  curl -s {api}/tokens -H "Authorization: Bearer $TOKEN"
  curl -s {api}/predictions/BTC -H "Authorization: Bearer $TOKEN"
"""
