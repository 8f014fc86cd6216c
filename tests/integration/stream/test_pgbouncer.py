"""The stream behind PgBouncer in transaction mode, which forgets who listens: it listens past it."""

import asyncio

from pydantic import SecretStr

from coinsphere.stream import feed
from tests.pgbouncer import needs_pgbouncer, pooled

from .conftest import receive, running, say

pytestmark = needs_pgbouncer


def test_it_hears_what_is_new(world, database, monkeypatch) -> None:
    # Who hears nothing reads all the same after a while.
    monkeypatch.setattr(feed, "_QUIET_SECONDS", 3600.0)
    ada = world.account()
    world.quote("100", "BTC")

    async def scenario(prices: list[float]) -> None:
        async with running(world) as stream, stream.client(ada) as client:
            await say(client, "subscribe", symbols=["BTC"])
            prices.append((await receive(client, "price_update"))["price"])
            world.quote("101", "BTC")
            prices.append((await receive(client, "price_update"))["price"])

    with pooled(database.api) as pooler:
        changes = {
            "database_url": SecretStr(pooler.url),
            "api_direct_database_url": SecretStr(database.api),
            "api_prepared_statements": pooler.prepares,
        }
        world.settings = world.settings.model_copy(update=changes)
        prices: list[float] = []
        asyncio.run(scenario(prices))
    assert prices == [100, 101]
