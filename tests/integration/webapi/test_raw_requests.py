"""Bytes on the API's port, against the server as it runs: what is no request, comes in pieces, or never ends."""

import json
import random
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from threading import Event, Thread

import httpx2
import pytest

from tests.integration.webapi.conftest import PASSWORD, V1
from tests.integration.webapi.test_gunicorn import (
    Running,
    _waiting_for_lock,
    environment,
    registered,
    wait_for,
)
from tests.integration.webapi.test_gunicorn import running as running  # noqa: PLC0414 - a fixture

LIVE = b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@pytest.fixture
def variables(module_database, own_redis, keys_dir, tmp_path) -> dict[str, str]:
    usual = environment(module_database, own_redis.url, tmp_path / "home", keys_dir)
    return {**usual, "COINSPHERE_API_CONNECTIONS_PER_ADDRESS": "60"}


_opened: list[socket.socket] = []


@pytest.fixture(autouse=True)
def _closing() -> Iterator[None]:
    yield
    for each in _opened:
        each.close()
    _opened.clear()


def connect(api: Running, source: str = "127.0.0.1") -> socket.socket:
    address = ("127.0.0.1", int(api.url.rpartition(":")[2]))
    made = socket.create_connection(address, timeout=60, source_address=(source, 0))
    _opened.append(made)
    return made


def heard(connection: socket.socket) -> bytes:
    """All that comes until the end of the connection."""
    found = b""
    with suppress(ConnectionResetError):
        while part := connection.recv(65536):
            found += part
    return found


def asked(api: Running, text: bytes, *, ends: bool = False) -> bytes:
    with connect(api) as made:
        made.sendall(text)
        if ends:
            made.shutdown(socket.SHUT_WR)
        return heard(made)


def parsed(answer: bytes) -> tuple[int, dict[str, str], dict]:
    """Status, header fields and body of a single answer."""
    top, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = top.decode().split("\r\n")
    fields = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    assert len(body) == int(fields["content-length"])
    return int(first.split()[1]), fields, json.loads(body)


def assert_refused(answer: bytes, status: int) -> None:
    got, fields, body = parsed(answer)
    assert got == status == body["status"]
    assert fields["content-type"] == "application/problem+json"
    assert fields["connection"] == "close"
    assert fields["x-request-id"] == body["instance"]
    assert fields["x-content-type-options"] == "nosniff"
    assert body["error"]
    assert body["type"].startswith("urn:coinsphere:problem:")


