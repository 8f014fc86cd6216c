"""Hashes of passwords, computed here or by a process of its own, which yields; run as a program, this is that process.

As a thread of the API a hash would share with its reads what a priority of its own does not part: the session, as Linux shares the
cores out by session first (autogroup), and the interpreter's lock. The program imports nothing of ours, so that it is small, and ends
when its input does: with the API's process, however that ends.
"""

import json
import os
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Protocol, cast

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from bcrypt import checkpw, gensalt, hashpw

NICENESS = 19
"""Among the processes of its container, or wherever else no session has a share of its own."""
SESSION_NICENESS = 10
"""Among sessions: reads come first, and yet a crowd is let in."""
BCRYPT_COST = 12
ARGON2 = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)


class Hashes(Protocol):
    """What computes hashes: this module, or a `Hasher`."""

    def argon2id(self, text: str) -> str:
        """A new hash at the OWASP cheat sheet's cost."""

    def bcrypt(self, text: str) -> str:
        """A new hash of at most 72 bytes."""

    def matches(self, stored: str, text: str) -> bool:
        """Whether `stored`, of argon2id or bcrypt, is a hash of `text`; what is no hash matches nothing."""


def argon2id(text: str) -> str:
    """As `Hashes.argon2id`, here and now."""
    return ARGON2.hash(text)


def bcrypt(text: str) -> str:
    """As `Hashes.bcrypt`, here and now."""
    return hashpw(text.encode(), gensalt(BCRYPT_COST)).decode()


def matches(stored: str, text: str) -> bool:
    """As `Hashes.matches`, here and now."""
    with suppress(VerificationError, InvalidHashError, ValueError):
        if stored.startswith("$2"):
            return checkpw(text.encode(), stored.encode())
        return ARGON2.verify(stored, text)
    return False


class Hasher:
    """The process: started when it is first needed, and again where it has ended, be it in mid-hash; one question at a time.

    Each question raises OSError where two processes, one after the other, end before they have answered.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self.close: Callable[[], object] = lambda: None
        """Ends the process; the next question starts another."""

    @property
    def pid(self) -> int | None:
        """The process, where one was started."""
        return None if self._process is None else self._process.pid

    def argon2id(self, text: str) -> str:
        """As `Hashes.argon2id`."""
        return str(self._ask("argon2id", text))

    def bcrypt(self, text: str) -> str:
        """As `Hashes.bcrypt`."""
        return str(self._ask("bcrypt", text))

    def matches(self, stored: str, text: str) -> bool:
        """As `Hashes.matches`."""
        return bool(self._ask("matches", stored, text))

    def _ask(self, *question: str) -> Any:
        with self._lock:
            try:
                return self._answer(question)
            except OSError:  # it was killed; the next can answer as well
                self.close()
                return self._answer(question)

    def _answer(self, question: Sequence[str]) -> Any:
        process = self._running()
        cast("IO[bytes]", process.stdin).write(json.dumps(question).encode() + b"\n")
        # All of it at once: a pipe parts nothing of less than 4 KiB.
        answer = cast("IO[bytes]", process.stdout).read(4096)
        if not answer:
            raise BrokenPipeError("the process that hashes passwords ended")
        return json.loads(answer)

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None or self._process.poll() is not None:
            self.close()
            self._process = _start()
            self.close = weakref.finalize(self, _end, self._process)
        return self._process


def _start() -> "subprocess.Popen[bytes]":
    return subprocess.Popen(  # noqa: S603 - a program of ours  # nosec B603
        # -P: its folder is none of those that modules are looked for in.
        [sys.executable, "-P", __file__],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
        start_new_session=True,
    )


def _end(process: "subprocess.Popen[bytes]") -> None:
    with process:
        process.kill()


def _yield_to_others() -> None:
    os.nice(NICENESS)
    for _ in range(10):
        try:
            Path("/proc/self/autogroup").write_text(str(SESSION_NICENESS))
        except (
            BlockingIOError
        ):  # another did so a moment ago, and Linux wants a tenth of a second between both
            time.sleep(0.1)
        except OSError:  # sessions have no share here
            return
        else:
            return


def _answer_questions() -> None:
    """Answer a line of JSON by one until there are no more."""
    _yield_to_others()
    known = {each.__name__: each for each in (argon2id, bcrypt, matches)}
    for line in sys.stdin.buffer:
        name, *arguments = json.loads(line)
        sys.stdout.buffer.write(json.dumps(known[name](*arguments)).encode())
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    _answer_questions()
