"""Passwords."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from coinsphere.security.symmetric_keys import SymmetricKeys
from webapi.http import errors
from webapi.security.hashing import NICENESS, SESSION_NICENESS, Hasher
from webapi.security.password_rules import problem_in_context, problem_with
from webapi.security.passwords import Passwords, busy


def test_a_password_is_its_own_only() -> None:
    passwords = Passwords()
    stored = passwords.hash("correct horse")
    assert stored.startswith("$argon2id$")
    assert passwords.verify(stored, "correct horse")
    assert not passwords.verify(stored, "correct horse ")
    assert not passwords.verify(None, "the password of an account that does not exist")
    assert not passwords.verify("no hash", "correct horse")
    assert not passwords.is_outdated(stored)


@pytest.fixture
def slow(monkeypatch) -> Iterator[tuple[Passwords, Event, Event]]:
    """Passwords of which one hash at a time is computed and one waits; says when one has begun, ends when told."""
    passwords = Passwords(waiting=1, queue_seconds=0.01)
    begun, finish = Event(), Event()

    class Slow:
        def argon2id(self, _: str) -> str:
            begun.set()
            finish.wait(10)
            return "x"

    monkeypatch.setattr(passwords, "_hashes", Slow())
    yield passwords, begun, finish
    finish.set()
    passwords.close()


def test_who_has_waited_too_long_for_a_hash_is_told_to_come_back(slow) -> None:
    passwords, begun, finish = slow
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(passwords.hash, "a")
        begun.wait(10)
        with pytest.raises(errors.Problem) as refused:
            passwords.hash("b")
        finish.set()
        assert first.result() == "x"
    assert refused.value.status == 503
    assert 2 <= int(refused.value.headers["Retry-After"]) <= 6


def test_where_too_many_wait_for_a_hash_the_next_is_refused_at_once(slow, monkeypatch) -> None:
    passwords, begun, finish = slow
    monkeypatch.setattr(passwords, "_queue_seconds", 10)
    with ThreadPoolExecutor(2) as pool:
        hashing = pool.submit(passwords.hash, "a")
        begun.wait(10)
        waiting = pool.submit(passwords.hash, "b")
        # The room is full once the second waits; a third waits for nobody: neither has ended when it is refused.
        refused = _refused(passwords)
        assert refused.status == 503
        assert not hashing.done()
        assert not waiting.done()
        finish.set()
        assert (hashing.result(), waiting.result()) == ("x", "x")
    assert passwords.hash("d") == "x"


def _refused(passwords: Passwords) -> errors.Problem:
    """The refusal that comes when no place to wait is left; until then the caller takes and leaves it."""
    for _ in range(1000):
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(passwords._room.acquire, blocking=False).result()
        if not answer:
            break
        passwords._room.release()
    with pytest.raises(errors.Problem) as refused:
        passwords.hash("c")
    return refused.value


def test_who_is_told_to_come_back_is_told_different_times() -> None:
    assert len({busy().headers["Retry-After"] for _ in range(200)}) == 5


@pytest.fixture
def hasher() -> Iterator[Hasher]:
    made = Hasher()
    yield made
    made.close()


def test_hashes_are_computed_beside_the_api_and_yield(hasher: Hasher) -> None:
    """Linux shares the cores out by session where there are several, and else by priority."""
    assert hasher.matches(hasher.argon2id("correct horse"), "correct horse")
    assert hasher.pid is not None
    assert os.getsid(hasher.pid) == hasher.pid
    assert os.getpriority(os.PRIO_PROCESS, hasher.pid) == NICENESS
    if (session := Path(f"/proc/{hasher.pid}/autogroup")).exists():
        assert session.read_text().endswith(f" nice {SESSION_NICENESS}\n")


def test_a_process_that_hashed_and_was_killed_is_started_again(hasher: Hasher) -> None:
    stored = hasher.argon2id("correct horse")
    killed = hasher.pid
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    os.waitid(os.P_PID, killed, os.WEXITED | os.WNOWAIT)
    assert not hasher.matches(stored, "another horse")
    assert hasher.pid != killed


def test_what_a_process_was_asked_that_is_killed_in_mid_hash_is_asked_of_the_next(
    hasher: Hasher,
) -> None:
    stored = hasher.argon2id("correct horse")
    killed = hasher.pid
    assert killed is not None
    os.kill(killed, signal.SIGSTOP)
    threading.Timer(0.2, os.kill, (killed, signal.SIGKILL)).start()
    assert hasher.matches(stored, "correct horse")
    assert hasher.pid != killed


def test_the_process_that_hashes_ends_with_the_one_that_asks_however_that_ends() -> None:
    """What it writes errors to was handed on by the one that asks, so that this waits for both."""
    asks = (
        "import os, signal\n"
        "from webapi.security.hashing import Hasher\n"
        "hasher = Hasher()\n"
        "hasher.argon2id('correct horse')\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", asks], check=False, stderr=subprocess.PIPE, timeout=60
    )
    assert ended.returncode == -signal.SIGKILL
    assert ended.stderr == b""


@pytest.mark.parametrize(
    ("password", "is_fine"),
    [
        ("12345678", False),
        ("PassWord1", False),
        ("h7?kq-Zt", True),
        ("1234567", False),
        ("x" * 256, True),
        ("x" * 257, False),
        ("é" * 129, False),
    ],
)
def test_bounds_of_passwords(password: str, is_fine: bool) -> None:
    assert (problem_with(password) is None) == is_fine


def test_bcrypt_sees_the_whole_password_and_needs_its_pepper(tmp_path) -> None:
    peppers = SymmetricKeys(tmp_path / "peppers")
    passwords = Passwords(peppers, "bcrypt")
    long = "x" * 90
    stored = passwords.hash(long + "a")
    assert stored.startswith(f"$bcrypt-hmac-sha384${peppers.active.kid}$2b$12$")
    assert passwords.verify(stored, long + "a")
    assert not passwords.verify(stored, long + "b")
    assert not passwords.verify(passwords.hash("a\0b"), "a\0c")
    assert not passwords.is_outdated(stored)
    assert Passwords(peppers).verify(stored, long + "a")
    assert Passwords(peppers).is_outdated(stored)
    assert passwords.is_outdated(Passwords().hash("correct horse"))
    foreign = SymmetricKeys(tmp_path / "others")
    assert foreign.active
    assert not Passwords(foreign).verify(stored, long + "a")
    peppers.add()
    assert passwords.verify(stored, long + "a")
    assert passwords.is_outdated(stored)


@pytest.mark.parametrize(
    "stored", ["$2b$", "$2b$12$short", "$bcrypt-hmac-sha384$", "$argon2id$", "", "x"]
)
def test_what_is_no_hash_matches_nothing(tmp_path, stored: str) -> None:
    assert not Passwords(SymmetricKeys(tmp_path)).verify(stored, "anything at all")


def test_all_of_a_name_can_be_in_a_password_that_is_more_than_it() -> None:
    words = ("ada.lovelace@example.com", "Ada", "Lovelace")
    assert problem_in_context("lovelace", words)
    assert problem_in_context("AdaLovelace1815", words) is not None
    assert problem_in_context("lovelace counted the beans", words) is None
    assert problem_in_context("correct horse battery", words) is None
    assert problem_in_context("correct horse battery", (None, "", "a")) is None
