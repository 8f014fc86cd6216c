"""A real supervisor over a real Redis: what dies comes back, what is left behind is ended, what is taken is named."""

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
import redis

from coinsphere.errors import LocalServiceError
from coinsphere.local import (
    liveness,
    ports,
    probes,
    processes,
    records,
    state,
    supervision,
    system,
)
from coinsphere.local import watch as watching
from coinsphere.local.processes import Process
from coinsphere.local.state import State
from coinsphere.local.supervision import Running, Supervisor
from coinsphere.local.watch import Watch
from coinsphere.settings import Settings
from tests.conftest import free_port

_ANSWER_SECONDS = 2.0


@pytest.fixture(autouse=True)
def _impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is stopped on purpose is waited for again and again: shorter than a busy system would be."""
    monkeypatch.setattr(supervision, "_ANSWER_SECONDS", _ANSWER_SECONDS)
    monkeypatch.setattr(liveness, "_SECONDS", _ANSWER_SECONDS)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A state with an embedded Redis alone; PostgreSQL is named, and nothing reaches for it."""
    variables = {"COINSPHERE_HOME": str(tmp_path / "s"), "COINSPHERE_REDIS_PORT": str(free_port())}
    for owner in ("", "DAGSTER_", "MLFLOW_"):
        variables[f"COINSPHERE_{owner}DATABASE_URL"] = "postgresql://u:p@127.0.0.1:1/x"
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    chosen = Settings.from_env()
    folder = State(chosen.state)
    folder.prepare()
    server = state.embedded_redis(chosen)
    assert server is not None
    server.initialise()
    state.write_credentials(folder, None, server)
    return Settings.from_env()


@pytest.fixture
def supervisor(settings: Settings) -> Iterator[Supervisor]:
    made = Supervisor(settings.state)
    try:
        made.start([each for each in processes.table(settings) if each.name in ("redis", "watch")])
        stopped = {each.name: each.state for each in made.list()}
        assert stopped == {"redis": "STOPPED", "watch": "STOPPED"}, "it starts what it is told to"
        made.start_process("redis")
        wait_until(lambda: answers(settings), 60)
        yield made
    finally:
        made.stop()


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def answers(settings: Settings) -> bool:
    try:
        with redis.Redis.from_url(settings.redis_dsn) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False


def of(supervisor: Supervisor, name: str) -> Running:
    return next(each for each in supervisor.list() if each.name == name)


def lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def complaint(supervisor: Supervisor) -> str:
    try:
        supervisor.list()
    except LocalServiceError as error:
        return str(error)
    return ""


def test_the_configuration_holds_no_secret_and_stopping_ends_every_process(
    supervisor: Supervisor, settings: Settings
) -> None:
    text = (settings.state / "supervisord.conf").read_text()
    server = state.embedded_redis(Settings(home=settings.state))
    assert server is not None
    assert server.password not in text
    assert ":p@" not in text
    assert supervisor.is_running()
    pid = of(supervisor, "redis").pid
    assert pid is not None
    supervisor.stop()
    assert not supervisor.is_running()
    assert not psutil.pid_exists(pid)


def test_what_is_being_stopped_already_is_waited_for(
    supervisor: Supervisor, settings: Settings
) -> None:
    """As by two `coinsphere down` at once: the first one's Redis takes its time."""
    served, pid = of(supervisor, "redis").pid, supervisor.pid()
    assert served is not None
    os.kill(served, signal.SIGSTOP)
    os.kill(pid, signal.SIGTERM)
    wait_until(lambda: "is being stopped" in complaint(supervisor))
    assert supervisor.is_running()
    with ThreadPoolExecutor(1) as pool:
        second = pool.submit(supervisor.stop)
        os.kill(served, signal.SIGCONT)
        second.result(60)
    assert not lives(pid)
    assert not lives(served)
    assert supervisor.has_ended(), "it ended in order"


def test_what_a_killed_supervisor_left_behind_is_ended(
    supervisor: Supervisor, settings: Settings
) -> None:
    pid = of(supervisor, "redis").pid
    assert pid is not None
    os.kill(supervisor.pid(), signal.SIGKILL)
    wait_until(lambda: not supervisor.is_running())
    assert answers(settings), "the orphan still serves"
    supervisor.stop()
    wait_until(lambda: not answers(settings))


