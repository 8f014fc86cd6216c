"""Builds the source of market data that the database's origin asks for."""

from coinsphere.clock import Clock, utc_now
from coinsphere.errors import ConfigurationError
from coinsphere.market.model import MarketDataSource
from coinsphere.market.origin import Origin
from coinsphere.settings import Settings


def build(settings: Settings, origin: Origin, clock: Clock = utc_now) -> MarketDataSource:
    """The source of `origin`. Imports only that source: ccxt alone takes a second.

    Raises:
        ConfigurationError: the origin lacks what the source needs.
    """
    if origin.source == "live":
        from coinsphere.market.sources.live import build as live  # noqa: PLC0415 - see the docstring

        return live(settings, clock)
    if origin.source == "files":
        from coinsphere.market.sources.files import build as files  # noqa: PLC0415

        return files(origin.location, clock)
    if origin.seed is None:
        raise ConfigurationError("The simulated market has no seed: remove the local state.")
    from coinsphere.market.sources.simulated import SimulatedMarket  # noqa: PLC0415 - see the docstring

    return SimulatedMarket(origin.seed, clock)


def probe_live(settings: Settings) -> bool:
    """Whether a live exchange answers one public call within a few seconds."""
    from coinsphere.market.sources.live import answers  # noqa: PLC0415 - ccxt is slow to import

    return answers(settings)
