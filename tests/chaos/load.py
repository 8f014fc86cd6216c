"""People who write and read while something is done to the system, and the count of what they were told."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx2
import psycopg

V1 = "/api/v1"
PASSWORD = "correct horse battery"
_PATIENCE_SECONDS = 180.0


@dataclass
class Load:
    """What was asked and answered, of all people together.

    Attributes:
        acknowledged: the ids of transactions that were answered by 201.
        statuses: how many answers there were of each status.
        cut: requests without an answer, as their connection ended.
        failed_reads: how many answers of 5xx were of reads.
        renewed: how often somebody had to log in anew.
        turned_away: how often a login was told to come back, as hashes wait where the machine does much else; no fault.
        slowest: seconds of the slowest read that was answered.
        answered_at: when the last was answered without a fault, by `time.monotonic`.
    """

    acknowledged: list[str] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    cut: int = 0
    failed_reads: int = 0
    renewed: int = 0
    turned_away: int = 0
    slowest: float = 0.0
    answered_at: float = 0.0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def requests(self) -> int:
        return sum(self.statuses.values()) + self.cut

    @property
    def faults(self) -> int:
        return sum(count for status, count in self.statuses.items() if status >= 500)

    def await_more(self, count: int) -> None:
        """Wait until so many more transactions are acknowledged: what was done is behind us then."""
        wanted, deadline = len(self.acknowledged) + count, time.monotonic() + _PATIENCE_SECONDS
        while len(self.acknowledged) < wanted:
            assert time.monotonic() < deadline, (self.statuses, self.cut)
            time.sleep(0.02)

    def await_faults(self, count: int) -> None:
        """Wait until so many more answers are faults of ours: what was done has come through to people then."""
        wanted, deadline = self.faults + count, time.monotonic() + _PATIENCE_SECONDS
        while self.faults < wanted:
            assert time.monotonic() < deadline, (self.statuses, self.cut)
            time.sleep(0.02)

    def lost(self, conn: psycopg.Connection) -> int:
        """How many of the acknowledged ones are not stored."""
        query = "select count(distinct fact_id) from app.transactions where fact_id::text = any(%s)"
        (stored,) = conn.execute(query, [self.acknowledged]).fetchone() or (0,)
        assert len(set(self.acknowledged)) == len(self.acknowledged)
        return len(self.acknowledged) - int(stored)

    def note(self, answer: httpx2.Response) -> None:
        with self._lock:
            self.statuses[answer.status_code] += 1
            if answer.status_code < 500:
                self.answered_at = time.monotonic()
            if answer.status_code == 201:
                self.acknowledged.append(answer.json()["transaction"]["id"])
            elif answer.request.method == "GET":
                self.slowest = max(self.slowest, answer.elapsed.total_seconds())
                self.failed_reads += answer.status_code >= 500

    def note_cut(self) -> None:
        with self._lock:
            self.cut += 1


class Person:
    """Somebody with a portfolio of their own."""

    def __init__(self, url: str, name: str) -> None:
        self.url = f"{url}{V1}"
        self._account = {"email": f"{name}@example.com", "password": PASSWORD}
        with httpx2.Client(trust_env=False, timeout=60) as client:
            made = client.post(f"{self.url}/auth/register", json=self._account)
            assert made.status_code == 201, made.text
            self.headers = {"Authorization": f"Bearer {made.json()['accessToken']}"}
            kept = client.post(
                f"{self.url}/portfolios", json={"name": "Load"}, headers=self.headers
            )
            assert kept.status_code == 201, kept.text
            self.portfolio = kept.json()["portfolio"]["id"]

    def work(self, load: Load, stopped: threading.Event) -> None:
        """Write and read in turn, over a new connection after each that was cut."""
        while not stopped.is_set():
            try:
                with httpx2.Client(trust_env=False, timeout=60, headers=self.headers) as client:
                    while not stopped.is_set():
                        self._turn(client, load)
            except httpx2.HTTPError:
                load.note_cut()
                time.sleep(0.05)  # who is refused asks again a little later

    def _turn(self, client: httpx2.Client, load: Load) -> None:
        trade = {
            "portfolioId": self.portfolio,
            "type": "buy",
            "tokenSymbol": "BTC",
            "amount": 1,
            "price": 50_000,
            "timestamp": "2026-06-01T00:00:00Z",
        }
        written = client.post(f"{self.url}/transactions", json=trade)
        load.note(written)
        if written.status_code == 401:
            self._log_in(client, load)
            return
        for path in (f"/portfolios/{self.portfolio}", "/tokens", "/auth/me"):
            load.note(client.get(f"{self.url}{path}"))

    def _log_in(self, client: httpx2.Client, load: Load) -> None:
        answer = client.post(f"{self.url}/auth/login", json=self._account)
        if answer.status_code == 503 and answer.json()["type"].endswith(":busy"):
            load.turned_away += 1
            time.sleep(float(answer.headers["Retry-After"]))
            return
        load.note(answer)
        if answer.status_code == 200:
            load.renewed += 1
            self.headers = {"Authorization": f"Bearer {answer.json()['accessToken']}"}
            client.headers.update(self.headers)


@contextmanager
def under_load(people: list[Person]) -> Iterator[Load]:
    """Everybody works for as long as the context lasts; begins once all is under way."""
    load, stopped = Load(), threading.Event()
    threads = [threading.Thread(target=each.work, args=(load, stopped)) for each in people]
    for each in threads:
        each.start()
    try:
        load.await_more(len(people))
        yield load
    finally:
        stopped.set()
        for each in threads:
            each.join()


@contextmanager
def again_and_again(turn: Callable[[], None]) -> Iterator[None]:
    """Do something without a pause as long as the context lasts."""
    stopped = threading.Event()

    def repeat() -> None:
        while not stopped.is_set():
            turn()

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()
