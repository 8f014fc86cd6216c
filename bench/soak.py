"""`make soak`: API and worker for half an hour at a constant rate, 60 % of what they can do, and what grew meanwhile.

People ask and trade as those of `bench.mix`, and have a past of as many trades as the capacity model says, so that a day
more hardly adds to what a request has to look at: what becomes slower is the system's doing, not the load's. What API and
worker can do is the rate at which people may ask, whatever comes back, and p99 still is what `bench.mix` allows. The first
fifth warms up and counts for nothing; the second is compared with the last. Limits are those of the issue: memory of our
processes less than 5 %, no connection and no file handle more, p99 less than 20 % slower. PostgreSQL's and Redis' memory is
printed alone, as they fill what they were given; so are pools of connections, which open one more whenever more is asked at
once than ever before; PostgreSQL's close it ten minutes after nobody needs it, and Redis' are one for each thread at most. So
are cores that all else takes: who asks needs the same all the time, so what grows there is another's work, and p99 may be, too.
So are what PostgreSQL does for nobody's request, and what it logs. So is what the disk takes for a commit's few kilobytes: three
of two hundred requests write, and p99 lies among these. `MINUTES=…` shortens it.
"""

import argparse
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import groupby
from typing import TypeVar

import psutil
import psycopg
import redis
from rich.console import Console
from rich.table import Table

from bench import mix
from bench.capacity.assumptions import Behaviour
from bench.hot import model_server, seed
from bench.people import Request, answers, working
from bench.serving import Serving, cpu_seconds
from coinsphere.portfolio import invalidations
from coinsphere.settings import Settings

SHARE = 0.6
_WARM_SECONDS = 10.0
_STEP_SECONDS = 20.0
_STEP = 0.9
_SAMPLE_SECONDS = 5.0
_PARTS = 5
_WAITING = """
    select exists (
        select from jobs.procrastinate_jobs where queue_name = %(queue)s and status in ('todo', 'doing')
    )
"""
Item = TypeVar("Item")
_ELSE = "cores of who asks and all else"
_OWN = "cores of PostgreSQL's upkeep"
_WAL = "select wal_bytes, wal_fpi from pg_stat_wal"
_DISK = "flush of 8 kB, ms"
_POOLS = {"api": "coinsphere", "worker": "coinsphere-worker"}
"""What each process's pool tells PostgreSQL that it is called."""
_CONNECTIONS = """
    select application_name, count(*) from pg_stat_activity where backend_type = 'client backend' group by 1
"""


@dataclass(frozen=True)
class Sample:
    """What stood at an instant, in seconds since the epoch: figures by their names."""

    at: float
    figures: dict[str, float]


@dataclass(frozen=True)
class Verdict:
    """A figure before and after; `most` is by how much of itself it may grow, 0 for what is counted, None for anything."""

    name: str
    before: float
    after: float
    most: float | None

    @property
    def growth(self) -> float:
        """As a share of what was before."""
        return self.after / self.before - 1 if self.before else float(self.after > 0)

    @property
    def holds(self) -> bool:
        """Whether it grew by no more than it may."""
        return self.most is None or self.growth <= self.most


