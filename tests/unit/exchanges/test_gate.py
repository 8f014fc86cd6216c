"""The budget that spaces calls, and the breaker that leaves an exchange alone."""

import pytest

from coinsphere.exchanges.errors import CircuitOpen
from coinsphere.exchanges.gate import FAILURES, REST_SECONDS, Breaker, Budget, Gates


class Clock:
    """A clock that a sleep moves."""

    def __init__(self) -> None:
        self.now, self.slept = 100.0, []

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def test_callers_of_one_exchange_wait_for_their_turn():
    clock = Clock()
    budget = Budget(clock.sleep, clock)
    for cost in (2.0, 0.5, 1.0):
        budget.take(cost)
    assert clock.slept == [2.0, 0.5]
    clock.now += 60
    budget.take(1.0)
    assert len(clock.slept) == 2


def test_a_breaker_opens_after_failures_in_a_row_and_lets_one_call_try():
    clock = Clock()
    breaker = Breaker("kraken", clock)
    for _ in range(FAILURES - 1):
        breaker.failed()
    breaker.succeeded()
    for _ in range(FAILURES):
        breaker.admit()
        breaker.failed()
    with pytest.raises(CircuitOpen):
        breaker.admit()
    clock.now += REST_SECONDS
    breaker.admit()
    with pytest.raises(CircuitOpen):
        breaker.admit()
    breaker.succeeded()
    breaker.admit()


def test_exchanges_do_not_share_a_gate():
    gates = Gates()
    assert gates.of("kraken") is gates.of("kraken")
    assert gates.of("kraken") is not gates.of("okx")
