"""Fits of the global models."""

from threadpoolctl import threadpool_info, threadpool_limits

from ml.models import random_walk
from ml.training import fitting
from ml.training.fitting import Recipe
from tests.unit.ml.panels import make_features


def test_a_fit_computes_on_one_thread_of_blas() -> None:
    """More took five times the CPU, and another number of cores gave other last bits."""
    threads = []

    def fitter(*_: object) -> random_walk.RandomWalk:
        threads.extend(
            each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"
        )
        return random_walk.normal("own")

    with threadpool_limits(2, user_api="blas"):
        fitting.fit(make_features(tokens=1, days=100), 90, ["own"], Recipe(own={"own": fitter}))
    assert set(threads) == {1}
