"""Clients that take their time and hold every thread, against the server as it runs: others are still answered."""

import socket
from collections.abc import Iterator
from threading import Event, Thread

import httpx2
import pytest

from tests.integration.webapi.conftest import V1
from tests.integration.webapi.test_gunicorn import Running, environment, registered, wait_for
from tests.integration.webapi.test_gunicorn import running as running  # noqa: PLC0414 - a fixture

HEAD = "Host: 127.0.0.1\r\nContent-Type: application/json\r\n"
HEADERS = f"GET /health/live HTTP/1.1\r\n{HEAD}X-Long: "
BODY = f"POST {V1}/auth/login HTTP/1.1\r\n{HEAD}Content-Length: 900\r\n\r\n"
SILENT = ""


@pytest.fixture
def variables(module_database, own_redis, keys_dir, tmp_path) -> dict[str, str]:
    """One process, so that eight slow clients hold all that there is."""
    usual = environment(module_database, own_redis.url, tmp_path / "home", keys_dir)
    return {**usual, "COINSPHERE_API_WORKERS": "1", "COINSPHERE_API_THREADS": "8"}


@pytest.fixture
def connect(running: Running) -> Iterator:
    """Opens a connection that says something, and no more by itself."""
    opened = []

    def say(beginning: str) -> socket.socket:
        made = socket.socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        made.settimeout(60)
        made.connect(("127.0.0.1", int(running.url.rpartition(":")[2])))
        made.sendall(beginning.encode())
        opened.append(made)
        return made

    yield say
    for each in opened:
        each.close()


def drip(connections: list[socket.socket], stopped: Event) -> None:
    """Send a byte over each connection twice a second, as long as it takes it."""
    left = list(connections)
    while left and not stopped.wait(0.5):
        for each in list(left):
            try:
                each.sendall(b"x")
            except OSError:
                left.remove(each)


def heard_until_cut(connection: socket.socket) -> int:
    """How many bytes came before the server cut the connection; fails if it does not within a minute."""
    count = 0
    try:
        while part := connection.recv(65536):
            count += len(part)
    except TimeoutError:
        raise AssertionError("a slow client was left alone") from None
    except OSError:
        pass
    return count


MEGABYTES = 20
"""Of an answer: more than the system's buffers hold between the two."""


@pytest.fixture
def unread(running: Running, owner_db) -> str:
    """A request for a large answer: the data of an account with long rows."""
    token = registered(running, "slow@example.com")
    owner_db.execute(
        """
        insert into app.sessions (user_id, user_agent, expires_at)
        select id, repeat('x', 1000000), now() from app.users, generate_series(1, %s)
        where email = 'slow@example.com'
        """,
        [MEGABYTES],
    )
    return f"GET {V1}/account/export HTTP/1.1\r\n{HEAD}Authorization: Bearer {token}\r\n\r\n"


def test_slow_clients_hold_every_thread_for_so_long_and_no_longer(
    running: Running, connect, unread: str
) -> None:
    dripping = [connect(beginning) for beginning in (HEADERS, BODY) * 2]
    deaf = [connect(unread) for _ in range(4)]
    silent = [connect(SILENT) for _ in range(8)]
    stopped = Event()
    Thread(target=drip, args=(dripping, stopped), daemon=True).start()
    try:
        # Were nobody cut off, this one would wait for as long as they please.
        for _ in range(3):
            answer = httpx2.get(f"{running.url}/health/ready", timeout=60, trust_env=False)
            assert answer.status_code == 200
        for each in (*dripping, *silent):
            heard_until_cut(each)
        (worker,) = running.workers()
        ports = {each.getsockname()[1] for each in deaf}
        wait_for(
            lambda: not ports & {end.raddr.port for end in worker.net_connections() if end.raddr},
            "the end of those that never read",
        )
        for each in deaf:
            assert 0 < heard_until_cut(each) < MEGABYTES * 1_000_000
    finally:
        stopped.set()
    assert running.workers() == [worker]
