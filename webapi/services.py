"""What the routes work with; made once by `create_app` and found again through the running app."""

from dataclasses import dataclass
from threading import Lock
from typing import cast

import httpx2
from flask import current_app

from coinsphere.clock import Clock
from coinsphere.db.pool import Database
from coinsphere.settings import Settings
from webapi.cache import Cache, PageCache
from webapi.security.keys import Keyring
from webapi.security.passwords import Passwords
from webapi.security.sessions import SessionCache

EXTENSION = "coinsphere"


@dataclass
class Services:
    """Settings, clock and connections of one app."""

    settings: Settings
    clock: Clock
    keyring: Keyring
    passwords: Passwords
    cache: Cache
    pages: PageCache
    sessions: SessionCache
    http: httpx2.Client
    _database: Database
    _is_open: bool = False

    def __post_init__(self) -> None:
        self._opening = Lock()

    @property
    def database(self) -> Database:
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
        self._database.close()
        self.cache.close()
        self.http.close()


def services() -> Services:
    """Those of the app that answers the present request."""
    return cast(Services, current_app.extensions[EXTENSION])
