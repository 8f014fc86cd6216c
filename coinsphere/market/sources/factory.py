"""Builds the source of market data that the database's origin asks for."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from coinsphere.clock import Clock, utc_now
from coinsphere.errors import ConfigurationError
from coinsphere.market.model import MarketDataSource
from coinsphere.market.origin import Origin
from coinsphere.settings import Settings


@contextmanager
def opened(
    settings: Settings, origin: Origin, clock: Clock = utc_now
) -> Iterator[MarketDataSource]:
    """The source of `origin`, whose connections are closed afterwards.

    Imports only that source: ccxt alone takes a second.

    Raises:
        ConfigurationError: the origin lacks what the source needs.
    """
    if origin.source == "live":
        from coinsphere.market.sources.live import build as live  # noqa: PLC0415 - see the docstring

        with closing(live(settings, clock)) as market:
            yield market
    elif origin.source == "files":
        from coinsphere.market.sources.files import build as files  # noqa: PLC0415

        yield files(origin.location, clock)
    elif origin.seed is None:
        raise ConfigurationError("The simulated market has no seed: remove the local state.")
    else:
        from coinsphere.market.sources.simulated import SimulatedMarket  # noqa: PLC0415

        yield SimulatedMarket(origin.seed, clock)


def probe_live(settings: Settings) -> bool:
    """Whether a live exchange answers one public call within a few seconds."""
    from coinsphere.market.sources.live import answers  # noqa: PLC0415 - ccxt is slow to import

    return answers(settings)
