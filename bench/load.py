"""The load of `bench.api`, in a process of its own: sockets with requests that are made beforehand, so that of the shared
cores the server gets what there is.

`python -m bench.load reads …` reads over kept connections, as fast as answers come (closed), and then perhaps at a
constant rate (open: the time of an answer counts from when its request was due, so that a server that stalls cannot hide
it). `python -m bench.load mix …` sends the requests of a file in turn, as fast or at a rate. `python -m bench.load logins …` is a crowd that logs in, and comes back when it is told to. Each prints JSON. Nothing
waits longer than it is told to.
"""

import argparse
import asyncio
import contextlib
import json
import selectors
import socket
import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from urllib.parse import urlsplit

V1 = "/api/v1"
PATIENCE = 30.0
"""Seconds after which a read that was not answered has failed."""
Samples = list[tuple[float, float]]


@dataclass
class _Asking:
    """A kept connection, and since when it waits for an answer."""

    socket: socket.socket
    since: float = 0.0
    got: bytes = b""


def reads(
    url: str,
    token: str,
    seconds: float,
    connections: int,
    *,
    share: float | None,
    rate: float | None,
    path: str,
    is_page: bool = False,
) -> Samples:
    """Read one address for so long, each connection one after the other.

    With a `rate`, at that constant rate. With a `share`, that is only the first half: in the second one the same connections read at that share of the rate
    that they reached, whatever comes back. The same ones, as it matters which of the API's processes each is with.

    Returns:
        When each read ended, in seconds since the epoch, and how long it took in seconds.
    """
    proof = f"Authorization: Bearer {token}\r\n"
    if is_page:
        proof = f"Cookie: {token}\r\nAccept: text/html\r\nAccept-Encoding: gzip\r\n"
    request = _request(url, "GET", path, proof)
    selector = selectors.DefaultSelector()
    idle: deque[_Asking] = deque()
    for _ in range(connections):
        asking = _Asking(_connect(url))
        selector.register(asking.socket, selectors.EVENT_READ, asking)
        idle.append(asking)
    requests = cycle([request])
    if share is None:
        return _read(selector, idle, requests, seconds, rate)
    fast = _read(selector, idle, requests, seconds / 2, None)
    return fast + _read(selector, idle, requests, seconds / 2, share * len(fast) / (seconds / 2))


def mix(url: str, file: str, seconds: float, connections: int, rate: float | None) -> Samples:
    """Ask for so long what a file of JSON lists in turn: method, path, token and body of each request.

    Returns:
        As `reads`.
    """
    requests = cycle(_listed(url, *each) for each in json.loads(Path(file).read_text()))
    selector = selectors.DefaultSelector()
    idle = deque(_Asking(_connect(url)) for _ in range(connections))
    for asking in idle:
        selector.register(asking.socket, selectors.EVENT_READ, asking)
    return _read(selector, idle, requests, seconds, rate)


def _listed(url: str, method: str, path: str, token: str, body: object) -> bytes:
    data = b"" if body is None else json.dumps(body).encode()
    headers = f"Authorization: Bearer {token}\r\n"
    if data:
        headers += f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n"
    return _request(url, method, path, headers) + data


def _read(
    selector: selectors.BaseSelector,
    idle: deque[_Asking],
    requests: Iterator[bytes],
    seconds: float,
    rate: float | None,
) -> Samples:
    """Reads for so long; `rate` a second, each counted from when it was due, or one after the other."""
    samples: Samples = []
    connections = len(idle)
    sent, started = 0, time.time()
    while (now := time.time()) < started + seconds or len(idle) < connections:
        if now > started + seconds + PATIENCE:
            raise TimeoutError(f"a read was not answered within {PATIENCE:.0f} s")
        is_over = now >= started + seconds
        while idle and not is_over and (rate is None or sent <= (now - started) * rate):
            asking = idle.popleft()
            asking.since = now if rate is None else started + sent / rate
            asking.socket.sendall(next(requests))
            sent += 1
        is_free = rate is not None and idle and not is_over
        for key, _ in selector.select(max(0.0, started + sent / rate - now) if is_free else 0.1):
            if _is_answered(key.data):
                answered = time.time()
                samples.append((answered, answered - key.data.since))
                idle.append(key.data)
    return samples


