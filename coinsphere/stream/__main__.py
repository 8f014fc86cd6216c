"""The stream process: `python -m coinsphere.stream`."""

import asyncio
import logging
import signal

from prometheus_client import REGISTRY

from coinsphere import garbage, log
from coinsphere.observability import exposition, faults
from coinsphere.settings import Settings
from coinsphere.stream.figures import StreamFigures
from coinsphere.stream.server import Stream

_log = log.get("stream")


async def run(settings: Settings) -> None:
    """Serve until SIGTERM or SIGINT; ends with status 1 where a part of it breaks, to be started anew."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    stream = Stream(settings)
    REGISTRY.register(StreamFigures(stream.hub, stream.feed))
    exposition.serve(settings, settings.stream_metrics_port)
    try:
        async with stream.serving(settings.bind_host, settings.stream_port):
            await stopped.wait()
    except ExceptionGroup as broken:
        _log.error("the stream broke", exc_info=broken)
        raise SystemExit(1) from None


def main() -> None:
    """The process."""
    settings = Settings.from_env()
    log.configure(settings.log_level)
    faults.start(settings, "stream")
    # It logs whole requests, tokens included, where the level is DEBUG.
    logging.getLogger("websockets").setLevel(logging.WARNING)
    garbage.spare_what_is_loaded()
    asyncio.run(run(settings))


if __name__ == "__main__":
    main()