def impatient(supervisor: Supervisor, settings: Settings) -> Watch:
    """A watch that has heard Redis once: who just starts has a grace, and is not asked."""
    watch = Watch(settings.model_copy(update={"hang_seconds": 0.5}))
    wait_until(lambda: of(supervisor, "redis").state == "RUNNING", 90)
    assert watch.round()
    return watch


def test_what_is_killed_or_stopped_or_hangs_serves_again(
    supervisor: Supervisor, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One start for all three."""
    monkeypatch.setattr(watching, "_stop_seconds", lambda _name: 0.5)
    _one_that_is_killed_is_started_again(supervisor, settings)
    watch = impatient(supervisor, settings)
    _one_that_was_stopped_goes_on(supervisor, settings, watch)
    _one_that_hangs_is_started_again(supervisor, settings, watch)


def _one_that_is_killed_is_started_again(supervisor: Supervisor, settings: Settings) -> None:
    before = of(supervisor, "redis")
    assert before.pid is not None
    os.kill(before.pid, signal.SIGKILL)
    wait_until(lambda: of(supervisor, "redis").pid not in (None, before.pid) and answers(settings))
    after = of(supervisor, "redis")
    assert before.since is not None
    assert after.since is not None
    assert after.since > before.since


def _one_that_was_stopped_goes_on(supervisor: Supervisor, settings: Settings, watch: Watch) -> None:
    before = of(supervisor, "redis").pid
    assert before is not None
    os.kill(before, signal.SIGSTOP)
    stopped = psutil.STATUS_STOPPED
    wait_until(lambda: watch.round() and psutil.Process(before).status() != stopped, 90)
    wait_until(lambda: answers(settings))
    assert watch.round()
    assert of(supervisor, "redis").pid == before


def _one_that_hangs_is_started_again(
    supervisor: Supervisor, settings: Settings, watch: Watch
) -> None:
    """It computes for ever, and hears no word that it should end."""
    before = of(supervisor, "redis").pid
    with (
        redis.Redis.from_url(settings.redis_dsn, socket_timeout=0.2) as client,
        pytest.raises(redis.TimeoutError),
    ):
        client.eval("while true do end", 0)
    wait_until(lambda: watch.round() and of(supervisor, "redis").pid != before, 90)
    wait_until(lambda: answers(settings))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_a_killed_or_hung_supervisor_comes_back_and_what_it_left_goes_on(
    supervisor: Supervisor, settings: Settings, number: signal.Signals
) -> None:
    served = of(supervisor, "redis").pid
    assert served is not None
    watch = Watch(settings.model_copy(update={"hang_seconds": 0.5}))
    assert watch.round()
    assert probes.supervisor_answers(settings)
    dead = supervisor.pid()
    os.kill(dead, number)
    wait_until(lambda: not probes.supervisor_answers(settings))
    said = "hangs" if number == signal.SIGSTOP else "was killed, 1 of its processes go on"
    wait_until(lambda: said in complaint(supervisor))
    wait_until(lambda: not watch.round(), 60)
    assert not lives(dead)
    assert probes.supervisor_answers(settings)
    assert answers(settings), "it served all the time"
    # A stand-in is in the place of the one that goes on; when that dies, a child of the supervisor follows.
    wait_until(lambda: of(supervisor, "redis").state == "RUNNING")
    assert of(supervisor, "redis").pid != served
    assert lives(served)
    assert_logs_go_on(settings)
    os.kill(served, signal.SIGKILL)
    wait_until(lambda: answers(settings))
    redis_alone = records.living(settings.state, "redis")
    assert redis_alone is not None
    wait_until(lambda: of(supervisor, "redis").pid == redis_alone.pid)
    supervisor.stop()
    wait_until(lambda: not lives(redis_alone.pid))


def assert_logs_go_on(settings: Settings) -> None:
    """It notes in its log that it saves; the supervisor that started it is dead."""
    log = State(settings.state).logs / "redis.log"
    before = len(log.read_text())
    with redis.Redis.from_url(settings.redis_dsn) as client:
        client.bgsave()
    wait_until(lambda: "Background saving" in log.read_text()[before:])


@pytest.mark.parametrize("is_awaited", [True, False], ids=["stands in", "has not looked yet"])
def test_the_watch_brings_the_supervisor_back_and_what_dies_then_is_started_anew(
    supervisor: Supervisor, settings: Settings, *, is_awaited: bool
) -> None:
    """A stand-in counts as running before it has looked for whom it stands in: it then becomes the process itself."""
    supervisor.start_process("watch")
    wait_until(State(settings.state).beat.exists, 60)
    served, dead = records.living(settings.state, "redis"), supervisor.pid()
    assert served is not None
    os.kill(dead, signal.SIGKILL)
    wait_until(lambda: supervisor.is_running() and supervisor.pid() != dead, 60)
    if is_awaited:
        # The new supervisor answers before it has started what it keeps.
        wait_until(lambda: of(supervisor, "redis").pid is not None, 60)
        stand_in = of(supervisor, "redis").pid
        wait_until(lambda: stands_in(stand_in), 60)
    served.kill()

    def is_back() -> bool:
        found = records.living(settings.state, "redis")
        pid = of(supervisor, "redis").pid
        return found is not None and found != served and found.pid == pid and answers(settings)

    wait_until(is_back, 60)


def stands_in(pid: int | None) -> bool:
    """Whether a process has come so far that it hears the signals which it passes on."""
    status = Path(f"/proc/{pid}/status").read_text()
    caught = int(
        next(line for line in status.splitlines() if line.startswith("SigCgt")).split()[1], 16
    )
    return bool(caught & 1 << signal.SIGTERM - 1)


def test_a_stand_in_passes_on_that_the_system_stops(
    supervisor: Supervisor, settings: Settings
) -> None:
    served = of(supervisor, "redis").pid
    assert served is not None
    os.kill(supervisor.pid(), signal.SIGKILL)
    wait_until(supervisor.was_killed)
    with State(settings.state).locked():
        # Somebody starts or stops the system: the watch leaves it to them.
        assert Watch(settings).round()
        assert supervisor.was_killed()
    assert not Watch(settings).round()
    wait_until(lambda: of(supervisor, "redis").state == "RUNNING")
    supervisor.stop()
    wait_until(lambda: not lives(served))
    assert supervisor.has_ended()


def test_a_path_that_is_too_long_for_a_socket_is_named(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 90)
    folder.mkdir()
    with pytest.raises(LocalServiceError, match="too long for a Unix socket"):
        Supervisor(folder).start([])


def test_nothing_running_says_how_to_start(tmp_path: Path) -> None:
    with pytest.raises(LocalServiceError, match="coinsphere up"):
        Supervisor(tmp_path).list()


def test_a_taken_port_names_its_holder_and_the_setting() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(LocalServiceError) as caught:
            ports.refuse_taken([Process("api", (), port, "api_port")], Settings(api_port=port))
    assert f"Port {port} of api is taken by" in str(caught.value)
    assert str(os.getpid()) in str(caught.value)
    assert "COINSPHERE_API_PORT" in str(caught.value)
    ports.refuse_taken([Process("api", (), port, "api_port")], Settings(api_port=port))


def test_a_port_that_is_taken_meanwhile_is_named_at_once(settings: Settings) -> None:
    """As by a second system that is started beside: nothing waits until a process that cannot start has started."""
    wanted = [each for each in processes.table(settings) if each.name == "redis"]
    supervisor = Supervisor(settings.state)
    supervisor.start(wanted)
    try:
        with (
            socket.create_server(("127.0.0.1", settings.redis_port)),
            pytest.raises(LocalServiceError, match=rf"is taken by .*{os.getpid()}.*_REDIS_PORT"),
        ):
            system._start_and_wait(wanted, supervisor, settings)
    finally:
        supervisor.stop()


def test_a_process_is_taken_in_beside_those_that_run(supervisor, settings) -> None:
    wait_until(lambda: of(supervisor, "redis").state == "RUNNING", 60)
    server = of(supervisor, "redis").pid
    every = [each for each in processes.table(settings) if each.name in ("redis", "feed", "watch")]
    for _ in range(2):
        supervisor.include(every, processes.FEED)
    assert {each.name: each.state for each in supervisor.list()} == {
        "redis": "RUNNING",
        "feed": "STOPPED",
        "watch": "STOPPED",
    }
    assert of(supervisor, "redis").pid == server
    # It has no database here: that it is started, and starts by its own name, is what matters.
    supervisor.start_process("feed")
    log = State(settings.state).logs / "feed.log"
    wait_until(lambda: log.exists() and "the database is away" in log.read_text())