def main() -> int:
    """Run it; exits with 1 where something grew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    minutes = parser.parse_args().minutes
    console = Console()
    with model_server() as ml, working(ML_URL=ml) as (serving, worker):
        seed(serving)
        requests = mix.asked(serving, past=Behaviour().transactions)
        most = _capacity(serving, requests, console)
        console.print(f"{most:.0f} requests/s. {minutes:g} minutes at {SHARE * most:.0f} …")
        with _watching(serving, worker) as samples:
            told = answers(serving, requests, 60 * minutes, mix.PEOPLE, SHARE * most)
    verdicts = judge(samples, told)
    console.print(_table(verdicts))
    console.print("Minute by minute: p99, ms:", *by_minute(told, _when, _p99))
    for name in (_ELSE, _DISK):
        console.print(f"{name}:", *by_minute(samples, lambda each: each.at, _mean(name)))
    console.print(f"{len(told)} answers; a machine of {psutil.cpu_count()} cores")
    return 0 if all(each.holds for each in verdicts) else 1


def _capacity(serving: Serving, requests: Sequence[Request], console: Console) -> float:
    """Requests a second at which p99 is within the goal of `bench.mix`.

    It begins with what people get who wait for each answer, which is more: they ask later where the system is late, and so it
    is busy all the time. Those who do not wait find a queue behind each moment's delay, and it must have time to end.
    """
    with psycopg.connect(serving.superuser_url, autocommit=True) as conn:
        _await_worker(conn)
        conn.execute("vacuum analyze")
    answers(serving, requests, _WARM_SECONDS, mix.PEOPLE, None)
    rate = len(answers(serving, requests, _STEP_SECONDS, mix.PEOPLE, None)) / _STEP_SECONDS
    while True:
        p99 = _p99(answers(serving, requests, _STEP_SECONDS, mix.PEOPLE, rate))
        console.print(f"p99 at {rate:.0f} requests/s: {p99:,.0f} ms")
        if p99 <= mix.P99_MS:
            return rate
        rate *= _STEP


def _await_worker(conn: psycopg.Connection) -> None:
    """Until it has booked and valued all that was written."""
    while conn.execute(_WAITING, {"queue": invalidations.QUEUE}).fetchone() == (True,):
        time.sleep(0.05)


def judge(samples: Sequence[Sample], told: Sequence[Sequence[float]]) -> list[Verdict]:
    """What the second fifth of the time and the last were like.

    Args:
        samples: of the processes, in their order.
        told: of the answers to the load: when each came, in seconds since the epoch, and how long it took in seconds.
    """
    verdicts = []
    # Behind the last answer who asks is gone, and so are their connections: as if nothing had been lost.
    samples = [each for each in samples if each.at <= _when(told[-1])]
    early, late = (_part(samples, part, lambda each: each.at) for part in (1, 4))
    for name in samples[0].figures:
        most = _limit(name)
        # A job at work has a connection of its own; what was lost is there at the quietest moment, too.
        typical = min if most == 0 else statistics.median
        before, after = (typical(each.figures[name] for each in part) for part in (early, late))
        verdicts.append(Verdict(name, before, after, most))
    slow = [_p99(_part(told, part, _when)) for part in (1, 4)]
    return [*verdicts, Verdict("p99, ms", *slow, 0.2)]


def _limit(name: str) -> float | None:
    if name.startswith("memory"):
        return 0.05 if "api" in name or "worker" in name else None
    return None if name.startswith(("pool", "cores", "flush", "WAL", "whole")) else 0.0


def _part(items: Sequence[Item], part: int, at: Callable[[Item], float]) -> list[Item]:
    """The items of one of the five parts of the whole time."""
    began, length = at(items[0]), (at(items[-1]) - at(items[0])) / _PARTS
    return [each for each in items if part <= (at(each) - began) / length <= part + 1]


def by_minute(
    items: Sequence[Item], at: Callable[[Item], float], figure: Callable[[Sequence[Item]], float]
) -> list[str]:
    """A figure of the items of each whole minute since the first."""
    whole = int((at(items[-1]) - at(items[0])) / 60)
    minutes = groupby(items, lambda each: int((at(each) - at(items[0])) / 60))
    return [f"{figure(list(those)):.2f}" for minute, those in minutes if minute < whole]


def _when(answer: Sequence[float]) -> float:
    return answer[0]


def _p99(told: Sequence[Sequence[float]]) -> float:
    return 1000 * statistics.quantiles([seconds for _, seconds in told], n=100)[98]


def _mean(name: str) -> Callable[[Sequence[Sample]], float]:
    return lambda samples: statistics.fmean(each.figures[name] for each in samples)


@contextmanager
def _watching(serving: Serving, worker: int) -> Iterator[list[Sample]]:
    """Samples that come as long as the context lasts."""
    samples: list[Sample] = []
    over = threading.Event()

    pids = _pids(serving, worker)

    def sample() -> None:
        began, before = time.monotonic(), _counters(serving, pids)
        while not over.wait(_SAMPLE_SECONDS):
            now, after = time.monotonic(), _counters(serving, pids)
            rates = {name: (after[name] - before[name]) / (now - began) for name in after}
            samples.append(Sample(time.time(), rates | _figures(serving, pids)))
            began, before = now, after

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield samples
    finally:
        over.set()
        thread.join()


def _pids(serving: Serving, worker: int) -> dict[str, int]:
    return {
        "api": serving.api,
        "worker": worker,
        "postgres": serving.postgres,
        "redis": serving.redis,
    }


def _counters(serving: Serving, pids: Mapping[str, int]) -> dict[str, float]:
    """What only grows: seconds that the cores have worked, for each part and for all else, and what PostgreSQL logged."""
    parts = {f"cores of {name}": cpu_seconds(pid) for name, pid in pids.items()}
    each = psutil.cpu_times()
    worked = sum(each) - each.idle - each.iowait - each.guest - each.guest_nice
    with psycopg.connect(serving.superuser_url) as conn:
        wal, pages = conn.execute(_WAL).fetchone() or (0, 0)
    return {
        **parts,
        _ELSE: worked - sum(parts.values()),
        _OWN: sum(map(_seconds, _upkeep(serving.postgres))),
        "WAL, kB/s": float(wal) / 1000,
        "whole pages in the WAL, 1/s": float(pages),
    }


def _upkeep(postgres: int) -> list[psutil.Process]:
    """PostgreSQL's processes that serve nobody: checkpointer, writers, the launcher of the autovacuum and the like."""
    return [each for each in _tree(postgres)[1:] if not _serves(each)]


