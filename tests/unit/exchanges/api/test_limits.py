"""The budget that spaces calls, and the breaker that leaves an exchange alone."""

import pytest

from coinsphere.exchanges.api.circuit_breaker import FAILURES, LONGEST_REST_SECONDS, REST_SECONDS
from coinsphere.exchanges.api.limits import Limits, LimitsByExchange
from coinsphere.exchanges.errors import CircuitOpen
from tests.prometheus import not_made


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
    limits = Limits("kraken", None, clock.sleep, clock)
    for cost in (2.0, 0.5, 1.0):
        limits.rate.take(cost)
    assert clock.slept == [2.0, 0.5]
    clock.now += 60
    limits.rate.take(1.0)
    assert len(clock.slept) == 2


def test_a_breaker_opens_after_failures_in_a_row_and_lets_one_call_try():
    clock = Clock()
    limits = Limits("kraken", None, clock.sleep, clock)
    for _ in range(FAILURES - 1):
        limits.breaker.failed()
    limits.breaker.succeeded()
    for _ in range(FAILURES):
        limits.breaker.admit()
        limits.breaker.failed()
    before = not_made("kraken")
    with pytest.raises(CircuitOpen):
        limits.breaker.admit()
    clock.now += REST_SECONDS
    limits.breaker.admit()
    with pytest.raises(CircuitOpen):
        limits.breaker.admit()
    limits.breaker.succeeded()
    limits.breaker.admit()
    assert not_made("kraken") - before == 2


def test_an_exchange_that_asks_for_it_is_left_alone_for_so_long():
    clock = Clock()
    limits = Limits("kraken", None, clock.sleep, clock)
    limits.breaker.rest(100.0)
    clock.now += 99.0
    with pytest.raises(CircuitOpen):
        limits.breaker.admit()
    clock.now += 1.0
    limits.breaker.admit()
    limits.breaker.rest(1e9)
    clock.now += LONGEST_REST_SECONDS
    limits.breaker.admit()


def test_exchanges_do_not_share_a_gate():
    limits = LimitsByExchange()
    assert limits.of("kraken") is limits.of("kraken")
    assert limits.of("kraken") is not limits.of("okx")
