"""HTTP clients for addresses that users or operators name: nodes, public interfaces, receivers of messages.

No server of ours can be reached by it, and no answer fills the memory. A name is resolved once, every address behind it must be
public, and the connection goes to the one that was checked.
Redirects are not followed. An operator's own node is reached by the setting `wallet_private_networks`, a person's own
receiver by `channel_private_networks`.
"""

import asyncio
import ipaddress
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from threading import Lock
from typing import Any

import httpcore2
import httpx2
import msgspec

from coinsphere.clock import utc_now
from coinsphere.errors import BadPayload, RateLimited, Unavailable
from coinsphere.network.retry_after import asked_pause
from coinsphere.parsing import untrusted_json

LARGEST = 16 * 1024 * 1024
"""Bytes of an answer; that of 500 calls is far smaller."""
_TOO_MANY = 429
PATIENCE = 20.0
"""Seconds that an answer may keep us waiting; a connection may take five."""
_LONGEST = 3
"""Times its patience is what an answer may take altogether: one that comes byte by byte would never end."""
_PORT = 443
_KEPT_SECONDS = 5.0
"""For how long a connection that nobody uses is kept."""
_decoder = msgspec.json.Decoder(float_hook=Decimal)

_TRANSLATED = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))
"""Behind these lies an address of IPv4, of whatever network the translator is in (RFC 6052, 8215)."""

Resolve = Callable[[str, int], list[str]]


class Refused(httpx2.TransportError):
    """An address that is not allowed."""


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """The addresses that may be asked.

    Attributes:
        is_private_allowed: also plain HTTP, any port, and addresses of private networks.
        resolve: addresses of a name; tests give their own.
    """

    is_private_allowed: bool
    resolve: Resolve

    def require(self, url: httpx2.URL) -> int:
        """The port of the URL. Raises `Refused` for a scheme or port that is not allowed."""
        if url.scheme != "https" and not self.is_private_allowed:
            raise Refused("only https is asked")
        if (url.port or _PORT) != _PORT and not self.is_private_allowed:
            raise Refused(f"port {url.port} is not asked")
        return url.port or (_PORT if url.scheme == "https" else 80)

    def address(self, host: str, port: int) -> str:
        """The IP address of `host` to connect to. Raises `Refused`, or `ConnectError` where it has none."""
        try:
            addresses = self.resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise httpx2.ConnectError(f"{host} cannot be resolved") from error
        if not addresses:
            raise httpx2.ConnectError(f"{host} has no address")
        if not self.is_private_allowed and not all(map(is_public, addresses)):
            raise Refused(f"{host} lies in a private network")
        return addresses[0]


def _pinned(request: httpx2.Request, address: str) -> httpx2.Request:
    """The same request to an address that was checked; TLS still asks for the name."""
    return httpx2.Request(
        request.method,
        request.url.copy_with(host=address),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": request.url.host},
    )


class PinnedTransport(httpx2.BaseTransport):
    """Connects each name to the address that was checked, as a policy allows."""

    def __init__(self, *, is_private_allowed: bool, resolve: Resolve | None = None) -> None:
        self._policy = AddressPolicy(is_private_allowed, resolve or addresses)
        # One for each name: connections are pooled by address, and one that was made for a name serves no other.
        self._transports: dict[str, httpx2.HTTPTransport] = {}
        self._lock = Lock()

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request. Raises `Refused` for an address that must not be asked."""
        host = request.url.host
        address = self._policy.address(host, self._policy.require(request.url))
        return self._transport(host).handle_request(_pinned(request, address))

    def close(self) -> None:
        """Close every connection."""
        for transport in self._transports.values():
            transport.close()

    def _transport(self, host: str) -> httpx2.HTTPTransport:
        with self._lock:
            return self._transports.setdefault(host, httpx2.HTTPTransport(verify=_tls()))


class _CheckedNames(httpcore2.AnyIOBackend):
    """Connects to the address that was checked; TLS still asks for the name, and a kept connection serves that name alone."""

    def __init__(self, policy: AddressPolicy, threads: ThreadPoolExecutor) -> None:
        self._policy = policy
        self._threads = threads

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  the interface has it
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        loop = asyncio.get_running_loop()
        address = await loop.run_in_executor(self._threads, self._policy.address, host, port)
        return await super().connect_tcp(address, port, timeout, local_address, socket_options)


class AsyncPinnedTransport(httpx2.AsyncHTTPTransport):
    """Like `PinnedTransport`, for one event loop; a caller may give up at any time, also during name resolution.

    Args:
        is_private_allowed: see `AddressPolicy`.
        resolve: see `AddressPolicy`.
        connections: how many are open at once; one that was used is kept for the next request to its name.
    """

    def __init__(
        self, *, is_private_allowed: bool, resolve: Resolve | None = None, connections: int
    ) -> None:
        super().__init__(verify=_tls())
        self._policy = AddressPolicy(is_private_allowed, resolve or addresses)
        # A name whose servers hang holds up no other, nor the end of the loop.
        self._threads = ThreadPoolExecutor(connections, thread_name_prefix="resolve")
        # The library's own pool, by names; httpx hands on no backend.
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=_tls(),
            max_connections=connections,
            keepalive_expiry=_KEPT_SECONDS,
            network_backend=_CheckedNames(self._policy, self._threads),
        )

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request. Raises `Refused` for an address that must not be asked."""
        self._policy.require(request.url)
        return await super().handle_async_request(request)

    async def aclose(self) -> None:
        """Close every connection."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        await super().aclose()


@cache
def _tls() -> ssl.SSLContext:
    """To read the list of authorities takes longer than a request."""
    return httpx2.create_ssl_context()


def is_public(address: str) -> bool:
    """Whether an address is on the public internet; an IPv6 address that embeds an IPv4 one counts as that."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        inner = parsed.ipv4_mapped or parsed.sixtofour or (parsed.teredo or (None, None))[1]
        if inner is not None:
            parsed = inner
        elif any(parsed in network for network in _TRANSLATED):
            return False
    return parsed.is_global and not parsed.is_multicast


