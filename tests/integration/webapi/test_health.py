"""`/health` sees a process that hangs: real ones are stopped, and go on."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from coinsphere.health import conditions
from coinsphere.local.state import State
from tests.conftest import free_port
from webapi.app import create_app
from webapi.services import EXTENSION


@contextmanager
def process(module: str, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-m", module], env={**os.environ, **variables}) as made:
        try:
            yield made
        finally:
            made.kill()


def until(condition: Callable[[], object], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.2)


@pytest.fixture
def running(api_settings, module_database, module_redis, keys_dir, tmp_path) -> Iterator:
    port = free_port()
    variables = {
        "COINSPHERE_HOME": str(tmp_path),
        "COINSPHERE_REDIS_URL": module_redis.url,
        "COINSPHERE_JWT_KEYS_DIR": str(keys_dir),
        "COINSPHERE_STREAM_PORT": str(port),
    }
    app = create_app(api_settings.model_copy(update={"stream_port": port}))
    api, worker = module_database.api, module_database.worker
    with (
        process("coinsphere.stream", COINSPHERE_DATABASE_URL=api, **variables) as stream,
        process("coinsphere.worker", COINSPHERE_DATABASE_URL=worker, **variables) as jobs,
    ):
        yield app.test_client(), {"stream": stream, "worker": jobs}
    app.extensions[EXTENSION].close()


def test_a_process_that_hangs_is_seen_until_it_goes_on(running, model_server) -> None:
    client, processes = running

    def ill() -> set[str]:
        assert client.get("/health/live").status_code == 200
        body = client.get("/health").json
        found = {name for name, state in body["services"].items() if state != "ok"}
        assert (body["status"] == "ok") == (not found)
        return found

    until(lambda: not ill())
    for each in processes.values():
        each.send_signal(signal.SIGSTOP)
    model_server.silent_seconds = 31
    until(lambda: ill() == {"stream", "worker", "daemon"})
    for each in processes.values():
        each.send_signal(signal.SIGCONT)
    model_server.silent_seconds = 0
    until(lambda: not ill())
    model_server.late_seconds = 3600
    until(lambda: ill() == {"schedules"})
    model_server.late_seconds = 0
    until(lambda: not ill())


def test_a_dead_supervisor_and_a_full_disk_are_told(api_settings, tmp_path) -> None:
    def told(**changed: object) -> tuple[str, str]:
        app = create_app(api_settings.model_copy(update={"home": tmp_path, **changed}))
        found = app.test_client().get("/health").json["services"]
        app.extensions[EXTENSION].close()
        return found["supervisor"], found["disk"]

    assert told() == ("ok", "ok"), "where none was started the platform restarts processes"
    assert told(least_free_mib=1 << 40) == ("ok", "error")
    path = str(State(tmp_path).supervisor_socket)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        # It lets connect and never answers, as one that is stopped.
        assert told()[0] == "error"
    assert told()[0] == "error", "killed, its socket is left"
    with socket.socket(socket.AF_UNIX) as listener, ThreadPoolExecutor(1) as threads:
        Path(path).unlink()
        listener.bind(path)
        listener.listen()

        def answer() -> None:
            with listener.accept()[0] as caller:
                caller.recv(100)  # one that closes with a question unread resets the line
                caller.sendall(b"HTTP/1.0 200 OK\r\n\r\n")

        threads.submit(answer)
        assert told()[0] == "ok"


def test_jobs_old_data_a_changed_log_broken_books_and_taken_connections_are_told(
    api_settings, owner_db, tmp_path, monkeypatch
) -> None:
    clock = [datetime(2026, 3, 10, 12, 30, tzinfo=UTC)]

    def ill() -> set[str]:
        app = create_app(api_settings, clock=lambda: clock[0])
        found = app.test_client().get("/health").json["services"]
        app.extensions[EXTENSION].close()
        names = ("jobs", "schedules", "data", "audit", "books", "connections")
        return {name for name in names if found[name] != "ok"}

    owner_db.execute("insert into market.origin (source) values ('live') on conflict do nothing")
    owner_db.execute("delete from market.quotes")
    assert ill() == set(), "no prices yet are no old ones"
    owner_db.execute(
        "insert into market.quotes (token_id, price, observed_at, source)"
        " select id, 1, %s, 'kraken' from market.tokens where symbol = 'BTC'",
        [clock[0] - timedelta(seconds=api_settings.market_stale_seconds)],
    )
    assert ill() == set()
    clock[0] += timedelta(seconds=1)
    assert ill() == {"data"}
    owner_db.execute("delete from market.quotes")
    job = owner_db.execute(
        "insert into jobs.procrastinate_jobs (queue_name, task_name, status)"
        " values ('housekeeping', 'watch_disk', 'failed') returning id"
    ).fetchone()[0]
    assert ill() == {"jobs"}
    owner_db.execute("delete from jobs.procrastinate_jobs where id = %s", [job])
    owner_db.execute(
        "insert into app.audit_verdict (verified_at, problem) values (now(), 'entry 2 was altered')"
        " on conflict (only_row) do update set problem = excluded.problem"
    )
    assert ill() == {"audit"}
    owner_db.execute("update app.audit_verdict set problem = null")
    owner_db.execute(
        "insert into app.books_verdict (checked_at, problems) values (now(), '{faults in ledger_sums: 1}')"
    )
    assert ill() == {"books"}
    owner_db.execute("delete from app.books_verdict")
    assert ill() == set()
    monkeypatch.setattr(conditions, "MOST_CONNECTIONS", 0.0)
    assert ill() == {"connections"}
