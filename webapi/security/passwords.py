"""Password hashes: argon2id at the OWASP cheat sheet's cost, or bcrypt; only as many at once as the machine can bear.

bcrypt sees 72 bytes and stops at a zero byte. So a password is hashed before it, with a key (pepper) that lies outside
the database: a bare fast hash could be looked up among the leaked hashes of others. Bare bcrypt hashes, as other
servers keep them, are verified too; whatever is not made as new hashes are is made anew at the next login.

A password is hashed in NFKC (NIST SP 800-63B 5.1.1.2): the same keys give other code points on another system. Hashes
from before are matched by the other forms, and made anew too.
"""

import base64
import hashlib
import hmac
import secrets
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore, Lock
from typing import Self

from coinsphere.errors import UnknownKey
from coinsphere.security.symmetric_keys import SymmetricKeys
from coinsphere.settings import Settings
from webapi.http import errors
from webapi.observability import metrics
from webapi.security import hashing
from webapi.security.hashing import Hasher, Hashes

WAITING = 3
QUEUE_SECONDS = 1.0
_RETRY_SECONDS = range(2, 7)
"""Who is told to come back is told different times, so that a crowd does not come back as one."""

ARGON2ID = "argon2id"
BCRYPT = "bcrypt"
_PEPPERED = "$bcrypt-hmac-sha384$"
_BARE = ("$2a$", "$2b$", "$2y$")
_BARE_BYTES = 72


class Turn:
    """A turn to hash."""

    def __init__(self, passwords: "Passwords") -> None:
        self._passwords = passwords

    def hash(self, password: str) -> str:
        """The hash of `password` that is stored."""
        return self._passwords.made(password)

    def verify(self, stored: str | None, password: str) -> bool:
        """Whether `password` matches; takes as long where there is no account (`stored` is None)."""
        return self.form(stored, password) is not None

    def form(self, stored: str | None, password: str) -> str | None:
        """The form of `password` that `stored` was made of; None if it does not match, or there is no account."""
        known = stored or self._passwords.nobodys
        form = self._passwords.form(known, password)
        return form if stored else None


