"""Webhooks that one worker delivers in a minute to a receiver on this machine that checks each signature."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID, uuid4

import psycopg

from bench.filling import LONGEST, connect
from bench.ingestion import _database, _end
from bench.measure import Measure
from bench.serving import ROOT, cpu_seconds
from coinsphere.clock import utc_now
from coinsphere.notify.channels import kinds, outbox, repository
from coinsphere.notify.channels.receiver import Message
from coinsphere.security.symmetric_keys import SymmetricKeys
from tests.fakes import receivers

MESSAGES = 10_000
SHAPES = {100: "a hundred to a channel", 10_000: "one to a channel"}
_USER = "insert into app.users (email, password_hash) values (%s, 'x') returning id"
_LEFT = "select count(*) from app.channel_messages where status = 'waiting'"
_FAILED = "select count(*) from app.channel_messages where status <> 'delivered' or attempts <> 1"


def run() -> list[Measure]:
    """Ten thousand messages to few channels, and to many, of one host; each is to be taken at its first attempt."""
    with tempfile.TemporaryDirectory() as folder, _database() as url:
        measures: list[Measure] = []
        for count, named in SHAPES.items():
            rate, cpu = _rate(url, Path(folder), count)
            measures += [
                Measure(f"webhooks a minute, {named}", rate, "deliveries", 10_000, better="higher"),
                # What the rate would be on a core of its own: the machine may have other work.
                Measure(f"CPU of the worker for a webhook, {named}", cpu, "ms", 6.0),
            ]
        return measures


def _rate(url: str, home: Path, channels: int) -> tuple[float, float]:
    """Deliveries a minute, and milliseconds of the worker's CPU for one."""
    with connect(url) as conn, receivers.serving() as served:
        opened = _channels(conn, SymmetricKeys(home / "encryption-keys"), served.url, channels)
        with _worker(url, home) as worker:
            _deliver(conn, opened, 1)  # the worker is up, its modules are loaded
            began, used = time.monotonic(), cpu_seconds(worker)
            _deliver(conn, opened, MESSAGES // channels)
            seconds, used = time.monotonic() - began, cpu_seconds(worker) - used
        assert conn.execute(_FAILED).fetchone() == (0,)
        conn.execute("delete from app.users")
    return 60 * MESSAGES / seconds, 1000 * used / MESSAGES


def _channels(
    conn: psycopg.Connection, keys: SymmetricKeys, url: str, count: int
) -> list[repository.Channel]:
    fields = {"url": f"{url}/hook", "secret": receivers.WEBHOOK_SECRET}
    to = kinds.make("webhook", fields, is_private_allowed=True)
    channels: list[repository.Channel] = []
    for n in range(count):
        row = conn.execute(_USER, [f"{n}@bench.example"]).fetchone()
        assert row is not None
        kept = repository.create(conn, keys, row[0], kind="webhook", name="bench", receiver=to)
        assert kept is not None
        channels.append(kept)
    return channels


def _deliver(conn: psycopg.Connection, channels: list[repository.Channel], each: int) -> None:
    now = utc_now()
    messages: list[tuple[repository.Channel, Message, UUID | None]] = [
        (channel, Message(uuid4(), "test", now, "hello", "text", "{}"), None)
        for _ in range(each)
        for channel in channels
    ]
    with conn.transaction():
        outbox.write(conn, messages, now)
    end = time.monotonic() + LONGEST
    while conn.execute(_LEFT).fetchone() != (0,):
        assert time.monotonic() < end, "the messages were not delivered"
        time.sleep(0.05)


@contextmanager
def _worker(url: str, home: Path) -> Iterator[int]:
    worker = subprocess.Popen(
        [sys.executable, "-m", "coinsphere.worker"],
        cwd=ROOT,
        env=os.environ
        | {
            "COINSPHERE_HOME": str(home),
            "COINSPHERE_DATABASE_URL": url,
            "COINSPHERE_CHANNEL_PRIVATE_NETWORKS": "true",
            "COINSPHERE_LOG_LEVEL": "WARNING",
        },
    )
    try:
        yield worker.pid
    finally:
        _end(worker, signal.SIGTERM)
