"""Starts the whole local system in the right order, reports its status, and stops it."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import psycopg

from coinsphere import log
from coinsphere.db import migrate, seeds
from coinsphere.errors import LocalServiceError
from coinsphere.local import orphans, ports, probes, processes, state
from coinsphere.local.processes import Process
from coinsphere.local.progress import Progress
from coinsphere.local.state import State
from coinsphere.local.supervision import Running, Supervisor
from coinsphere.market import origin
from coinsphere.market.origin import Origin
from coinsphere.market.sources import factory
from coinsphere.settings import Role, Settings, environment

_POLL_SECONDS = 0.25
_ASK_THE_CODE_SERVER = ("dagster-webserver", "dagster-daemon")
"""They look for our definitions once, when they start, and again only when the code server changes."""
_log = log.get("local")


@dataclass(frozen=True, slots=True)
class Health:
    """A process and its problem; `problem` is None where it does its work."""

    name: str
    port: int | None
    state: str
    pid: int | None
    since: datetime | None
    problem: str | None

    @property
    def is_well(self) -> bool:
        """Whether it does its work."""
        return self.problem is None


def up(
    chosen: Settings, progress: Progress, bring: Callable[[Settings], object] = lambda _: None
) -> Settings:
    """Start every process in order, each after those it needs, and migrate the database to its newest schema.

    Where the system runs already it goes on as it is; what had given up is started again.

    Args:
        chosen: the settings without the credentials of the local servers.
        progress: told of each step.
        bring: brings the state of an older version to this one, while the servers alone are up.

    Returns:
        The settings by which the running system is reached.

    Raises:
        LocalServiceError: it is being started or stopped, a port is taken, the disk is full, a process does not start; what had
            been started is stopped again.
        ConfigurationError: a setting is wrong, or contradicts what the database holds.
    """
    folder = State(chosen.state)
    folder.prepare()
    supervisor = Supervisor(folder.folder)
    with folder.locked():
        if supervisor.is_running():
            return _join(chosen, supervisor)
        orphans.end_orphans(folder.folder)
        try:
            settings = _start_servers(chosen, folder, supervisor, progress)
            with progress.stage("Bringing the database to the newest schema"):
                bring(settings)
                taken = prepare_database(settings, chosen.market)
            if taken.source == "live" and settings.market_feed:
                supervisor.include(processes.table(settings), processes.FEED)
            _start_applications(chosen, settings, supervisor, progress)
        except BaseException:
            supervisor.stop()
            raise
        return settings


@contextmanager
def servers_alone(chosen: Settings, progress: Progress) -> Iterator[Settings]:
    """Run the embedded servers alone for as long as the context lasts.

    Raises:
        LocalServiceError: the system runs.
    """
    folder = State(chosen.state)
    folder.prepare()
    supervisor = Supervisor(folder.folder)
    with folder.locked():
        if supervisor.is_running():
            raise LocalServiceError("Coinsphere runs: `coinsphere down` first.")
        orphans.end_orphans(folder.folder)
        try:
            yield _start_servers(chosen, folder, supervisor, progress)
        finally:
            supervisor.stop()


def down(chosen: Settings) -> bool:
    """Stop everything. Returns False where nothing ran."""
    folder = State(chosen.state)
    if not folder.folder.is_dir():
        return False
    supervisor = Supervisor(folder.folder)
    with folder.locked():
        ran = supervisor.is_running()
        supervisor.stop()
    return ran


def status(settings: Settings) -> list[Health]:
    """Every process and whether it does its work; all are asked at once, so that those that hang are waited for together.

    Raises:
        LocalServiceError: nothing runs.
    """
    running = Supervisor(settings.state).list()
    table = {process.name: process for process in processes.table(settings)}
    known = [each for each in running if each.name in table]
    with ThreadPoolExecutor(len(table)) as pool:
        return list(pool.map(lambda each: _health(table[each.name], each, settings), known))


def _start_servers(
    chosen: Settings, folder: State, supervisor: Supervisor, progress: Progress
) -> Settings:
    """Start the embedded servers, or none; the settings with the credentials by which they are reached."""
    postgres, redis = state.embedded_postgres(chosen), state.embedded_redis(chosen)
    servers = processes.servers(chosen)
    with progress.stage("Preparing the state folder"):
        if postgres is not None:
            postgres.initialise()
        if redis is not None:
            redis.initialise()
        state.write_credentials(folder, postgres, redis)
        settings = Settings.from_env(environment())
        every = [each for each in processes.table(settings) if each.name != processes.FEED]
        ports.refuse_taken(every, settings)
        processes.write_dagster_files(settings)
        supervisor.start(every)
    with progress.stage(
        f"Starting {' and '.join(server.name for server in servers) or 'nothing of our own'}"
    ):
        for server in servers:
            supervisor.start_process(server.name)
        if postgres is not None:
            postgres.wait_until_ready(
                lambda: _refuse_fatal(supervisor, ("postgres",), settings), probes.START_SECONDS
            )
            postgres.provision()
        _start_and_wait(servers, supervisor, settings)
    return settings


def _start_applications(
    chosen: Settings, settings: Settings, supervisor: Supervisor, progress: Progress
) -> None:
    servers = {server.name for server in processes.servers(chosen)}
    wanted = {each.name for each in supervisor.list()} - servers
    applications = [process for process in processes.table(settings) if process.name in wanted]
    first = [process for process in applications if process.name not in _ASK_THE_CODE_SERVER]
    with progress.stage(f"Starting {len(applications)} processes"):
        _start_and_wait(first, supervisor, settings)
        _start_and_wait(
            [process for process in applications if process not in first], supervisor, settings
        )


def _start_and_wait(wanted: Sequence[Process], supervisor: Supervisor, settings: Settings) -> None:
    """Start processes at once, and return when each does its work."""
    for process in wanted:
        supervisor.start_process(process.name)
    deadline = time.monotonic() + probes.START_SECONDS
    waiting = {process.name for process in wanted}
    while waiting:
        ill = {name: probes.check(name, settings) for name in waiting}
        waiting = {name for name, problem in ill.items() if problem is not None}
        if not waiting:
            return
        _refuse_fatal(supervisor, waiting, settings)
        if time.monotonic() > deadline:
            name = min(waiting)
            raise LocalServiceError(
                f"{name} does not start ({ill[name]}). {_log_tail(settings, name)}"
            )
        time.sleep(_POLL_SECONDS)


def _refuse_fatal(supervisor: Supervisor, waiting: Iterable[str], settings: Settings) -> None:
    for each in supervisor.list():
        if each.name in waiting and each.state in ("FATAL", "BACKOFF", "EXITED"):
            raise LocalServiceError(f"{each.name} does not start. {_log_tail(settings, each.name)}")


def _log_tail(settings: Settings, name: str) -> str:
    path = State(settings.state).logs / f"{name}.log"
    lines = path.read_text(errors="replace").splitlines()[-15:] if path.exists() else []
    return f"The end of {path}:\n" + "\n".join(f"  {line}" for line in lines)


def prepare_database(settings: Settings, market: str) -> Origin:
    """Migrate the schema, add the seeds, and decide once where prices come from. Returns that source.

    Raises:
        ConfigurationError: `market` contradicts what the database holds.
        psycopg.Error: the database does not answer, or the owner may not do it.
    """
    url = settings.url_for(Role.OWNER)
    migrate.upgrade(url)
    with psycopg.connect(url) as conn:
        seeds.apply(conn)
        return origin.decide(conn, market, settings, probe=factory.probe_live)


def _join(chosen: Settings, supervisor: Supervisor) -> Settings:
    """Leave what runs alone, and start again what had given up."""
    settings = Settings.from_env(environment())
    try:
        with psycopg.connect(settings.url_for(Role.OWNER)) as conn:
            origin.decide(conn, chosen.market, settings, probe=factory.probe_live)
    except psycopg.OperationalError as error:
        raise LocalServiceError(
            f"Coinsphere runs, and its database does not answer: {error}"
        ) from error
    for each in supervisor.list():
        if each.state in ("STOPPED", "EXITED", "FATAL"):
            supervisor.start_process(each.name)
    return settings


def _health(process: Process, running: Running, settings: Settings) -> Health:
    is_up = running.state == "RUNNING"
    problem = probes.check(process.name, settings) if is_up else running.state.lower()
    return Health(
        process.name, process.port, running.state.lower(), running.pid, running.since, problem
    )
