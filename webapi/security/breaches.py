"""Passwords known from breaches: in a file of the operator's, and at a service where that is enabled.

The file is the list of Have I Been Pwned as it is distributed: one SHA-1 in capitals, a colon and a count a line, sorted.
It is searched where it lies; 40 GB cost no memory and a few page reads. The service is asked by the first five digits of
the SHA-1 alone, so it learns no password (k-anonymity); one that is slow or away refuses nobody.
"""

import hashlib
import mmap
import re
from pathlib import Path
from typing import Self

import httpx2

from coinsphere import log
from coinsphere.errors import ConfigurationError
from coinsphere.settings import Settings
from webapi.http import errors

TIMEOUT = httpx2.Timeout(1.0)
_PREFIX = 5
_LINE = re.compile(rb"[0-9A-F]{40}(:\d+)?\r?")
_LONGEST_LINE = 64
_log = log.get("webapi.breaches")


class BreachFile:
    """A sorted file of SHA-1s.

    Raises:
        ConfigurationError: it cannot be read, or is no such file.
    """

    def __init__(self, path: Path) -> None:
        try:
            with path.open("rb") as opened:
                self._lines = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                f"COINSPHERE_BREACHED_PASSWORDS_FILE: {path} cannot be read: {error}"
            ) from error
        first, last = self._line(0), self._line(self._start(len(self._lines) - 1))
        if not (_LINE.fullmatch(first) and _LINE.fullmatch(last) and first <= last):
            raise ConfigurationError(
                f"COINSPHERE_BREACHED_PASSWORDS_FILE: {path} is no list of SHA-1s, sorted by them"
            )

    def holds(self, digest: bytes) -> bool:
        """Whether a SHA-1, in capitals, is in it."""
        low, high = 0, len(self._lines)
        while low < high:
            start = self._start((low + high) // 2)
            line = self._line(start)
            sha1 = line[: len(digest)]
            if sha1 == digest:
                return True
            if sha1 < digest:
                low = start + len(line) + 1
            else:
                high = start
        return False

    def _start(self, position: int) -> int:
        """Where the line begins that a byte is in; a line's end belongs to the line."""
        return self._lines.rfind(b"\n", max(0, position - _LONGEST_LINE), position) + 1

    def _line(self, start: int) -> bytes:
        end = self._lines.find(b"\n", start)
        return self._lines[start : len(self._lines) if end < 0 else end]


class Breaches:
    """The sources of breached passwords.

    Args:
        file: None where there is none.
        url: of the service, to which `/` and five digits are added; None where none is asked.
        http: the way to it.
    """

    def __init__(self, file: BreachFile | None, url: str | None, http: httpx2.Client) -> None:
        self._file = file
        self._url = url
        self._http = http

    @classmethod
    def of(cls, settings: Settings, http: httpx2.Client) -> Self:
        """The sources that the settings name. Raises `ConfigurationError` where the file has another form."""
        path = settings.breached_passwords_file
        return cls(BreachFile(path) if path else None, settings.breached_passwords_url, http)

    def refuse(self, password: str, path: str) -> None:
        """Refuse a breached password.

        Raises:
            errors.Problem: 400 that names the field `path`.
        """
        digest = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
        if (self._file is not None and self._file.holds(digest.encode())) or self._is_told(digest):
            message = "was stolen from another service before: choose another one"
            raise errors.invalid([{"path": path, "message": message, "code": "value_error"}])

    def _is_told(self, digest: str) -> bool:
        if self._url is None:
            return False
        try:
            # Padding: the answer's length tells an onlooker nothing of the prefix.
            answer = self._http.get(
                f"{self._url.rstrip('/')}/{digest[:_PREFIX]}",
                headers={"Add-Padding": "true"},
                timeout=TIMEOUT,
            )
            answer.raise_for_status()
        except httpx2.HTTPError as error:
            _log.warning("breached passwords not asked", kind=type(error).__name__)
            return False
        return any(_is_stolen(line, digest[_PREFIX:]) for line in answer.text.upper().splitlines())


def _is_stolen(line: str, rest: str) -> bool:
    """Whether a line of the service has these digits; a count of zero is padding."""
    suffix, _, count = line.strip().partition(":")
    return suffix == rest and count.strip("0") != ""
