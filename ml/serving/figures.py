"""What Prometheus reads of the model server."""

from collections.abc import Iterator

from prometheus_client import Counter
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from coinsphere.observability.exposition import gauge
from ml.serving.champions import Champions
from ml.serving.global_forecasts import GlobalForecasts

FORECASTS = Counter("coinsphere_forecasts", "Forecasts given, by whose they were.", ["rung"])


class ModelFigures(Collector):
    """What the server has loaded."""

    def __init__(self, champions: Champions, everyone: GlobalForecasts) -> None:
        self._champions, self._everyone = champions, everyone

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The figures of this instant."""
        own = self._champions.symbols()
        yield gauge("coinsphere_models_loaded", "Tokens with a champion of their own.", len(own))
        tokens = len({*own, *self._everyone.symbols()})
        yield gauge("coinsphere_tokens_forecast", "Tokens that can be forecast now.", tokens)
