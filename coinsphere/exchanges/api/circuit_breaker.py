"""The circuit breaker of an exchange: pauses calls after failures, or when the exchange asks for it."""

import time
from collections.abc import Callable

from redis import Redis

from coinsphere.exchanges.api.shared_state import SharedState
from coinsphere.exchanges.errors import CircuitOpen
from coinsphere.network import circuit_breaker

FAILURES = 5
"""Failures in a row after which an exchange is left alone."""
REST_SECONDS = 30.0
"""For how long; then one call may try."""
LONGEST_REST_SECONDS = 3600.0
"""An exchange that asks for a longer one is asked again after this."""
_FORGOTTEN_SECONDS = 3600

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


class CircuitBreaker:
    """One breaker shared by all processes through Redis; while Redis is away, each process has its own."""

    def __init__(
        self, venue: str, shared: SharedState, elapsed: Callable[[], float] = time.monotonic
    ) -> None:
        self._venue, self._shared = venue, shared
        self._own = circuit_breaker.CircuitBreaker(venue, FAILURES, REST_SECONDS, elapsed)
        self._failures, self._resting = shared.key("failures"), shared.key("resting")

    def admit(self) -> None:
        """Let a call through.

        Raises:
            CircuitOpen: the exchange is left alone.
        """
        is_admitted = self._own.claim()
        state = self._shared.ask(
            lambda redis: redis.eval(
                _ADMIT, 2, self._failures, self._resting, FAILURES, _milliseconds(REST_SECONDS)
            )
        )
        if not (is_admitted if state is None else state):
            circuit_breaker.LEFT_ALONE.labels(self._venue).inc()
            raise CircuitOpen(
                self._venue, "failed several times, or asked for it, and is left alone for a while"
            )

    def succeeded(self) -> None:
        """Record that the exchange answered."""
        self._own.succeeded()
        self._shared.ask(lambda redis: redis.delete(self._failures, self._resting))

    def failed(self) -> None:
        """Record that the exchange gave no answer, or a server fault."""
        self._own.failed()
        self._shared.ask(
            lambda redis: redis.eval(
                _FAILED, 2, self._failures, self._resting, FAILURES, _milliseconds(REST_SECONDS),
                _FORGOTTEN_SECONDS,
            )
        )  # fmt: skip

    def rest(self, seconds: float) -> None:
        """Pause calls for as long as the exchange asked."""
        wanted = min(seconds, LONGEST_REST_SECONDS)
        self._own.rest(wanted)

        def mark(redis: "Redis") -> object:
            pipe = redis.pipeline()
            pipe.set(self._failures, FAILURES, ex=_FORGOTTEN_SECONDS * 2)
            pipe.set(self._resting, "1", px=max(1, _milliseconds(wanted)))
            return pipe.execute()

        self._shared.ask(mark)


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)
