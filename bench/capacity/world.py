"""Crowds of different sizes, each on a system of its own beside the others, and all that is measured of them."""

import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import psycopg
from rich.console import Console

from bench.capacity import jobs, made_up_users, reads, stream
from bench.capacity.made_up_users import Crowd
from bench.hot import add_indicators, model_server
from bench.serving import Serving, served
from coinsphere.db import seeds

_SAY = Console().print


def measure(crowds: Sequence[Crowd], requests: int) -> list[dict[str, Any]]:
    """All figures of each crowd, as `bench/capacity/results.json` keeps them. Only reads are asked of all in turns."""
    with ExitStack() as stack:
        ml = stack.enter_context(model_server("BTC"))
        systems = [(stack.enter_context(served(ML_URL=ml)), crowd) for crowd in crowds]
        filled = [_filled(serving, crowd) for serving, crowd in systems]
        asked = [(serving, crowd.users) for serving, crowd in systems]
        routes = _timed("routes", lambda: reads.measure(asked, requests))
        return [
            {**before, "routes": costs, **_alone(serving, crowd)}
            for (serving, crowd), before, costs in zip(systems, filled, routes, strict=True)
        ]


def _alone(serving: Serving, crowd: Crowd) -> dict[str, Any]:
    return {
        "stream": _timed("stream", lambda: stream.measure(serving, crowd.users)),
        "valuation": _timed("valuation", lambda: jobs.valuation(serving, crowd, datetime.now(UTC))),
        "alerts": _timed("alerts", lambda: jobs.alerts(serving, crowd, datetime.now(UTC))),
    }


def _filled(serving: Serving, crowd: Crowd) -> dict[str, Any]:
    return {
        "fill_s": _timed(f"{crowd.users:,} users", lambda: _fill(serving, crowd)),
        "tables": _timed("tables", lambda: jobs.tables(serving)),
        "shared_buffers": _shared_buffers(serving),
    }


def _shared_buffers(serving: Serving) -> str:
    with psycopg.connect(serving.superuser_url) as conn:
        row: Any = conn.execute("show shared_buffers").fetchone()
    return str(row[0])


def _fill(serving: Serving, crowd: Crowd) -> float:
    """Seconds that it took."""
    began, now = time.perf_counter(), datetime.now(UTC)
    with psycopg.connect(serving.database_url, autocommit=True) as conn:
        seeds.apply(conn)
        add_indicators(conn)
    with made_up_users.connect(serving.superuser_url) as conn:
        made_up_users.prepare(conn, now)
        made_up_users.fill(conn, crowd, now)
    return time.perf_counter() - began


def _timed(what: str, act: Callable[[], Any]) -> Any:
    began = time.perf_counter()
    _SAY(f"{what} …", end=" ")
    done = act()
    free = shutil.disk_usage("/tmp").free / 1e9
    _SAY(f"{time.perf_counter() - began:.0f} s, {free:.0f} GB free")
    return done
