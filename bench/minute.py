"""What a scheduled minute costs: the run of the job `minute` in a process of its own, as after a tick."""

import time

from bench.measure import Measure
from bench.system import System, cpu_seconds, started
from coinsphere.local import dagster
from coinsphere.settings import Settings

_ROUNDS = 3


def run() -> list[Measure]:
    """CPU seconds of all processes while the job runs, above what they use while it does not."""
    quick = {"COINSPHERE_ML_TOKENS": "BTC", "COINSPHERE_ML_EPOCHS": "1"}
    with started("simulated", **quick) as system:
        settings = Settings.from_env(_variables(system))
        costs = sorted(_cost(system, settings) for _ in range(_ROUNDS))
    return [Measure("CPU of a scheduled minute", costs[_ROUNDS // 2], "s", target=5)]


def _cost(system: System, settings: Settings) -> float:
    _wait_for_the_second_half_of_a_minute()
    before = cpu_seconds(system.processes)
    for _ in dagster.follow(settings, dagster.launch(settings, "minute")):
        pass
    return cpu_seconds(system.processes) - before


def _wait_for_the_second_half_of_a_minute() -> None:
    """The schedule's own run of the minute is done by then."""
    while not 20 <= time.time() % 60 <= 35:
        time.sleep(0.5)


def _variables(system: System) -> dict[str, str]:
    return {
        name: value for name, value in system.variables.items() if name.startswith("COINSPHERE_")
    }