class Passwords:
    """Hashes and verifies passwords; one object a process, as it holds the process's limit.

    Args:
        peppers: keys of the hash before bcrypt; None where no bcrypt hash is made or known.
        scheme: how new hashes are made, `argon2id` or `bcrypt`.
        waiting: so many may wait for their turn while a hash is computed, which takes 19 MiB and a core for some 20 ms
            (argon2id); each holds a thread of the API, and others are told to come back at once.
        queue_seconds: a request that has waited for so long is told to come back.
    """

    def __init__(
        self,
        peppers: SymmetricKeys | None = None,
        scheme: str = ARGON2ID,
        waiting: int = WAITING,
        queue_seconds: float = QUEUE_SECONDS,
    ) -> None:
        self._peppers = peppers
        self._scheme = scheme
        self._places = 1 + waiting
        self._room = BoundedSemaphore(self._places)
        self._slot = Lock()
        self._queue_seconds = queue_seconds
        self._hashes: Hashes = hashing
        self.nobodys = self.made("the password of an account that does not exist")
        # Its process starts with the first hash, which is after the fork.
        self._hashes = self._hasher = Hasher()

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The parameters that the settings name."""
        return cls(SymmetricKeys(settings.password_keys), settings.password_scheme)

    @property
    def waiting(self) -> int:
        """The number of passwords that are hashed now, or wait."""
        return self._places - self._room._value  # noqa: SLF001 - a semaphore tells it in no other way

    def close(self) -> None:
        """End the process that hashes."""
        self._hasher.close()

    @contextmanager
    def turn(self) -> Iterator[Turn]:
        """Wait for a turn to hash. Raises `errors.Problem` with status 503 when too many wait."""
        if not self._room.acquire(blocking=False):
            raise busy()
        try:
            if not self._slot.acquire(timeout=self._queue_seconds):
                raise busy()
            try:
                yield Turn(self)
            finally:
                self._slot.release()
        finally:
            self._room.release()

    def hash(self, password: str) -> str:
        """The hash of `password` that is stored. Raises `errors.Problem` with status 503 when too many wait."""
        with self.turn() as turn:
            return turn.hash(password)

    def verify(self, stored: str | None, password: str) -> bool:
        """Whether `password` matches; takes as long where there is no account (`stored` is None).

        Raises:
            errors.Problem: 503 when too many wait.
        """
        with self.turn() as turn:
            return turn.verify(stored, password)

    def form(self, stored: str, password: str) -> str | None:
        """The form of `password` that a hash of any kind was made of, None if of none; only for who has its turn."""
        return next((form for form in _forms(password) if self.matches(stored, form)), None)

    def matches(self, stored: str, password: str) -> bool:
        """Whether `password`, exactly as it is, is that of a hash of any kind; only for who has its turn."""
        if stored.startswith(_PEPPERED):
            return self._matches_peppered(stored, password)
        if stored.startswith(_BARE):
            return self._matches_bare(stored, password)
        return self._hashes.matches(stored, password)

    def is_outdated(self, stored: str, form: str = "") -> bool:
        """Whether `stored` was made with other parameters, or of another `form` of its password, than new hashes."""
        if form != normalized(form):
            return True
        if self._scheme == BCRYPT:
            return not stored.startswith(self._peppered_prefix())
        return not stored.startswith("$argon2id$") or hashing.ARGON2.check_needs_rehash(stored)

    def made(self, password: str) -> str:
        """A new hash; only for who has its turn."""
        password = normalized(password)
        if self._scheme == ARGON2ID:
            return self._hashes.argon2id(password)
        pepper = self._pepper_keys().active
        hashed = self._hashes.bcrypt(_prehashed(pepper.secret, password))
        return f"{_PEPPERED}{pepper.kid}{hashed}"

    def _peppered_prefix(self) -> str:
        return f"{_PEPPERED}{self._pepper_keys().active.kid}$2b${hashing.BCRYPT_COST}$"

    def _matches_peppered(self, stored: str, password: str) -> bool:
        kid, _, hashed = stored.removeprefix(_PEPPERED).partition("$")
        try:
            pepper = self._pepper_keys().find(kid)
        except UnknownKey:
            return False
        return self._hashes.matches(f"${hashed}", _prehashed(pepper.secret, password))

    def _matches_bare(self, stored: str, password: str) -> bool:
        # Of a longer password the other server kept the beginning only: two of them could pass for one.
        encoded = password.encode()
        is_whole = len(encoded) <= _BARE_BYTES and b"\0" not in encoded
        return is_whole and self._hashes.matches(stored, password)

    def _pepper_keys(self) -> SymmetricKeys:
        if self._peppers is None:
            raise ValueError("bcrypt needs peppers")
        return self._peppers


def normalized(password: str) -> str:
    """A password in the one form that is judged and hashed, however a keyboard composed it."""
    return unicodedata.normalize("NFKC", password)


def _forms(password: str) -> list[str]:
    """The forms that an older hash may have been made of, the present one first; plain ASCII has one."""
    composed = unicodedata.normalize("NFC", password)
    decomposed = unicodedata.normalize("NFD", password)
    return list(dict.fromkeys((normalized(password), password, composed, decomposed)))


def _prehashed(pepper: bytes, password: str) -> str:
    """A hash of the whole password in 64 characters, as bcrypt reads only 72."""
    return base64.b64encode(hmac.digest(pepper, password.encode(), hashlib.sha384)).decode()


def busy() -> errors.Problem:
    """503 for a request that must not wait for a hash; it asks to come back in 2 to 6 seconds."""
    metrics.PASSWORD_QUEUE_REFUSALS.inc()
    problem = errors.unavailable(
        "too many logins at once", detail="Try again in a moment.", code="busy"
    )
    problem.headers["Retry-After"] = str(secrets.choice(_RETRY_SECONDS))
    return problem
