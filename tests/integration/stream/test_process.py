"""The stream process as the local system starts it: `python -m coinsphere.stream`."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import AsyncExitStack

import httpx2
import psutil
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from coinsphere.stream import reading
from coinsphere.stream.hub import CONNECTIONS_OF_A_USER
from tests.conftest import free_port

from .conftest import receive, running, say


@pytest.fixture
def process(world, database, tmp_path):
    port = free_port()
    started = subprocess.Popen(
        [sys.executable, "-m", "coinsphere.stream"],
        cwd=tmp_path,
        env={
            **os.environ,
            "COINSPHERE_HOME": str(tmp_path),
            "COINSPHERE_DATABASE_URL": database.api,
            "COINSPHERE_JWT_KEYS_DIR": str(world.key.folder),
            "COINSPHERE_STREAM_PORT": str(port),
        },
    )
    yield started, port
    started.kill()
    started.wait()


def _health(port: int) -> dict:
    with httpx2.Client(timeout=60) as client:
        for _ in range(300):
            try:
                answer = client.get(f"http://127.0.0.1:{port}/health")
            except httpx2.ConnectError:
                time.sleep(0.1)
                continue
            assert answer.status_code == 200
            if answer.json()["listening"]:
                return answer.json()
    raise AssertionError("it did not start")


def test_it_serves_says_how_it_is_and_ends_when_told(process, world):
    started, port = process
    account = world.account()
    assert _health(port) == {"status": "ok", "listening": True, "clients": 0}
    for host in ("evil.example", f"evil.example:{port}"):
        rebound = httpx2.get(f"http://127.0.0.1:{port}/health", headers={"Host": host}, timeout=60)
        assert rebound.status_code == 400
        assert "clients" not in rebound.text

    async def talk() -> None:
        headers = {"Authorization": f"Bearer {account.token}"}
        url = f"ws://127.0.0.1:{port}/api/v1/ws"
        async with connect(url, additional_headers=headers, proxy=None) as client:
            await receive(client, "connected")
            assert _health(port)["clients"] == 1
            started.send_signal(signal.SIGTERM)
            with pytest.raises(ConnectionClosed) as closed:
                await receive(client, "nothing")
            assert closed.value.rcvd.code == 1001

    asyncio.run(talk())
    assert started.wait(timeout=30) == 0


def test_a_client_holds_some_kilobytes(process, world):
    """With 5,000 it was 16 to 17 kB (ADR 0367); what lies between is the allocator's."""
    started, port = process
    _health(port)
    accounts = [world.account(f"{number}@example.org") for number in range(32)]

    async def grow() -> float:
        async with AsyncExitStack() as stack:
            await _crowd(stack, port, world, accounts[:8])
            before = psutil.Process(started.pid).memory_full_info().uss
            await _crowd(stack, port, world, accounts[8:])
            added = psutil.Process(started.pid).memory_full_info().uss - before
        return added / len(accounts[8:]) / CONNECTIONS_OF_A_USER

    assert asyncio.run(grow()) < 24_000


async def _crowd(stack: AsyncExitStack, port: int, world, accounts) -> None:
    """As many clients of each account as it may have, who follow a price and are told a new one."""
    url = f"ws://127.0.0.1:{port}/api/v1/ws"
    clients = []
    for account in accounts * CONNECTIONS_OF_A_USER:
        headers = {"Authorization": f"Bearer {account.token}"}
        client = await stack.enter_async_context(
            connect(url, additional_headers=headers, proxy=None, compression=None)
        )
        await say(client, "subscribe", symbols=["BTC"])
        await receive(client, "subscribed")
        clients.append(client)
    world.quote(len(accounts))
    for client in clients:
        await receive(client, "price_update")


def test_it_does_not_go_on_where_nothing_feeds_it(world, monkeypatch):
    """A fault of ours in a part of it: clients would stay connected and hear nothing."""

    async def broken(*_: object) -> None:
        raise RuntimeError("a fault of ours")

    async def serve() -> None:
        async with asyncio.timeout(60), running(world):
            monkeypatch.setattr(reading, "quotes", broken)
            world.quote(1)
            await asyncio.Event().wait()

    with pytest.RaisesGroup(pytest.RaisesExc(RuntimeError, match="a fault of ours")):
        asyncio.run(serve())