def client(
    *, is_private_allowed: bool, seconds: float = PATIENCE, resolve: Resolve | None = None
) -> httpx2.Client:
    """A client with a pinned transport."""
    transport = PinnedTransport(is_private_allowed=is_private_allowed, resolve=resolve)
    return httpx2.Client(
        transport=transport,
        timeout=httpx2.Timeout(seconds, connect=min(seconds, 5.0)),
        follow_redirects=False,
        trust_env=False,
    )


def ask(
    http: httpx2.Client,
    source: str,
    url: str,
    *,
    body: object = None,
    form: Mapping[str, str] | None = None,
    auth: tuple[str, str] | None = None,
    bearer: str | None = None,
    largest: int = LARGEST,
    also: frozenset[int] = frozenset(),
) -> Any:
    """The decoded JSON of a GET, or of a POST where there is a body or a form; fractions as `Decimal`.

    Errors name `source`, never the address: keys of providers stand in it.

    Args:
        http: the way out, see `client`.
        source: who is asked, in words.
        url: where.
        body: sent as JSON.
        form: sent as a form.
        auth: name and password (HTTP Basic).
        bearer: a token to be sent along.
        largest: bytes of an answer.
        also: statuses beside success whose JSON is an answer, too.

    Raises:
        RateLimited, Unavailable, BadPayload: see there.
    """
    method = "GET" if body is None and form is None else "POST"
    headers = {} if bearer is None else {"Authorization": f"Bearer {bearer}"}
    try:
        until = time.monotonic() + _LONGEST * (http.timeout.read or PATIENCE)
        with http.stream(method, url, json=body, data=form, auth=auth, headers=headers) as response:
            status, content = response.status_code, _read(response, source, largest, until)
    except httpx2.HTTPError as error:
        # The message of some of them holds the whole address.
        raise Unavailable(source, type(error).__name__) from None
    if status == _TOO_MANY:
        raise RateLimited(source, "too many calls", asked_pause(response.headers, utc_now()))
    answer = _decoded(response, content, source)
    # Some nodes send the error of a call with a status of its own.
    is_of_a_call = body is not None and _is_json_rpc(answer)
    if response.is_success or status in also or is_of_a_call:
        return answer
    raise _failed(response, source)


def _decoded(response: httpx2.Response, content: bytes, source: str) -> Any:
    try:
        return untrusted_json.decode(content, _decoder.decode)
    except ValueError:
        if not response.is_success:
            raise _failed(response, source) from None
        start = content[:200].decode(errors="replace")
        raise BadPayload(source, "the answer is not JSON", start) from None


def _is_json_rpc(answer: object) -> bool:
    """Whether it answers a call, or, as a list, several at once."""
    return isinstance(answer, list) or (isinstance(answer, dict) and "jsonrpc" in answer)


def _failed(response: httpx2.Response, source: str) -> Unavailable:
    pause = asked_pause(response.headers, utc_now())
    return Unavailable(source, f"HTTP status {response.status_code}", pause)


def _read(response: httpx2.Response, source: str, largest: int, until: float) -> bytes:
    content = bytearray()
    for part in response.iter_bytes():
        content += part
        if time.monotonic() > until:
            raise Unavailable(source, "the answer takes too long")
        if len(content) > largest:
            raise BadPayload(source, f"an answer of more than {largest} bytes")
    return bytes(content)


def addresses(host: str, port: int) -> list[str]:
    """The addresses of a name, or of an address in any spelling. Raises `OSError`."""
    infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in infos))
