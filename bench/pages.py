"""The dashboard of 15,000 transactions: its first byte at 16 connections, its bytes, and how soon a slow machine shows it.

The first byte is measured at a constant rate of 60 % of what 16 connections can ask, as for the API (`bench.api`); the
closed loop stands beside it. Bytes and paints are Chromium's own, over loopback with the processor slowed down four times;
where there is no Chromium they are left out.
"""

import json
import statistics
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import psycopg

from bench.filling import connect, fill, prepare
from bench.load import Samples
from bench.measure import Measure
from bench.portfolio import rebuild
from bench.serving import ROOT, Serving, served
from coinsphere.accounts import browser_sessions, opaque_tokens
from tests.integration.local.chromium import PROGRAM

TRANSACTIONS = 15_000
CONNECTIONS = 16
SECONDS = 12.0
SHARE = 0.6
SLOWER = 4
_PATH = "/dashboard"
_SESSION = """
    insert into app.sessions (user_id, cookie_hash, expires_at, last_seen_at, created_at, authenticated_at)
    values (%(user_id)s, %(hash)s, %(until)s, now(), now(), now())
"""
# Entries are observed from the first paint on; a long task counts as blocking beyond 50 ms.
_PAINTS = """
    () => new Promise((done) => {
        const found = { paint: 0, blocking: 0, shift: 0 };
        const each = (type, add) => new PerformanceObserver((list) => list.getEntries().forEach(add)).observe({ type, buffered: true });
        each("largest-contentful-paint", (entry) => { found.paint = entry.startTime; });
        each("longtask", (entry) => { found.blocking += Math.max(0, entry.duration - 50); });
        each("layout-shift", (entry) => { if (!entry.hadRecentInput) found.shift += entry.value; });
        setTimeout(() => done(found), 2000);
    })
"""


def run() -> list[Measure]:
    """All figures, of pages with their own PostgreSQL and Redis."""
    with served() as serving:
        secret = owner(serving)
        cold = _reads(serving, secret, 3.0)
        both = _reads(serving, secret, SECONDS, SHARE)
        turns = both[0][0] + SECONDS / 2
        closed = [taken for at, taken in both if at < turns]
        steady = [taken for at, taken in both if at >= turns]
        label = f"dashboard of {TRANSACTIONS:,} transactions"
        measures = [
            *_times(f"{label}, {CONNECTIONS} connections at {SHARE:.0%} of the most", steady, 40, 120),
            *_times(f"{label}, {CONNECTIONS} connections, closed", closed, None, None),
            Measure(f"{label}, rate", len(closed) / (SECONDS / 2), "pages/s"),
        ]  # fmt: skip
        assert cold, "nothing was answered"
        return measures + (_in_chromium(serving, secret, label) if PROGRAM else [])


def owner(serving: Serving) -> str:
    """The secret of a session of somebody with that many transactions, booked and valued."""
    with connect(serving.database_url) as conn:
        user_id, _ = fill(conn, "reader", prepare(conn), TRANSACTIONS)
    rebuild(serving.database_url, user_id)
    secret = opaque_tokens.new()
    until = datetime.now(UTC) + timedelta(days=1)
    values = {"user_id": user_id, "hash": opaque_tokens.digest(secret), "until": until}
    with psycopg.connect(serving.database_url, autocommit=True) as conn:
        conn.execute(_SESSION, values)
        conn.execute("update market.quotes set observed_at = now()")
        conn.execute("analyze")
    cookies = {browser_sessions.COOKIE: secret}
    answer = httpx2.get(serving.url + _PATH, headers=_headers(cookies), timeout=60)
    assert "Net worth" in answer.text, answer.text[:500]
    return secret


def _headers(cookies: dict[str, str]) -> dict[str, str]:
    return {"Accept": "text/html", "Cookie": "; ".join(f"{k}={v}" for k, v in cookies.items())}


def _reads(serving: Serving, secret: str, seconds: float, share: float | None = None) -> Samples:
    arguments = [
        "reads", serving.url, f"{browser_sessions.COOKIE}={secret}", str(seconds), str(CONNECTIONS),
        "--path", _PATH, "--page",
    ]  # fmt: skip
    arguments += [] if share is None else ["--share", str(share)]
    command = [sys.executable, "-m", "bench.load", *arguments]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=ROOT, timeout=120)
    samples: Samples = json.loads(done.stdout)
    return samples


def _times(label: str, seconds: list[float], p50: float | None, p99: float | None) -> list[Measure]:
    cuts = statistics.quantiles(seconds, n=100)
    return [
        Measure(f"{label}, median", 1000 * cuts[49], "ms", p50),
        Measure(f"{label}, p99", 1000 * cuts[98], "ms", p99),
    ]


def _in_chromium(serving: Serving, secret: str, label: str) -> list[Measure]:
    """Bytes of a first and a next visit, and what a slow machine sees of the latter."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - the rest runs without a browser

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=["--no-sandbox"])
        context = browser.new_context(
            viewport={"width": 1280, "height": 900},
            # What a worker answers has no size.
            service_workers="block",
        )
        host = serving.url.replace("http:", "https:")
        cookie: Any = {
            "name": browser_sessions.COOKIE, "value": secret, "url": host, "secure": True,
        }  # fmt: skip
        context.add_cookies([cookie])
        page = context.new_page()
        tools = context.new_cdp_session(page)
        tools.send("Network.enable")
        tools.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
        sizes: list[float] = []
        tools.on("Network.loadingFinished", lambda told: sizes.append(told["encodedDataLength"]))
        visits = []
        for _ in range(2):
            sizes.clear()
            page.goto(serving.url + _PATH)
            page.locator(".plot canvas").wait_for()
            page.wait_for_timeout(1000)
            visits.append(sum(sizes) / 1000)
        seen = page.evaluate(_PAINTS)
        browser.close()
    slow = f"{label}, processor {SLOWER} times slower"
    return [
        Measure(f"{label}, first visit", visits[0], "kB", 150),
        Measure(f"{label}, next visit", visits[1], "kB", 15),
        Measure(f"{slow}, largest paint", seen["paint"], "ms", 1000),
        Measure(f"{slow}, blocking", seen["blocking"], "ms", 50),
        Measure(f"{slow}, layout shift", seen["shift"], "", 0.02),
    ]
