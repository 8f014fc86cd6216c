"""The services of the routes, created once by `create_app` and found through the running app."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock
from typing import ParamSpec, TypeVar, cast

import httpx2
from flask import current_app

from coinsphere.accounts.openid.provider import Provider
from coinsphere.clock import Clock
from coinsphere.observability import traces
from coinsphere.security.access_tokens import Verifier
from coinsphere.security.signing.keyrings import Keyring
from coinsphere.security.symmetric_keys import SymmetricKeys
from coinsphere.settings import Settings
from webapi.backends.cache import Cache, PageCache
from webapi.backends.database import RequestDatabase
from webapi.backends.health import Health
from webapi.backends.memory import Changes
from webapi.security.admission import Admissions
from webapi.security.breaches import Breaches
from webapi.security.passwords import Passwords
from webapi.security.session_cache import SessionCache

EXTENSION = "coinsphere"
HELPERS = 12

P = ParamSpec("P")
Answer = TypeVar("Answer")


class Helpers(ThreadPoolExecutor):
    """Threads for simultaneous requests to other servers, each within the present request."""

    def submit(
        self, fn: Callable[P, Answer], /, *args: P.args, **kwargs: P.kwargs
    ) -> Future[Answer]:
        """See `ThreadPoolExecutor`."""
        return super().submit(traces.carried(fn), *args, **kwargs)


@dataclass
class Services:
    """Settings, clock and connections of one app."""

    settings: Settings
    clock: Clock
    keyring: Keyring
    audit_keys: SymmetricKeys
    encryption_keys: SymmetricKeys
    password_keys: SymmetricKeys
    passwords: Passwords
    breaches: Breaches
    changes: Changes
    cache: Cache
    pages: PageCache
    sessions: SessionCache
    admissions: Admissions
    verifier: Verifier
    http: httpx2.Client
    openid: Provider | None
    health: Health
    _database: RequestDatabase
    helpers: Helpers = field(default_factory=lambda: Helpers(HELPERS, thread_name_prefix="helper"))
    """Its threads start on first use, after the fork."""
    _is_open: bool = False

    def __post_init__(self) -> None:
        self._opening = Lock()

    @property
    def database(self) -> RequestDatabase:
        """The pool, opened on first use: gunicorn forks before."""
        if not self._is_open:
            self.open()
        return self._database

    def open(self) -> None:
        """Open the pool of this process; call it only after a fork."""
        with self._opening:
            if not self._is_open:
                self._database.open()
                self._is_open = True

    def close(self) -> None:
        """Close every connection."""
        self.helpers.shutdown(wait=False, cancel_futures=True)
        self.passwords.close()
        self._database.close()
        self.cache.close()
        self.http.close()
        if self.openid is not None:
            self.openid.close()


def services() -> Services:
    """The services of the app that answers the present request."""
    return cast("Services", current_app.extensions[EXTENSION])
