"""Connections that are held for long: one that is kept between questions, and one that listens."""

import asyncio

import psycopg
import pytest
from psycopg import waiting

from coinsphere.db.kept import KeptConnection
from coinsphere.db.listening import ListeningConnection
from tests.integration.outage import away


def _backend(kept: KeptConnection) -> int:
    with kept.use() as conn:
        return conn.info.backend_pid if conn.execute("select 1") else 0


def test_it_stays_open_and_is_opened_anew_after_an_error(postgres, database) -> None:
    kept = KeptConnection(database.api)
    first = _backend(kept)
    assert _backend(kept) == first
    with away(postgres, database.name):
        pass
    with pytest.raises(psycopg.OperationalError):
        _backend(kept)
    assert _backend(kept) != first
    kept.close()


def test_who_listens_sleeps_until_something_comes(database, monkeypatch) -> None:
    intervals = []
    wait = waiting.wait_async

    async def noted(*given, interval=0.0, **options):
        intervals.append(interval)
        return await wait(*given, interval=interval, **options)

    async def heard() -> list[str]:
        conn = await ListeningConnection.connect(database.api, autocommit=True)
        async with conn, await ListeningConnection.connect(database.api) as other:
            await conn.execute("listen something")
            await other.execute("notify something, 'new'")
            commit = asyncio.create_task(other.commit())
            news = [each.payload async for each in conn.notifies(timeout=60, stop_after=1)]
            await commit
            return news

    monkeypatch.setattr(waiting, "wait_async", noted)
    assert asyncio.run(heard()) == ["new"]
    assert min(intervals) >= 10
