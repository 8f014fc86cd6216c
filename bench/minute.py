"""What a scheduled minute costs: what all processes use around its tick, above what they use between two."""

import time

from bench.measure import Measure
from bench.system import System, cpu_seconds, started

_ROUNDS = 3
_TICK = 57
"""The second of a minute from which on the next one's work is counted; its schedule is due at 0."""
_BETWEEN = 20
"""The one from which on there is none to count."""
_SECONDS = 20


def run() -> list[Measure]:
    """CPU seconds of the work of a minute: Dagster's tick, quotes, alerts, and the worker's periodic tasks beside them."""
    quick = {"COINSPHERE_ML_TOKENS": "BTC", "COINSPHERE_ML_EPOCHS": "1"}
    with started("simulated", **quick) as system:
        costs = sorted(_cost(system) for _ in range(_ROUNDS))
    return [Measure("CPU of a scheduled minute", costs[_ROUNDS // 2], "s", target=3)]


def _cost(system: System) -> float:
    return _used(system, _TICK) - _used(system, _BETWEEN)


def _used(system: System, second: int) -> float:
    """CPU seconds from this second of the minute on."""
    time.sleep((second - time.time()) % 60)
    before = cpu_seconds(system.processes)
    time.sleep(_SECONDS)
    return cpu_seconds(system.processes) - before
