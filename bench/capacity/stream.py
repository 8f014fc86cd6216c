"""What a client of the stream costs: memory while it is connected, CPU for each price that it is sent."""

import asyncio
import json
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack

import psutil
import psycopg
from websockets.asyncio.client import ClientConnection, connect

from bench.capacity.reads import Reader, readers
from bench.serving import Serving, cpu_seconds, streaming

CLIENTS = 200
TICKS = 10
_PRICES = "update market.quotes set price = price + 0.01, observed_at = now()"
_SYMBOLS = "select symbol from market.tokens where is_active order by 1"


def measure(serving: Serving, users: int) -> dict[str, float]:
    """Of a stream of its own, with clients that follow every token while all prices move, once a second."""
    with streaming(serving) as (url, pid):
        people = readers(serving, users, CLIENTS)
        return asyncio.run(_followed(url, people, serving, pid))


async def _followed(
    url: str, people: Sequence[Reader], serving: Serving, pid: int
) -> dict[str, float]:
    with psycopg.connect(serving.database_url, autocommit=True) as conn:
        symbols = [symbol for (symbol,) in conn.execute(_SYMBOLS)]
        alone = _megabytes(pid)
        async with AsyncExitStack() as stack:
            clients = [await stack.enter_async_context(_client(url, each)) for each in people]
            for client in clients:
                await client.send(json.dumps({"type": "subscribe", "symbols": symbols}))
            await _prices(clients, len(symbols))
            memory, began, cpu = _megabytes(pid), time.perf_counter(), cpu_seconds(pid)
            for _ in range(TICKS):
                conn.execute(_PRICES)
                await _prices(clients, len(symbols))
                await asyncio.sleep(max(0.0, 1 - time.perf_counter() % 1))
            cpu = cpu_seconds(pid) - cpu
            seconds = time.perf_counter() - began
    messages = TICKS * len(symbols) * len(clients)
    return {
        "clients": float(len(clients)),
        "kilobytes": 1000 * (memory - alone) / len(clients),
        "alone_megabytes": alone,
        "cpu_us_a_message": 1e6 * cpu / messages,
        "cpu_share": cpu / seconds,
    }


def _client(url: str, reader: Reader) -> connect:
    headers = {"Authorization": f"Bearer {reader.token}"}
    return connect(url, additional_headers=headers, proxy=None, max_queue=None)


async def _prices(clients: Sequence[ClientConnection], count: int) -> None:
    """Until each client has so many prices more."""

    async def follow(client: ClientConnection) -> None:
        left = count
        while left:
            left -= json.loads(await client.recv())["type"] == "price_update"

    async with asyncio.timeout(60):
        await asyncio.gather(*(follow(client) for client in clients))


def _megabytes(pid: int) -> float:
    return float(psutil.Process(pid).memory_full_info().uss / 1e6)
