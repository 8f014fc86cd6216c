"""Whatever the network or an exchange does to an answer: nothing is lost, its user is told, and it goes on."""

import resource
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace

import pytest

from coinsphere.errors import ProviderError
from coinsphere.exchanges.accounts import Accounts
from coinsphere.exchanges.api import client
from coinsphere.exchanges.errors import CircuitOpen
from coinsphere.exchanges.sync import syncs
from tests.fakes import exchange_kraken, fault_proxy
from tests.fakes.fault_proxy import FaultProxy, answering, proxying
from tests.integration.exchanges.conftest import NOW, World, at

_MB = 1024
_BUSY = b'{"error":["EAPI:Rate limit exceeded"]}'


@pytest.fixture
def proxy(exchange_server) -> Iterator[FaultProxy]:
    with proxying(exchange_server.url) as made:
        yield made


@pytest.fixture
def proxied(world, proxy, kraken, monkeypatch) -> World:
    """The world with a proxy before its exchanges, and less patience with them."""
    monkeypatch.setattr(client, "TIMEOUT_MS", 400)
    monkeypatch.setattr(client, "LONGEST_SECONDS", 0.8)
    kraken.trades = {
        f"T{n:04}": exchange_kraken.trade(
            "XXBTZEUR", "buy", "40000", "0.01", cost="400", fee="1", at=at(400 - n) / 1000
        )
        for n in range(130)
    }
    kraken.balances = {"XXBT": "1.3"}
    return replace(world, accounts=Accounts(proxy.url, lambda: NOW, sleep=lambda _: None))


def _from_second_page(answer: Callable[[socket.socket], None]):
    """A fault that meets every question for trades but the first."""
    asked: list[str] = []

    def fault(path: str, met: socket.socket) -> bool:
        if not path.endswith("TradesHistory"):
            return False
        asked.append(path)
        if len(asked) == 1:
            return False
        answer(met)
        return True

    return fault


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (fault_proxy.reset, "kraken: could not be reached, or broke off its answer"),
        (fault_proxy.cut_short, "kraken: could not be reached, or broke off its answer"),
        (fault_proxy.garbage, "kraken: could not be reached, or broke off its answer"),
        (fault_proxy.half_open, "kraken: did not answer in time"),
        (fault_proxy.drip, "kraken: did not answer in time"),
        (fault_proxy.drip_of_headers, "kraken: did not answer in time"),
        (answering("500 Internal Server Error", b"{}"), "kraken: has a fault of its own, or is being worked on"),
        (answering("502 Bad Gateway", b"<html>", Server="x"), "kraken: has a fault of its own, or is being worked on"),
        (answering("429 Too Many Requests", _BUSY), "kraken: asks to be called less often"),
        (answering("429 Too Many Requests", _BUSY, Retry_After="900"), "kraken: asks to be called less often"),
        (fault_proxy.flood, "kraken: the answer is too large"),
        (answering("200 OK", b"<html>maintenance</html>"), "kraken: the answer is not JSON"),
        (answering("200 OK", b'{"result":' + b"[" * 90_000 + b"]" * 90_000 + b"}"), "kraken: the answer is not JSON"),
    ],
    ids=[
        "reset", "cut short", "garbage", "half-open", "slow drip", "slow headers", "500", "502", "429",
        "429 with Retry-After", "100 MB", "html", "deep",
    ],
)  # fmt: skip
def test_a_fault_loses_nothing_is_told_and_passes(proxied: World, proxy, fault, told):
    connection_id = proxied.connect(proxied.server.dialects["kraken"])
    sync_id = syncs.request(proxied.conn, connection_id)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    proxy.fault = _from_second_page(fault)
    with suppress(ProviderError):
        syncs.run(proxied.conn, sync_id, proxied.accounts, proxied.keys)
    met = syncs.get(proxied.conn, sync_id)
    # What may pass waits for the job's next try; what makes no sense ends this sync and not the next.
    assert (met.error, met.imported) == (told, 50)
    assert met.status in {"running", "failed"}
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 80 * _MB
    assert len(proxied.facts()) == 50
    proxy.fault = None
    proxied.accounts.limits.of("kraken").breaker.succeeded()
    if met.status == "running":
        syncs.run(proxied.conn, sync_id, proxied.accounts, proxied.keys)
        done = syncs.get(proxied.conn, sync_id)
        assert (done.status, done.error, done.imported) == ("succeeded", None, 130)
    else:
        assert proxied.sync(connection_id).imported == 80
    assert len(proxied.facts()) == 130
    assert proxied.issues() == []


def test_latency_slows_a_sync_and_does_no_more(proxied: World, proxy):
    def late(_: str, __: socket.socket) -> bool:
        time.sleep(0.1)
        return False

    proxy.fault = late
    connection_id = proxied.connect(proxied.server.dialects["kraken"])
    assert proxied.sync(connection_id).imported == 130


def test_an_exchange_that_asks_for_a_long_rest_gets_it(proxied: World, proxy):
    connection_id = proxied.connect(proxied.server.dialects["kraken"])
    sync_id = syncs.request(proxied.conn, connection_id)
    proxy.fault = _from_second_page(answering("429 Too Many Requests", _BUSY, Retry_After="900"))
    with pytest.raises(ProviderError):
        syncs.run(proxied.conn, sync_id, proxied.accounts, proxied.keys)
    proxy.fault = None
    asked = len(proxied.server.asked)
    with pytest.raises(CircuitOpen):
        syncs.run(proxied.conn, sync_id, proxied.accounts, proxied.keys)
    assert len(proxied.server.asked) == asked


def test_an_exchange_that_is_away_is_asked_a_few_times_and_then_left_alone(proxied: World, proxy):
    connection_id = proxied.connect(proxied.server.dialects["kraken"])
    sync_id = syncs.request(proxied.conn, connection_id)
    met: list[str] = []

    def away(path: str, client: socket.socket) -> bool:
        met.append(path)
        fault_proxy.reset(client)
        return True

    proxy.fault = away
    for _ in range(4):
        with pytest.raises(ProviderError):
            syncs.run(proxied.conn, sync_id, proxied.accounts, proxied.keys)
    # requests itself asks once more where a kept connection was closed; we ask five times in all.
    assert len(met) == 5
    assert "left alone" in syncs.get(proxied.conn, sync_id).error
