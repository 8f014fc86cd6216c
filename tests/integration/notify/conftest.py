"""A mail relay that runs in this process, and misbehaves where a test wants it to."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from aiosmtpd.controller import Controller

from coinsphere.notify.transport import SmtpTransport

SENDER = "Coinsphere <no-reply@coinsphere.local>"


@dataclass
class Relay:
    """What it was given: (recipients, whole mail) a mail. `answers` maps a command to a reply instead of its own."""

    answers: dict[str, str] = field(default_factory=dict)
    taken: list[tuple[list[str], bytes]] = field(default_factory=list)
    port: int = 0

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802  aiosmtpd's name
        if "RCPT" in self.answers:
            return self.answers["RCPT"]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802  aiosmtpd's name
        if "DATA" in self.answers:
            return self.answers["DATA"]
        self.taken.append((envelope.rcpt_tos, envelope.content))
        return "250 OK"

    async def handle_QUIT(self, server, session, envelope):  # noqa: N802  aiosmtpd's name
        return self.answers.get("QUIT", "221 Bye")

    def transport(self, **options) -> SmtpTransport:
        return SmtpTransport(f"smtp://127.0.0.1:{self.port}", SENDER, **options)


def serve(relay: Relay, host: str = "127.0.0.1", **options) -> Controller:
    from tests.conftest import free_port

    relay.port = free_port()
    controller = Controller(relay, hostname=host, port=relay.port, **options)
    controller.start()
    return controller


@pytest.fixture
def relay() -> Iterator[Relay]:
    made = Relay()
    controller = serve(made)
    yield made
    controller.stop()