def post(path: str, token: str, *fields: str) -> bytes:
    lines = [
        f"POST {V1}{path} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {token}",
        "Content-Type: application/json",
        *fields,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def test_the_server_refuses_as_the_api_does(running: Running) -> None:
    begin = b"GET /health/live HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    assert_refused(asked(running, begin + b"Bad Name: 1\r\n\r\n"), 400)
    assert_refused(asked(running, b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n"), 414)
    assert_refused(asked(running, begin + b"Content-Length: x\r\n\r\n"), 400)
    assert_refused(asked(running, begin + b"Transfer-Encoding: unknown\r\n\r\n"), 501)
    assert_refused(asked(running, begin + b"Content-Length: 9999999\r\n\r\n"), 413)
    assert_refused(asked(running, b"\x16\x03\x01\x02\x00\x01"), 400)
    assert b"html" not in running.log.read_bytes()


AMBIGUOUS = {
    "two framings": ("Content-Length: 15", "Transfer-Encoding: chunked"),
    "two framings, turned": ("Transfer-Encoding: chunked", "Content-Length: 15"),
    "two lengths": ("Content-Length: 15", "Content-Length: 1"),
    "a length with an underscore": ("Content_Length: 15",),
    "a coding with an underscore": ("Transfer_Encoding: chunked",),
    "a folded coding": ("Transfer-Encoding:\r\n chunked",),
    "another host": ("Host: evil.example", "Content-Length: 15"),
}
"""Fields that two readers read differently: what follows is a body to one, and a request to the other."""
TARGETS = (
    b"http://evil.example/health/live",
    b"http://127.0.0.1@evil.example/health/live",
    b"http://evil.example",
    b"ftp://127.0.0.1/health/live",
    b"/health/\0live",
    b"/health/live\x7f",
)
H2C = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n"


def test_what_two_readers_read_differently_ends_the_connection(running: Running) -> None:
    """One answer, though a whole request lies behind each."""
    workers = [worker.pid for worker in running.workers()]
    token = registered(running, "framing@example.com")
    smuggled = b"7\r\n" + b"x" * 7 + b"\r\n0\r\n\r\n" + LIVE
    for fields in AMBIGUOUS.values():
        assert_refused(asked(running, post("/portfolios", token, *fields) + smuggled), 400)
    for target in TARGETS:
        text = LIVE.replace(b"/health/live", target)
        assert_refused(asked(running, text + LIVE), 400)
    chunks = post("/portfolios", token, "Transfer-Encoding: chunked")
    for text in (b"f\n" + b"x" * 15 + b"\n0\n\n", b"f;a=b\nc\r\n", b"f;" + b"e" * 999 + b"\r\n"):
        assert_refused(asked(running, chunks + text + LIVE), 400)
    assert_refused(asked(running, b"GET /health/live\r\n\r\n"), 400)
    assert_refused(asked(running, LIVE.replace(b"\r\n", b"\n")), 400)
    assert_refused(asked(running, LIVE.replace(b"HTTP/1.1", b"HTTP/0.9")), 505)
    assert_refused(asked(running, LIVE[:-2] + b"X: 1\r\n" * 50_000 + b"\r\n"), 431)
    assert_refused(asked(running, LIVE[:-2] + b"X: 1\r\n 2\r\n\r\n" + LIVE), 400)
    assert [worker.pid for worker in running.workers()] == workers


def test_what_is_only_unusual_is_answered(running: Running) -> None:
    """A host named twice over, an offer to speak h2c, a body that waits to be asked for, and an end in any field."""
    ends = b"Connection: keep-alive\r\nConnection: x, Close\r\n\r\n"
    own = LIVE.replace(b"/health/live", b"http://127.0.0.1/health/live")
    answer = asked(running, own + LIVE[:-2] + H2C + b"\r\n" + LIVE[:-2] + ends + LIVE)
    assert answer.count(b"HTTP/1.1 200 OK") == 3
    assert b"101 Switching" not in answer
    token = registered(running, "expecting@example.com")
    with connect(running) as made:
        made.sendall(post("/portfolios", token, "Content-Length: 15", "Expect: 100-continue"))
        assert made.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        made.shutdown(socket.SHUT_WR)
        assert_refused(heard(made), 400)
    assert running.get("/portfolios", token).json()["portfolios"] == []


def test_what_was_not_received_whole_is_not_done(running: Running) -> None:
    token = registered(running, "half@example.com")
    whole = b'{"name":"Half"}'
    for text in (
        post("/portfolios", token, "Content-Length: 60") + whole,
        post("/portfolios", token, "Transfer-Encoding: chunked") + b"f\r\n" + whole + b"\r\n",
        post("/portfolios", token, "Transfer-Encoding: chunked") + b"20\r\n" + whole,
        post("/portfolios", token, f"Content-Length: {len(whole)}")[:-2],
    ):
        assert_refused(asked(running, text, ends=True), 400)
    names = [each["name"] for each in running.get("/portfolios", token).json()["portfolios"]]
    assert "Half" not in names
    # Half closed behind a whole request, it is answered.
    text = post("/portfolios", token, f"Content-Length: {len(whole)}") + whole
    assert asked(running, text, ends=True).startswith(b"HTTP/1.1 201")


def test_requests_in_one_segment_are_answered_in_turn(running: Running) -> None:
    token = registered(running, "pipe@example.com")
    body = json.dumps({"email": "pipe@example.com", "password": PASSWORD}).encode()
    login = post("/auth/login", token, f"Content-Length: {len(body)}") + body
    answer = asked(running, LIVE + login + LIVE * 3 + LIVE[:-2] + b"Connection: close\r\n\r\n")
    assert answer.count(b"HTTP/1.1 200 OK") == 6
    assert answer.count(b'"accessToken"') == 1
    assert answer.count(b"Connection: close") == 1


def test_senders_of_a_byte_a_second_cost_no_thread_and_an_address_has_so_many(
    running: Running,
) -> None:
    """More of them than there are threads, of heads and of bodies, from one address; others are answered beside them."""
    token = registered(running, "patient@example.com")
    head = post("/auth/login", token, "Content-Length: 900")
    slow = [connect(running, "127.0.0.9") for _ in range(40)]
    stopped = Event()

    def drip() -> None:
        for number, each in enumerate(slow):
            each.sendall(LIVE[:20] if number % 2 else head)
        while not stopped.wait(1):
            for each in slow:
                with suppress(OSError):
                    each.sendall(b"x")

    dripping = Thread(target=drip, daemon=True)
    dripping.start()
    try:
        for _ in range(5):
            assert running.get("/auth/me", token).status_code == 200
        more = [connect(running, "127.0.0.9") for _ in range(100)]
        for each in more:
            with suppress(OSError):
                each.sendall(LIVE[:-2] + b"Connection: close\r\n\r\n")
        answers = [heard(each) for each in more]
        assert sum(answer.startswith(b"HTTP/1.1 200") for answer in answers) <= 2 * 60 - 20
        told = [answer for answer in answers if answer.startswith(b"HTTP/1.1 429")]
        assert told
        assert_refused(told[0], 429)
        assert running.get("/auth/me", token).status_code == 200
        # Who took too long is told so, and makes room.
        for each in slow[1::2]:
            answer = heard(each)
            assert not answer or parsed(answer)[0] == 408
        assert asked(running, LIVE[:-2] + b"Connection: close\r\n\r\n").startswith(b"HTTP/1.1 200")
    finally:
        stopped.set()
        dripping.join()


def test_liveness_waits_for_no_thread_that_waits_for_the_database(
    running: Running, owner_db
) -> None:
    token = registered(running, "locked@example.com")
    waiting: list[socket.socket] = []

    def all_threads_wait() -> bool:
        """Those of both processes: one process may take more than its share, and a wait ends after some seconds."""
        if _waiting_for_lock(owner_db) >= 8:
            return True
        waiting.append(connect(running))
        waiting[-1].sendall(f"GET {V1}/portfolios HTTP/1.1\r\nHost: 127.0.0.1\r\n".encode())
        waiting[-1].sendall(f"Authorization: Bearer {token}\r\nConnection: close\r\n\r\n".encode())
        return False

    answers = []
    with owner_db.transaction():
        owner_db.execute("lock table app.portfolios in access exclusive mode")
        for _ in range(20):
            wait_for(all_threads_wait, "threads that all wait")
            answers.append(asked(running, LIVE[:-2] + b"Connection: close\r\n\r\n"))
    assert all(answer.startswith(b"HTTP/1.1 200") for answer in answers)
    for each in waiting:
        assert heard(each)[:12] in (b"HTTP/1.1 200", b"HTTP/1.1 503")


Fault = Callable[[random.Random], bytes]


def _login(body: bytes) -> bytes:
    return post("/auth/login", "none", f"Content-Length: {len(body)}") + body


FUZZ: list[Fault] = [
    lambda r: LIVE[: r.randrange(len(LIVE))],
    lambda r: LIVE * r.randrange(1, 20),
    lambda r: r.randbytes(r.randrange(1, 3000)),
    lambda r: LIVE[: (at := r.randrange(len(LIVE)))] + b"\0" + LIVE[at:],
    lambda r: bytes(byte ^ (r.random() < 0.05) * r.randrange(256) for byte in LIVE),
    lambda r: _login(r.choice([b"[", b'{"a":', b'[{"a":']) * r.randrange(100, 100_000)),
    lambda r: _login(b'{"email":"' + b"a" * r.randrange(900_000) + b'"}'),
    lambda r: _login(b"9" * r.randrange(1, 900_000)),
    lambda r: _login(b'{"password":"' + b'\\"' * r.randrange(300_000)),
    lambda r: _login(b"{" + b",".join(b'"%d":0' % n for n in range(r.randrange(50_000))) + b"}"),
    lambda r: post("/auth/login", "x", f"Content-Length: {r.randrange(10**6)}") + r.randbytes(50),
    lambda r: post("/auth/login", "x", f"Content-Length: {r.randrange(10**30)}"),
    lambda r: post("/auth/login", "x", "Content-Length: 5", "Transfer-Encoding: chunked") + b"0\r\n\r\n" + LIVE,
    lambda r: post("/auth/login", "x", "Transfer-Encoding: chunked") + r.randbytes(r.randrange(500)),
    lambda r: post("/auth/login", "x", "Transfer-Encoding: chunked") + b"1\r\na\r\n" * r.randrange(9_000),
    lambda r: post("/auth/login", "x", "Transfer-Encoding: chunked") + b"%x\r\n" % r.randrange(2**70),
    lambda r: post("/auth/login", "x", "Transfer-Encoding: " + r.choice(["gzip", "x", "chunked, x", "\x0b"])),
    lambda r: b"GET /" + b"a" * r.randrange(20_000) + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    lambda r: LIVE[:-2] + b"X-Flood: 1\r\n" * r.randrange(20_000) + b"\r\n",
    lambda r: LIVE[:-2] + b"X: " + b"y" * r.randrange(100_000) + b"\r\n\r\n",
    lambda r: LIVE.replace(b"\r\n", r.choice([b"\n", b"\r", b"\r\r\n", b"\n\r\n"])),
    lambda r: LIVE.replace(b"GET", r.choice([b"get", b"PRI", b"CONNECT", b"X" * 99, b"HEAD", b"OPTIONS"])),
    lambda r: LIVE.replace(b"1.1", r.choice([b"0.9", b"2.0", b"9.9", b"1.0", b"", b"1.1.1"])),
    lambda r: LIVE.replace(b"/health/live", r.choice([b"*", b"//", b"http://[", b"/%00", b"/%ff%fe", b"?" * 999])),
    lambda r: LIVE[:-2] + b"Expect: 100-continue\r\nContent-Length: 9\r\n\r\n",
    lambda r: LIVE[:-2] + b"Authorization: Bearer " + b"." * r.randrange(8_000) + b"\r\n\r\n",
    lambda r: b"\r\n" * r.randrange(5_000) + LIVE,
]  # fmt: skip


def _assault(api: Running, text: bytes, chance: random.Random) -> bytes:
    """Send it in one of several ways; what came back, if that was waited for."""
    with connect(api) as made, suppress(ConnectionError):
        cut = chance.randrange(len(text) + 1)
        made.sendall(text[:cut])
        if chance.random() < 0.3:
            time.sleep(0.002)
        made.sendall(text[cut:])
        match chance.randrange(3):
            case 0:
                made.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            case 1:
                made.shutdown(socket.SHUT_WR)
                return heard(made)
    return b""


REQUESTS = 4_050
SEED = 20_261_128


def test_no_bytes_reach_the_process(running: Running) -> None:
    """The same ones each time. Every answer is whole; the processes live on, and say so throughout."""
    chance = random.Random(SEED)
    before = [worker.pid for worker in running.workers()]
    with httpx2.Client(timeout=60, trust_env=False) as client:
        for number in range(REQUESTS):
            answer = _assault(running, FUZZ[number % len(FUZZ)](chance), chance)
            if answer:
                assert answer.startswith(b"HTTP/1.")
                assert b" 500 " not in answer.partition(b"\r\n")[0]
                # The pages are ours: gunicorn's own name no policy.
                assert b"<html" not in answer or b"Content-Security-Policy: " in answer
            if number % 5 == 0:
                assert client.get(f"{running.url}/health/live").status_code == 200
    assert [worker.pid for worker in running.workers()] == before
    log = running.log.read_text()
    assert "Traceback" not in log
    assert '"level": "error"' not in log
