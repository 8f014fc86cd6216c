"""Redis as a cache that may be empty, stopped or slow at any moment, which costs speed and nothing else."""

import hashlib
import secrets
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Lock
from typing import Any

import redis

from coinsphere import log
from coinsphere.network import redis_pool
from coinsphere.network.redis_pool import GuardedPool, RedisAway
from webapi.backends.memory import Changes, Memory
from webapi.observability import metrics

JITTER = 0.2
"""Lives are spread by up to this part, so that what was cached together does not expire together."""

ETAG_LENGTH = 32
_HERE_SECONDS = 1.0
_MOST_HERE = 200
_log = log.get("webapi.backends.cache")


class Cache:
    """Bytes by key. A Redis that fails or is slow acts as an empty one.

    Attributes:
        pool: the connections, for others in this process who use Redis.
    """

    def __init__(self, url: str) -> None:
        self.pool = GuardedPool.from_url(url, **redis_pool.options())
        self._client = redis.Redis(connection_pool=self.pool)
        # Whoever asks how Redis is asks Redis, left alone or not.
        self._probe = redis.Redis.from_url(url, **redis_pool.options())

    def get(self, key: str) -> bytes | None:
        """The stored value; None if there is none, or Redis does not answer."""
        value = self._try(lambda: self._client.get(key))
        return value if isinstance(value, bytes) else None

    def put(self, key: str, value: bytes, seconds: float) -> bool:
        """Store a value for a time, replacing another. Returns whether that surely happened."""
        return bool(self._try(lambda: self._client.set(key, value, px=int(seconds * 1000))))

    def add(self, key: str, value: bytes, seconds: float) -> None:
        """Store a value for a time, unless there is one."""
        self._try(lambda: self._client.set(key, value, px=int(seconds * 1000), nx=True))

    def script(self, lua: str) -> Callable[[list[Any], list[Any]], Any]:
        """A function that runs a Redis script with keys and arguments; it returns None where Redis does not answer."""
        registered = self._client.register_script(lua)
        return lambda keys, arguments: self._try(lambda: registered(keys, arguments))

    def delete(self, *keys: str) -> None:
        """Delete a value."""
        self._try(lambda: self._client.delete(*keys))

    def ping(self) -> bool:
        """Whether Redis answers now, even while its circuit breaker is open."""
        try:
            return bool(self._probe.ping())
        except redis.RedisError:
            return False

    def close(self) -> None:
        """Close the connections."""
        self.pool.disconnect()
        self._probe.close()

    def _try(self, command: Callable[[], object]) -> object:
        try:
            return command()
        except RedisAway:
            return None
        except (redis.RedisError, OSError) as error:
            self.pool.breaker.rest(redis_pool.FAILED_REST_SECONDS)
            metrics.CACHE_FAILURES.inc()
            _log.warning("Redis away", kind=type(error).__name__)
            return None


@dataclass(frozen=True, slots=True)
class Page:
    """A serialised answer and the strong entity tag of its bytes."""

    etag: str
    body: bytes

    @classmethod
    def of(cls, body: bytes) -> "Page":
        """The page of these bytes."""
        return cls(hashlib.sha256(body).hexdigest()[:ETAG_LENGTH], body)

    def packed(self) -> bytes:
        """The page as bytes for the cache."""
        return self.etag.encode() + self.body

    @classmethod
    def unpacked(cls, stored: bytes) -> "Page":
        """Reads the bytes of `packed`."""
        return cls(stored[:ETAG_LENGTH].decode(), stored[ETAG_LENGTH:])


class PageCache:
    """Serialised answers. Of simultaneous requests in one process that miss a page, one makes it.

    A process asks Redis for a page once a second, and has it itself in between.
    """

    def __init__(self, cache: Cache, seconds: float, changes: Changes) -> None:
        self._cache, self._changes = cache, changes
        self._seconds = seconds
        self._here: Memory[str, Page] = Memory(changes, _MOST_HERE)
        self._making: dict[str, Future[Page]] = {}
        self._lock = Lock()

    def page(self, name: str, key: str, make: Callable[[], bytes]) -> Page:
        """The page of `key`, from Redis or made now; an exception of `make` is raised and nothing stored.

        Args:
            name: kind of page, for the hit ratio.
            key: names the page among all of its kind.
            make: gives the serialised answer.
        """
        known = self.here(name, key)
        if known is not None:
            return known
        stamp = self._changes.stamp()
        stored = self._cache.get(_key(name, key))
        metrics.of_page(name, "miss" if stored is None else "hit").inc()
        page = self._make_once(name, key, make) if stored is None else Page.unpacked(stored)
        self._here.put(_key(name, key), page, min(_HERE_SECONDS, self._seconds), stamp)
        return page

    def here(self, name: str, key: str) -> Page | None:
        """The page that this process has; None if it has none, or not any more."""
        known = self._here.get(_key(name, key))
        if known is not None:
            metrics.of_page(name, "hit").inc()
        return known

    def forget(self, name: str, key: str) -> None:
        """Drop a page whose content has changed."""
        self._cache.delete(_key(name, key))
        self._changes.tell()

    def _make_once(self, name: str, key: str, make: Callable[[], bytes]) -> Page:
        with self._lock:
            future = self._making.get(_key(name, key))
            is_mine = future is None
            if future is None:
                future = self._making[_key(name, key)] = Future()
        if is_mine:
            self._make(future, name, key, make)
        return future.result()

    def _make(self, future: Future[Page], name: str, key: str, make: Callable[[], bytes]) -> None:
        try:
            page = Page.of(make())
        except BaseException as error:  # noqa: BLE001 - the future raises it in every waiting thread
            future.set_exception(error)
        else:
            self._cache.put(_key(name, key), page.packed(), self._lifetime())
            future.set_result(page)
        finally:
            with self._lock:
                del self._making[_key(name, key)]

    def _lifetime(self) -> float:
        return self._seconds * (1 - JITTER * secrets.randbelow(1000) / 1000)


def _key(name: str, key: str) -> str:
    return f"page:{name}:{key}"
