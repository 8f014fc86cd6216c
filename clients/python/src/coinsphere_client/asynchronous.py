"""The client for asyncio."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Any, Self

import httpx2

from coinsphere_client import protocol
from coinsphere_client.errors import NotReached
from coinsphere_client.protocol import Answer, Call, Credentials, Route


class AsyncClient:
    """A client of one server. Use it as a context manager.

    Args:
        url: of the server, without `/api/v1`.
        api_key: says who asks; without it `log_in` does.
        refresh_token: of an earlier session, to go on without a login.
        tries: how often a request is sent at most.
        transport: of httpx, for tests and proxies.
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        refresh_token: str | None = None,
        tries: int = 5,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._credentials = Credentials(api_key, refresh_token=refresh_token)
        self._tries = tries
        self._http = httpx2.AsyncClient(
            base_url=url.rstrip("/") + protocol.V1, timeout=protocol.PATIENCE, transport=transport
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    @property
    def refresh_token(self) -> str | None:
        """By which a later client goes on with this session; each is good for one use."""
        return self._credentials.refresh_token

    async def log_in(self, email: str, password: str, code: str | None = None) -> Mapping[str, Any]:
        """Begin a session; the account. Raises `ApiError`: 401, or 403 where a code is needed."""
        session = protocol.read(await self._sent(protocol.login(email, password, code)))
        self._credentials.take(session)
        user: Mapping[str, Any] = session["user"]
        return user

    async def call(self, route: Route[None, Answer], **parameters: Any) -> Answer:
        """The answer of a route of `coinsphere_client.routes`, called with its body if it takes one, as its type. Raises `ApiError`, `NotReached`, `UnexpectedAnswer`."""
        answer = await self._answer(route.call(parameters))
        return protocol.read_as(answer, route.answer)

    async def get(self, path: str, **query: Any) -> Any:
        """The answer to a GET. Raises `ApiError`, `NotReached`."""
        return await self.ask(Call("GET", path, query=query))

    async def post(self, path: str, body: Any = None, **query: Any) -> Any:
        """The answer to a POST, which is done once however often it is sent. Raises `ApiError`, `NotReached`."""
        return await self.ask(Call("POST", path, {} if body is None else body, query))

    async def put(self, path: str, body: Any) -> Any:
        """The answer to a PUT. Raises `ApiError`, `NotReached`."""
        return await self.ask(Call("PUT", path, body))

    async def patch(self, path: str, body: Any = None) -> Any:
        """The answer to a PATCH. Raises `ApiError`, `NotReached`."""
        return await self.ask(Call("PATCH", path, body))

    async def delete(self, path: str) -> Any:
        """The answer to a DELETE. Raises `ApiError`, `NotReached`."""
        return await self.ask(Call("DELETE", path))

    async def pages(self, path: str, name: str, **query: Any) -> AsyncIterator[Any]:
        """Everything of a list that comes in pages: the items called `name` of each, until there is no `nextCursor`."""
        while True:
            page = await self.get(path, **query)
            for item in page[name]:
                yield item
            if page.get("nextCursor") is None:
                return
            query["cursor"] = page["nextCursor"]

    async def ask(self, call: Call) -> Any:
        """The answer to any request. Raises `ApiError`, `NotReached`."""
        return protocol.read(await self._answer(call))

    async def _answer(self, call: Call) -> httpx2.Response:
        answer = await self._sent(call)
        if self._credentials.can_renew(answer):
            await self._renew()
            answer = await self._sent(call)
        return answer

    async def _renew(self) -> None:
        token = self._credentials.refresh_token or ""
        self._credentials.take(protocol.read(await self._sent(protocol.renewal(token))))

    async def _sent(self, call: Call) -> httpx2.Response:
        for tried in range(self._tries):
            answer = await self._tried(call)
            wait = protocol.pause(tried, answer)
            is_last = tried + 1 == self._tries
            if answer is not None and (wait is None or is_last):
                return answer
            if wait is not None and not is_last:
                await asyncio.sleep(wait)
        raise NotReached(f"{call.method} {call.path}: no answer after {self._tries} tries")

    async def _tried(self, call: Call) -> httpx2.Response | None:
        """The answer; None where there was none."""
        options = call.options(self._credentials)
        try:
            return await self._http.request(call.method, call.path.lstrip("/"), **options)
        except httpx2.TransportError:
            return None