def _serves(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        return "127.0.0.1(" in " ".join(process.cmdline())
    return True


def _seconds(process: psutil.Process) -> float:
    with suppress(psutil.NoSuchProcess):
        return sum(process.cpu_times()[:2])
    return 0.0


def _figures(serving: Serving, pids: Mapping[str, int]) -> dict[str, float]:
    trees = {name: _tree(pid) for name, pid in pids.items()}
    memory = {f"memory of {name}, MB": sum(map(_bytes, tree)) / 1e6 for name, tree in trees.items()}
    with psycopg.connect(serving.superuser_url) as conn:
        counts = dict(conn.execute(_CONNECTIONS).fetchall())
    pools = {name: float(counts.pop(called, 0)) for name, called in _POOLS.items()}
    with redis.Redis.from_url(serving.variables["COINSPHERE_REDIS_URL"]) as client:
        asking = float(client.info("clients")["connected_clients"] - 1)
    open_for = {**pools, "api": pools["api"] + asking}
    handles = {
        f"other file handles of {name}": sum(each.num_fds() for each in trees[name]) - count
        for name, count in open_for.items()
    }
    return {
        **memory,
        **{f"pool of {name}": pooled for name, pooled in pools.items()},
        "pool of Redis": asking,
        **handles,
        "other connections of PostgreSQL": float(sum(counts.values())),
        "connections of Redis beyond one a thread": max(0.0, asking - _threads(serving)),
        _DISK: _flushed(),
    }


def _threads(serving: Serving) -> int:
    """How many of the API may ask at once: each keeps the connection that it opened."""
    settings = Settings.from_env(serving.variables)
    return settings.api_workers * settings.api_threads


def _flushed() -> float:
    """Milliseconds until a page is on the disk, as a commit waits for it."""
    with tempfile.TemporaryFile() as file:
        file.write(os.urandom(8192))
        file.flush()
        began = time.perf_counter()
        os.fsync(file.fileno())
        return 1000 * (time.perf_counter() - began)


def _bytes(process: psutil.Process) -> int:
    """Its share of the memory; nothing of a backend that has just ended."""
    with suppress(psutil.NoSuchProcess):
        return int(process.memory_full_info().pss)
    return 0


def _tree(pid: int) -> list[psutil.Process]:
    first = psutil.Process(pid)
    return [first, *first.children(recursive=True)]


def _table(verdicts: Sequence[Verdict]) -> Table:
    table = Table("what", "second fifth", "last fifth", "growth", "at most", "")
    for each in verdicts:
        limit = "" if each.most is None else f"{each.most:.0%}"
        sign = (
            "" if each.most is None else "[green]held[/green]" if each.holds else "[red]grew[/red]"
        )
        table.add_row(
            each.name,
            f"{each.before:,.4g}",
            f"{each.after:,.4g}",
            f"{each.growth:+.1%}",
            limit,
            sign,
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