def _is_answered(asking: _Asking) -> bool:
    data = asking.socket.recv(65_536)
    if not data:
        raise ConnectionError("the server closed a kept connection")
    asking.got += data
    head, end, body = asking.got.partition(b"\r\n\r\n")
    if not end:
        return False
    if not head.startswith(b"HTTP/1.1 2"):
        raise ConnectionError(f"a read was answered with {head[:80]!r}")
    length = next(
        int(line.partition(b":")[2])
        for line in head.lower().split(b"\r\n")
        if line.startswith(b"content-length")
    )
    if len(body) < length:
        return False
    asking.got = b""
    return True


def logins(
    url: str, people: list[str], password: str, seconds: float, patient: bool
) -> dict[str, float]:
    """All of `people` log in at once and again for so many seconds, each over new connections.

    Who is told to come back does so when told; where not `patient`, at once.
    """
    requests = [_login_request(url, email, password) for email in people]
    statuses = asyncio.run(_crowd(url, requests, seconds, patient))
    return {
        "served": statuses[200] / seconds,
        "refused": statuses[503] / seconds,
        "failed": float(statuses.total() - statuses[200] - statuses[503]),
    }


async def _crowd(url: str, requests: list[bytes], seconds: float, patient: bool) -> Counter[int]:
    statuses: Counter[int] = Counter()

    async def log_in_again_and_again(request: bytes) -> None:
        while True:
            status, wait = await _log_in(url, request)
            statuses[status] += 1
            await asyncio.sleep(wait if patient else 0)

    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await asyncio.gather(*(log_in_again_and_again(each) for each in requests))
    return statuses


async def _log_in(url: str, request: bytes) -> tuple[int, float]:
    """The status, and how many seconds to wait as the answer says; 0 is no answer."""
    where = urlsplit(url)
    try:
        reader, writer = await asyncio.open_connection(where.hostname, where.port)
        try:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.read()
        finally:
            writer.close()
    except (OSError, asyncio.IncompleteReadError):
        return 0, 1.0
    told = [line for line in head.lower().split(b"\r\n") if line.startswith(b"retry-after")]
    return int(head.split()[1]), float(told[0].partition(b":")[2]) if told else 0.0


def _login_request(url: str, email: str, password: str) -> bytes:
    body = json.dumps({"email": email, "password": password})
    headers = (
        f"Connection: close\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    )
    return _request(url, "POST", f"{V1}/auth/login", headers) + body.encode()


def _request(url: str, method: str, path: str, headers: str) -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: {urlsplit(url).netloc}\r\n{headers}\r\n".encode()


def _connect(url: str) -> socket.socket:
    where = urlsplit(url)
    made = socket.create_connection((where.hostname, where.port), timeout=10)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def main() -> object:
    parser = argparse.ArgumentParser(description=__doc__)
    kinds = parser.add_subparsers(dest="kind", required=True)
    reading = kinds.add_parser("reads")
    for name, kind in (("url", str), ("token", str), ("seconds", float), ("connections", int)):
        reading.add_argument(name, type=kind)
    how = reading.add_mutually_exclusive_group()
    for name in ("--share", "--rate"):
        how.add_argument(name, type=float)
    reading.add_argument("--path", default=f"{V1}/auth/me")
    reading.add_argument("--page", action="store_true", help="the token is a cookie")
    mixing = kinds.add_parser("mix")
    for name, kind in (("url", str), ("file", str), ("seconds", float), ("connections", int)):
        mixing.add_argument(name, type=kind)
    mixing.add_argument("--rate", type=float)
    crowd = kinds.add_parser("logins")
    for name, kind in (("url", str), ("password", str), ("seconds", float)):
        crowd.add_argument(name, type=kind)
    crowd.add_argument("people", nargs="+")
    crowd.add_argument("--impatient", action="store_true")
    given = parser.parse_args()
    if given.kind == "reads":
        return reads(
            given.url,
            given.token,
            given.seconds,
            given.connections,
            share=given.share,
            rate=given.rate,
            path=given.path,
            is_page=given.page,
        )
    if given.kind == "mix":
        return mix(given.url, given.file, given.seconds, given.connections, given.rate)
    return logins(given.url, given.people, given.password, given.seconds, not given.impatient)


if __name__ == "__main__":
    print(json.dumps(main()))
