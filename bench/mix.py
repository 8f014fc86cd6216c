"""A hundred people who ask 500 times a second, whatever comes back: how long answers take that people wait for.

What they ask, and how often they write, is what the capacity model takes for granted (`bench/capacity/assumptions.py`): three
of two hundred requests are a purchase of today, which the worker books meanwhile. An answer that is no success breaks it.
"""

import random
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import psycopg

from bench.capacity.assumptions import Behaviour
from bench.hot import TOKENS, model_server, seed
from bench.measure import Measure
from bench.people import V1, Request, answers, made, register, trade, working
from bench.serving import Serving, cpu_seconds

PEOPLE = 100
RATE = 500
SECONDS = 300.0
P99_MS = 100.0
_WARM_SECONDS = 10.0
_TURNS = 200
"""Requests of each person, of which shares of a hundredth are whole numbers."""
_HELD = 5


def run() -> list[Measure]:
    """Mean and p99 of five minutes, and what a request costs."""
    with model_server() as ml, working(ML_URL=ml) as (serving, worker):
        seed(serving)
        requests = asked(serving)
        with psycopg.connect(serving.superuser_url, autocommit=True) as conn:
            conn.execute("vacuum analyze")
        answers(serving, requests, _WARM_SECONDS, PEOPLE, RATE)
        before = serving.cpu_seconds() + cpu_seconds(worker)
        told = answers(serving, requests, SECONDS, PEOPLE, RATE)
        cpu = serving.cpu_seconds() + cpu_seconds(worker) - before
    taken = [1000 * seconds for _, seconds in told]
    label = f"{PEOPLE} people, {RATE} requests/s, open loop:"
    return [
        Measure(f"{label} answered", len(told) / SECONDS, "requests/s"),
        Measure(f"{label} mean", statistics.fmean(taken), "ms", 15),
        Measure(f"{label} p99", statistics.quantiles(taken, n=100)[98], "ms", P99_MS),
        Measure(f"{label} CPU of all server parts", 1000 * cpu / len(told), "ms"),
    ]


def asked(serving: Serving, *, past: int = 0) -> list[Request]:
    """What people ask in turn, each with a portfolio of a few tokens, and so many trades of the year before."""
    requests: list[Request] = []
    with httpx2.Client(base_url=serving.url + V1, timeout=60) as client:
        for number in range(PEOPLE):
            token, portfolio = register(client, number)
            symbols = [f"T{(number + place) % TOKENS:02}" for place in range(_HELD)]
            for symbol in symbols:
                made(
                    client,
                    f"/portfolios/{portfolio}/holdings",
                    {"tokenSymbol": symbol, "amount": 1},
                )
            if past:
                made(
                    client, "/transactions/bulk", {"transactions": _past(portfolio, symbols, past)}
                )
            requests += _of_person(token, portfolio, symbols)
    random.Random(1).shuffle(requests)
    return requests


def _past(portfolio: str, symbols: Sequence[str], count: int) -> list[dict[str, Any]]:
    """Purchases, evenly over the days that the capacity model keeps."""
    step, now = timedelta(days=Behaviour().days / count), datetime.now(UTC)
    return [
        trade(
            portfolio, (now - step * (count - number)).isoformat(), symbols[number % len(symbols)]
        )
        for number in range(count)
    ]


def _of_person(token: str, portfolio: str, symbols: Sequence[str]) -> list[Request]:
    behaviour = Behaviour()
    writes = round(_TURNS * behaviour.changes_a_day / behaviour.requests_a_day)
    reads: list[Request] = [
        ["GET", V1 + path.format(symbol="T00", id=portfolio), token, None]
        for path, share in behaviour.mix.items()
        for _ in range(round(_TURNS * share))
    ]
    trades = [trade(portfolio, None, symbols[number % len(symbols)]) for number in range(writes)]
    return reads + [["POST", f"{V1}/transactions", token, each] for each in trades]
