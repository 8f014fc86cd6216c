"""`coinsphere run`, `prepare`, `fill` and `secrets`: each part of `coinsphere up` by itself, for containers and systemd.

`coinsphere up` does all of it on one machine. Containers, units of systemd and pods start each process by itself.
"""

import os
import secrets as generator
from pathlib import Path
from urllib.parse import urlsplit

import click

from coinsphere.local.processes import APPLICATIONS
from coinsphere.local.state import ROLE_SETTINGS, database_of
from coinsphere.settings import Settings

_SUPERVISED = ("watch",)
"""Only for `coinsphere up`: elsewhere the orchestrator looks after processes."""


def register(cli: click.Group) -> None:
    """Add the commands."""
    for command in (run, prepare, fill, secrets):
        cli.add_command(command)


@click.command()
@click.argument(
    "name", type=click.Choice([each for each in APPLICATIONS if each not in _SUPERVISED])
)
def run(name: str) -> None:
    """Become the process NAME, in the foreground, by the settings of the environment; SIGTERM ends it."""
    from coinsphere.local import processes
    from coinsphere.local.state import State

    settings = Settings.from_env()
    process = processes.application(settings, name)
    State(settings.state).prepare()
    if name.startswith("dagster-"):
        processes.write_dagster_files(settings)
    added = processes.variables(process, settings)
    command = list(process.command)
    os.execvpe(command[0], command, {**os.environ, **added})  # noqa: S606 - no shell  # nosec B606


@click.command()
def prepare() -> None:
    """Bring the database to the newest schema, add the seeds, and decide where prices come from; then end."""
    from coinsphere.local import system

    settings = Settings.from_env()
    system.prepare_database(settings, settings.market)
    click.echo("The database is ready.")


@click.command()
def fill() -> None:
    """Fill the price history and run the whole pipeline through Dagster, unless it was done before; then end."""
    from coinsphere.cli.console import console as new_console
    from coinsphere.cli.market.commands import show_import
    from coinsphere.cli.progress import ConsoleProgress
    from coinsphere.local import backfill

    console = new_console()
    for report in backfill.fill(Settings.from_env(), ConsoleProgress(console)):
        show_import(console, report)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--postgres", default="postgres:5432", help="HOST:PORT at which processes reach PostgreSQL."
)
@click.option(
    "--pooler", default="pgbouncer:6432", help="HOST:PORT of PgBouncer, where one is used."
)
@click.option("--redis", default="redis:6379", help="HOST:PORT at which they reach Redis.")
@click.option("--smtp", default="smtp://mail:1025", help="Mail relay.")
def secrets(folder: Path, postgres: str, pooler: str, redis: str, smtp: str) -> None:
    """Write new secrets into FOLDER, a file each, for `COINSPHERE_SECRETS_DIR`; what is there is kept."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # Containers run as another account: the folder keeps others out, and each container is given its files only.
    folder.chmod(0o700)
    passwords = {role: _kept(folder, f"{role}_password") for role in ("superuser", "redis")}
    urls = {name: _database_url(folder, name, postgres) for name in ROLE_SETTINGS}
    values = {
        **{f"{role}_password": password for role, password in passwords.items()},
        "superuser_database_url": f"postgresql://postgres:{passwords['superuser']}@{postgres}/postgres",
        "redis_url": f"redis://:{passwords['redis']}@{redis}/0",
        "service_token": generator.token_urlsafe(32),
        "smtp_url": smtp,
        **urls,
        **_pooled(urls["api_database_url"], pooler),
    }
    written = [_write(folder / name, value) for name, value in values.items()]
    click.echo(f"{sum(written)} secrets written to {folder}, {len(written) - sum(written)} kept.")


def _database_url(folder: Path, name: str, server: str) -> str:
    path, role = folder / name, ROLE_SETTINGS[name]
    if path.exists():
        return path.read_text()
    return f"postgresql://{role}:{generator.token_hex(24)}@{server}/{database_of(role)}"


def _pooled(url: str, pooler: str) -> dict[str, str]:
    """What PgBouncer knows of the role of `url`, and the URL by which it is asked in the server's place."""
    parts = urlsplit(url)
    credentials = parts.netloc.rpartition("@")[0]
    return {
        "pooler_users": f'"{parts.username}" "{parts.password}"\n',
        "api_pooled_database_url": parts._replace(netloc=f"{credentials}@{pooler}").geturl(),
    }


def _kept(folder: Path, name: str) -> str:
    path = folder / name
    return path.read_text() if path.exists() else generator.token_hex(24)


def _write(path: Path, value: str) -> bool:
    """Write a secret that is missing; whether it was."""
    if path.exists():
        return False
    path.write_text(value)
    path.chmod(0o444)
    return True
