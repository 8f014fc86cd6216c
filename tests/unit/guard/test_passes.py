"""Passes: whose they are, how long they last, and that a link opens once."""

import time

import pytest
from pydantic import SecretStr

from coinsphere.errors import ConfigurationError
from coinsphere.guard.passes import LINK_SECONDS, SESSION_SECONDS, Passes
from coinsphere.guard.rules import Request
from coinsphere.settings import Settings

TOKEN = "a token of thirty-two characters"
SETTINGS = Settings(service_token=SecretStr(TOKEN))


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch):
    """Moves the clock to so many seconds after the first of them."""
    began = time.time()
    return lambda seconds: monkeypatch.setattr(time, "time", lambda: began + seconds)


def admitted(passes: Passes, **headers: str) -> bool:
    return passes.admit(Request("GET", "/", "", list(headers.items())))


def test_without_a_token_no_server_starts() -> None:
    with pytest.raises(ConfigurationError, match="COINSPHERE_SERVICE_TOKEN"):
        Passes(Settings(), "dagster")


def test_a_link_opens_once_and_leaves_a_session_of_its_service(at) -> None:
    passes, other = Passes(SETTINGS, "dagster"), Passes(SETTINGS, "mlflow")
    code = passes.code()
    assert other.redeem(code) is None
    session = passes.redeem(code)
    assert session is not None
    assert passes.redeem(code) is None
    assert admitted(passes, cookie=f"x=1; coinsphere_dagster={session}")
    assert not admitted(other, cookie=f"coinsphere_mlflow={session}")
    assert not admitted(passes, cookie=f"coinsphere_dagster={code}")
    at(SESSION_SECONDS + 2)
    assert not admitted(passes, cookie=f"coinsphere_dagster={session}")


def test_a_link_gets_old(at) -> None:
    passes = Passes(SETTINGS, "dagster")
    code = passes.code()
    at(LINK_SECONDS + 2)
    assert passes.redeem(code) is None


def test_a_used_link_opens_nothing_after_a_restart(at) -> None:
    passes = Passes(SETTINGS, "dagster")
    code = passes.code()
    assert passes.redeem(code)
    at(2)
    assert Passes(SETTINGS, "dagster").redeem(code) is None


def test_the_token_is_compared_as_a_whole() -> None:
    passes = Passes(SETTINGS, "dagster")
    assert admitted(passes, authorization=f"Bearer {TOKEN}")
    assert admitted(passes, authorization=f"bearer  {TOKEN}")
    for wrong in ("", "Bearer", f"Bearer {TOKEN}x", f"Basic {TOKEN}", TOKEN, "Bearer \xe9"):
        assert not admitted(passes, authorization=wrong)


def test_another_token_opens_nothing_that_this_one_signed() -> None:
    code = Passes(SETTINGS, "dagster").code()
    assert Passes(Settings(service_token=SecretStr("x" * 32)), "dagster").redeem(code) is None
