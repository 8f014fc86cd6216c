"""The budget and the breaker of an exchange, shared by real processes through a real Redis, and without it."""

import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis

from coinsphere.exchanges.api.circuit_breaker import FAILURES
from coinsphere.exchanges.api.limits import LimitsByExchange
from coinsphere.exchanges.errors import CircuitOpen
from coinsphere.network.redis_pool import SLOW_ANSWERS
from tests.conftest import free_port
from tests.fakes.slow_relay import relaying

_ROOT = Path(__file__).resolve().parents[3]
# Nobody sleeps: what counts is the turn that each was given.
_TAKE = """
import sys, threading, time
from coinsphere.exchanges.api.limits import LimitsByExchange
waits = threading.local()
limits = LimitsByExchange(sys.argv[1], lambda seconds: setattr(waits, "last", seconds)).of("kraken")
def work():
    for _ in range(5):
        waits.last = 0.0
        limits.rate.take(100.0)
        sys.stdout.write(f"{time.time() + waits.last}\\n")
threads = [threading.Thread(target=work) for _ in range(2)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
"""


def test_four_processes_share_one_budget(redis_url):
    command = [sys.executable, "-c", _TAKE, redis_url]
    started = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=_ROOT) for _ in range(4)
    ]
    told = [each.communicate(timeout=60)[0] for each in started]
    assert [each.returncode for each in started] == [0] * 4
    turns = sorted(float(line) for text in told for line in text.split())
    assert [round((turn - turns[0]) / 100) for turn in turns] == list(range(40))


def test_what_one_process_finds_out_stops_the_others_and_one_tries_later(redis_url):
    one, other = (LimitsByExchange(redis_url).of("kraken") for _ in range(2))
    for _ in range(FAILURES - 1):
        one.breaker.failed()
    other.breaker.admit()
    other.breaker.failed()
    for limits in (one, other):
        with pytest.raises(CircuitOpen):
            limits.breaker.admit()
    LimitsByExchange(redis_url).of("okx").breaker.admit()
    client = redis.Redis.from_url(redis_url)
    assert 0 < client.pttl("coinsphere:exchange:kraken:resting") <= 30_000
    client.pexpire("coinsphere:exchange:kraken:resting", 1)
    time.sleep(0.01)
    other.breaker.admit()
    with pytest.raises(CircuitOpen):
        one.breaker.admit()
    other.breaker.succeeded()
    one.breaker.admit()


def test_an_exchange_that_asked_for_it_is_left_alone_by_all(redis_url):
    one, other = (LimitsByExchange(redis_url).of("binance") for _ in range(2))
    one.breaker.rest(600)
    with pytest.raises(CircuitOpen):
        other.breaker.admit()
    client = redis.Redis.from_url(redis_url)
    assert 590_000 < client.pttl("coinsphere:exchange:binance:resting") <= 600_000


def test_an_emptied_redis_changes_speed_only(redis_url):
    limits = LimitsByExchange(redis_url).of("kraken")
    for _ in range(FAILURES):
        limits.breaker.failed()
    with pytest.raises(CircuitOpen):
        limits.breaker.admit()
    redis.Redis.from_url(redis_url).flushall()
    limits.breaker.admit()
    limits.rate.take(0.01)


def test_without_redis_each_process_has_its_own_and_asks_it_no_more_for_a_while():
    slept: list[float] = []
    limits = LimitsByExchange(f"redis://127.0.0.1:{free_port()}/0", slept.append).of("kraken")
    limits.rate.take(5.0)
    limits.rate.take(5.0)
    assert len(slept) == 1
    assert 4.0 < slept[0] <= 5.0
    for _ in range(FAILURES):
        limits.breaker.admit()
        limits.breaker.failed()
    with pytest.raises(CircuitOpen):
        limits.breaker.admit()


def test_a_slow_redis_is_left_alone_as_one_that_fails(redis_url):
    """Each process goes on by its own limits, and nobody waits for the slow answers of many calls."""
    address = urlsplit(redis_url)
    with relaying(address.port) as relay:
        limits = LimitsByExchange(redis_url.replace(str(address.port), str(relay.port))).of(
            "kraken"
        )
        limits.breaker.admit()
        relay.delay = 0.4
        for _ in range(SLOW_ANSWERS):
            limits.breaker.admit()
        asked = relay.questions
        assert asked >= SLOW_ANSWERS
        for _ in range(FAILURES):
            limits.breaker.admit()
            limits.breaker.failed()
        with pytest.raises(CircuitOpen):
            limits.breaker.admit()
        assert relay.questions == asked
