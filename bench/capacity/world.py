"""A crowd of one size on a system of its own, and all that is measured of it."""

import shutil
import time
from collections.abc import Callable
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


def measure(crowd: Crowd, requests: int) -> dict[str, Any]:
    """All figures of a crowd, as `bench/capacity/results.json` keeps them."""
    with model_server("BTC") as ml, served(ML_URL=ml) as serving:
        filled = _timed(f"{crowd.users:,} users", lambda: _fill(serving, crowd))
        database = _timed("tables", lambda: jobs.tables(serving))
        return {
            "fill_s": filled,
            "tables": database,
            "routes": _timed("routes", lambda: reads.measure(serving, crowd.users, requests)),
            "stream": _timed("stream", lambda: stream.measure(serving, crowd.users)),
            "valuation": _timed(
                "valuation", lambda: jobs.valuation(serving, crowd, datetime.now(UTC))
            ),
            "alerts": _timed("alerts", lambda: jobs.alerts(serving, crowd, datetime.now(UTC))),
        }


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
