"""The stream process: `python -m coinsphere.stream`."""

import asyncio
import logging
import signal

from coinsphere import log
from coinsphere.settings import Settings
from coinsphere.stream.server import Stream


async def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with Stream(settings).serving(settings.bind_host, settings.stream_port):
        await stopped.wait()


def main() -> None:
    """The process."""
    settings = Settings.from_env()
    log.configure(settings.log_level)
    # It logs whole requests, tokens included, where the level is DEBUG.
    logging.getLogger("websockets").setLevel(logging.WARNING)
    asyncio.run(run(settings))


if __name__ == "__main__":
    main()
