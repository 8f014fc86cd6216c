"""A relay that hangs until it is released."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from aiosmtpd.controller import Controller

from tests.conftest import free_port


@dataclass
class HangingRelay:
    """Sets `reached` when a mail's text has come, and answers once `release` is set."""

    port: int
    reached: threading.Event = field(default_factory=threading.Event)
    release: threading.Event = field(default_factory=threading.Event)

    async def handle_DATA(self, server, session, envelope):  # noqa: N802  aiosmtpd's name
        self.reached.set()
        await asyncio.to_thread(self.release.wait)
        return "250 OK"


@pytest.fixture
def hanging_relay() -> Iterator[HangingRelay]:
    relay = HangingRelay(free_port())
    controller = Controller(relay, hostname="127.0.0.1", port=relay.port)
    controller.start()
    yield relay
    relay.release.set()
    controller.stop()
