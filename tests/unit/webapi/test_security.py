"""Passwords."""

from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from coinsphere.security.symmetric_keys import SymmetricKeys
from webapi import errors
from webapi.security.password_rules import problem_in_context, problem_with
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
