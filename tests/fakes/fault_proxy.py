"""A proxy before a local exchange that does to answers what networks and failing servers do."""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
_PART = 1 << 16


@dataclass
class FaultProxy:
    """The running proxy. `fault` gets each request's path; it handles the client itself and tells so, or lets it pass."""

    url: str
    fault: Callable[[str, socket.socket], bool] | None = None


@contextmanager
def proxying(upstream: str) -> Iterator[FaultProxy]:
    """Pass on what comes to a free port; one request a connection."""
    address = (urlsplit(upstream).hostname or "", urlsplit(upstream).port or 80)
    server = socket.create_server(("127.0.0.1", 0), backlog=64)
    proxy = FaultProxy(f"http://127.0.0.1:{server.getsockname()[1]}")

    def handle(client: socket.socket) -> None:
        with client, suppress(OSError):
            request = _request(client)
            path = request.split(b" ", 2)[1].decode()
            if proxy.fault is not None and proxy.fault(path, client):
                return
            closing = request.replace(b"Connection: keep-alive", b"Connection: close", 1)
            with socket.create_connection(address) as behind:
                behind.sendall(closing)
                # Said to the client too, who would ask the next question on a connection that is about to end.
                told = b"\r\nConnection: close\r\n"
                client.sendall(behind.recv(_PART).replace(b"\r\n", told, 1))
                while part := behind.recv(_PART):
                    client.sendall(part)

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = server.accept()
                threading.Thread(target=handle, args=[client], daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield proxy
    finally:
        server.close()


def _request(client: socket.socket) -> bytes:
    """One whole request."""
    read = b""
    while b"\r\n\r\n" not in read:
        part = client.recv(_PART)
        if not part:
            raise ConnectionResetError
        read += part
    head, _, body = read.partition(b"\r\n\r\n")
    sizes = [
        int(line[15:])
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"content-length:")
    ]
    while len(body) < sum(sizes):
        body += client.recv(_PART)
    return head + b"\r\n\r\n" + body


def reset(client: socket.socket) -> None:
    """In the middle of an answer the connection is reset."""
    client.sendall(_HEAD + b'Content-Length: 500\r\n\r\n{"error"')
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def cut_short(client: socket.socket) -> None:
    """The answer ends before its length."""
    client.sendall(_HEAD + b'Content-Length: 500\r\n\r\n{"error"')


def half_open(client: socket.socket) -> None:
    """The other end is gone and nobody says so."""
    with suppress(OSError):
        client.settimeout(30)
        client.recv(1)


def garbage(client: socket.socket) -> None:
    """Bytes that are no HTTP."""
    client.sendall(bytes(range(256)) * 40)


def answering(status: str, body: bytes, **headers: str) -> Callable[[socket.socket], None]:
    """Another answer."""

    def answer(client: socket.socket) -> None:
        lines = [
            f"HTTP/1.1 {status}",
            f"Content-Length: {len(body)}",
            "Content-Type: application/json",
        ]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        client.sendall("\r\n".join([*lines, "Connection: close", "", ""]).encode() + body)

    return answer


def flood(client: socket.socket) -> None:
    """100 MB of an answer."""
    client.sendall(_HEAD + b"Content-Length: 104857600\r\n\r\n")
    for _ in range(1600):
        client.sendall(b" " * _PART)


def drip(client: socket.socket) -> None:
    """An answer that comes byte by byte and has no end."""
    client.sendall(_HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    while True:
        client.sendall(b"1\r\n \r\n")
        time.sleep(0.05)


def drip_of_headers(client: socket.socket) -> None:
    """Headers that come byte by byte and have no end."""
    client.sendall(_HEAD + b"X-Padding: ")
    while True:
        client.sendall(b"x")
        time.sleep(0.05)
