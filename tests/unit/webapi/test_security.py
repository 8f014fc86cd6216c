"""Passwords."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from webapi import errors
from webapi.security.password_rules import problem_with
from webapi.security.passwords import Passwords


def test_a_password_is_its_own_only() -> None:
    passwords = Passwords()
    stored = passwords.hash("correct horse")
    assert stored.startswith("$argon2id$")
    assert passwords.verify(stored, "correct horse")
    assert not passwords.verify(stored, "correct horse ")
    assert not passwords.verify(None, "the password of an account that does not exist")
    assert not passwords.verify("no hash", "correct horse")
    assert not passwords.is_outdated(stored)


def test_too_many_at_once_are_told_to_come_back(monkeypatch) -> None:
    passwords = Passwords(concurrent=1, queue_seconds=0.01)
    begun, finish = Event(), Event()

    class Slow:
        def hash(self, _: str) -> str:
            begun.set()
            finish.wait(10)
            return "x"

    monkeypatch.setattr(passwords, "_hasher", Slow())
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(passwords.hash, "a")
        begun.wait(10)
        with pytest.raises(errors.Problem) as refused:
            passwords.hash("b")
        finish.set()
        assert first.result() == "x"
    assert refused.value.status == 503
    assert refused.value.headers["Retry-After"]


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
