"""A hundred people who ask 500 times a second, whatever comes back: how long answers take that people wait for.

What they ask, and how often they write, is what the capacity model takes for granted (`bench/capacity/assumptions.py`): three
of two hundred requests are a purchase of today, which the worker books meanwhile. An answer that is no success breaks it.
"""

import random
import statistics
from datetime import UTC, datetime

import httpx2
import psycopg

from bench.capacity.assumptions import Behaviour
from bench.hot import model_server, seed
from bench.measure import Measure
from bench.people import V1, Request, answers, made, register, trade, working
from bench.serving import Serving, cpu_seconds

PEOPLE = 100
RATE = 500
SECONDS = 300.0
_WARM_SECONDS = 10.0
_TURNS = 200
"""Requests of each person, of which shares of a hundredth are whole numbers."""
_TOKENS = 5


def run() -> list[Measure]:
    """Mean and p99 of five minutes, and what a request costs."""
    with model_server() as ml, working(ML_URL=ml) as (serving, worker):
        seed(serving)
        requests = _requests(serving)
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
        Measure(f"{label} p99", statistics.quantiles(taken, n=100)[98], "ms", 100),
        Measure(f"{label} CPU of all server parts", 1000 * cpu / len(told), "ms"),
    ]


def _requests(serving: Serving) -> list[Request]:
    requests: list[Request] = []
    with httpx2.Client(base_url=serving.url + V1, timeout=60) as client:
        for number in range(PEOPLE):
            token, portfolio = register(client, number)
            for place in range(_TOKENS):
                holding = {"tokenSymbol": f"T{(number + place) % 31:02}", "amount": 1}
                made(client, f"/portfolios/{portfolio}/holdings", holding)
            requests += _of_person(token, portfolio)
    random.Random(1).shuffle(requests)
    return requests


def _of_person(token: str, portfolio: str) -> list[Request]:
    behaviour, now = Behaviour(), datetime.now(UTC).isoformat()
    writes = round(_TURNS * behaviour.changes_a_day / behaviour.requests_a_day)
    reads: list[Request] = [
        ["GET", V1 + path.format(symbol="T00", id=portfolio), token, None]
        for path, share in behaviour.mix.items()
        for _ in range(round(_TURNS * share))
    ]
    return reads + writes * [["POST", f"{V1}/transactions", token, trade(portfolio, now)]]
