"""What stands between us and an exchange: a budget of calls, and a breaker that leaves it alone when it fails.

Both belong to an exchange and not to a process, as its limits count by address: they live in Redis, where all workers
and the API find them. Without Redis each process keeps its own until it is back; nothing else changes.
"""

import threading
import time
from collections.abc import Callable
from typing import Any

from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from coinsphere import log
from coinsphere.breaker import Breaker
from coinsphere.exchanges.errors import CircuitOpen

FAILURES = 5
"""Failures in a row after which an exchange is left alone."""
REST_SECONDS = 30.0
"""For how long; then one call may try."""
LONGEST_REST_SECONDS = 3600.0
"""An exchange that asks for a longer one is asked again after this."""
_FORGOTTEN_SECONDS = 3600
_REDIS_TIMEOUT_SECONDS = 0.5
_ALONE_SECONDS = 5.0
"""How long Redis is not asked again after it failed."""

_TAKE = """
local time = redis.call('time')
local now = time[1] + time[2] / 1000000
local turn = math.max(now, tonumber(redis.call('get', KEYS[1]) or '0'))
local free_at = turn + ARGV[1]
redis.call('set', KEYS[1], string.format('%.6f', free_at), 'px', math.ceil((free_at - now) * 1000) + 1000)
return tostring(turn - now)
"""
# A mark that ends by itself says that the exchange rests; once it is gone, the first to ask sets it anew and tries.
_ADMIT = """
if tonumber(redis.call('get', KEYS[1]) or '0') < tonumber(ARGV[1]) then return 1 end
if redis.call('set', KEYS[2], '1', 'nx', 'px', ARGV[2]) then return 1 end
return 0
"""
_FAILED = """
local failures = redis.call('incr', KEYS[1])
redis.call('expire', KEYS[1], ARGV[3])
if failures >= tonumber(ARGV[1]) then redis.call('set', KEYS[2], '1', 'px', ARGV[2]) end
return failures
"""

_log = log.get("exchanges")


class Budget:
    """Spaces calls, whoever of this process makes them."""

    def __init__(self, elapsed: Callable[[], float] = time.monotonic) -> None:
        self._elapsed, self._lock, self._free_at = elapsed, threading.Lock(), 0.0

    def take(self, seconds: float) -> float:
        """Seconds until one's turn; the next caller's comes `seconds` later."""
        with self._lock:
            now = self._elapsed()
            turn = max(now, self._free_at)
            self._free_at = turn + seconds
            return turn - now


class Gate:
    """Budget and breaker of one exchange: those that all processes share, or this one's own while Redis is away."""

    def __init__(
        self,
        venue: str,
        redis: "Redis | None" = None,
        sleep: Callable[[float], None] = time.sleep,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._venue, self._redis, self._sleep, self._elapsed = venue, redis, sleep, elapsed
        self._budget, self._breaker = Budget(elapsed), Breaker(FAILURES, REST_SECONDS, elapsed)
        self._alone_until = 0.0
        prefix = f"coinsphere:exchange:{venue}"
        self._free_at, self._failures, self._resting = (
            f"{prefix}:{name}" for name in ("free_at", "failures", "resting")
        )

    def take(self, seconds: float) -> None:
        """Wait for one's turn, and make the next caller wait `seconds` longer."""
        found = self._ask(lambda redis: redis.eval(_TAKE, 1, self._free_at, repr(seconds)))
        wait = self._budget.take(seconds) if found is None else float(found)
        if wait > 0:
            self._sleep(wait)

    def admit(self) -> None:
        """Let a call through.

        Raises:
            CircuitOpen: the exchange is left alone.
        """
        is_open = self._breaker.admit()
        found = self._ask(
            lambda redis: redis.eval(
                _ADMIT, 2, self._failures, self._resting, FAILURES, _milliseconds(REST_SECONDS)
            )
        )
        if not (is_open if found is None else found):
            raise CircuitOpen(
                self._venue, "failed several times, or asked for it, and is left alone for a while"
            )

    def succeeded(self) -> None:
        """The exchange answered."""
        self._breaker.succeeded()
        self._ask(lambda redis: redis.delete(self._failures, self._resting))

    def failed(self) -> None:
        """The exchange gave no answer, or a fault."""
        self._breaker.failed()
        self._ask(
            lambda redis: redis.eval(
                _FAILED, 2, self._failures, self._resting, FAILURES, _milliseconds(REST_SECONDS),
                _FORGOTTEN_SECONDS,
            )
        )  # fmt: skip

    def rest(self, seconds: float) -> None:
        """The exchange asked to be left alone for so long."""
        wanted = min(seconds, LONGEST_REST_SECONDS)
        self._breaker.rest(wanted)

        def mark(redis: "Redis") -> object:
            pipe = redis.pipeline()
            pipe.set(self._failures, FAILURES, ex=_FORGOTTEN_SECONDS * 2)
            pipe.set(self._resting, "1", px=max(1, _milliseconds(wanted)))
            return pipe.execute()

        self._ask(mark)

    def _ask(self, question: Callable[["Redis"], Any]) -> Any:
        """Redis's answer; None where there is no Redis, or it does not answer."""
        if self._redis is None or self._elapsed() < self._alone_until:
            return None
        try:
            return question(self._redis)
        except RedisError as error:
            self._alone_until = self._elapsed() + _ALONE_SECONDS
            _log.warning("limits of exchanges not shared", exchange=self._venue, error=str(error))
            return None


class Gates:
    """One gate for each exchange; a process makes one of these and gives it to whoever calls."""

    def __init__(
        self, redis_url: str | None = None, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self._lock, self._sleep = threading.Lock(), sleep
        self._redis = None if redis_url is None else _client(redis_url)
        self._gates: dict[str, Gate] = {}

    def of(self, venue: str) -> Gate:
        """The gate of an exchange, the same for all callers."""
        with self._lock:
            return self._gates.setdefault(venue, Gate(venue, self._redis, self._sleep))


def _client(url: str) -> "Redis":
    return Redis.from_url(
        url,
        socket_timeout=_REDIS_TIMEOUT_SECONDS,
        socket_connect_timeout=_REDIS_TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)
