"""Posts requests to untrusted receivers: within a time limit, to public addresses, reading only the start of the answer."""

import asyncio
from collections import defaultdict
from types import TracebackType
from typing import Self

import httpx2

from coinsphere.network import outbound
from coinsphere.notify.channels.receiver import Answer, Outgoing

SECONDS = 15.0
"""What a delivery may take altogether, from the question for its name to the end of its answer."""
AT_ONE_HOST = 20
"""Requests that one host gets at once, however many channels lead to it."""
_LARGEST = 4096
_AGENT = "Coinsphere/1 (+alerts)"


class NotReached(Exception):
    """The receiver did not answer; the text says why, without the address."""


class Poster:
    """Posts to many hosts, over connections that are kept. Use it as a context manager, in one event loop."""

    def __init__(
        self,
        *,
        is_private_allowed: bool,
        connections: int,
        seconds: float = SECONDS,
        resolve: outbound.Resolve | None = None,
    ) -> None:
        self._seconds = seconds
        self._turns: dict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(AT_ONE_HOST)
        )
        transport = outbound.AsyncPinnedTransport(
            is_private_allowed=is_private_allowed, resolve=resolve, connections=connections
        )
        self._http = httpx2.AsyncClient(
            transport=transport, timeout=seconds, follow_redirects=False, trust_env=False
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    async def post(self, outgoing: Outgoing) -> Answer:
        """The answer to a request. Raises `NotReached`."""
        try:
            # Who waits for a turn at a host that hangs gives up with the others: their places are wanted for other hosts.
            async with asyncio.timeout(self._seconds), self._turns[httpx2.URL(outgoing.url).host]:
                return await self._posted(outgoing)
        except TimeoutError:
            raise NotReached(f"no answer within {self._seconds:g} seconds") from None
        except outbound.Refused as error:
            raise NotReached(f"its address is not asked: {error}") from None
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            # The message of some of them holds the whole address.
            raise NotReached(f"no answer ({type(error).__name__})") from None

    async def _posted(self, outgoing: Outgoing) -> Answer:
        headers = {"user-agent": _AGENT, "accept-encoding": "identity", **outgoing.headers}
        request = self._http.stream("POST", outgoing.url, content=outgoing.content, headers=headers)
        body = bytearray()
        async with request as answer:
            async for part in answer.aiter_raw():
                body += part
                if len(body) >= _LARGEST:
                    break
        return Answer(answer.status_code, dict(answer.headers), bytes(body[:_LARGEST]))
