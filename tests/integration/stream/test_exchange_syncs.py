"""A sync of an exchange account on the stream: each step once, to its owner only."""

import asyncio

from tests.integration.stream.conftest import receive, running, say


def test_a_sync_is_told_step_by_step_to_its_owner_only(world):
    ada, eve = world.account(), world.account("eve@example.org")
    (connection,) = world.conn.execute(
        "insert into app.exchange_connections (user_id, exchange, credentials) values (%s, 'kraken', 'x') returning id",
        [ada.user_id],
    ).fetchone()
    (sync,) = world.conn.execute(
        "insert into app.exchange_syncs (user_id, connection_id) values (%s, %s) returning id",
        [ada.user_id, connection],
    ).fetchone()

    def step(status: str, imported: int) -> None:
        world.conn.execute(
            "update app.exchange_syncs set status = %s, imported = %s", [status, imported]
        )
        world.conn.execute("notify coinsphere, 'exchanges'")

    async def watch() -> None:
        async with running(world) as live, live.client(ada) as mine, live.client(eve) as hers:
            await receive(hers, "connected")
            step("running", 50)
            told = await receive(mine, "exchange_sync")
            assert (told["jobId"], told["status"], told["imported"]) == (str(sync), "running", 50)
            assert told["exchange"] == "kraken"
            world.conn.execute("notify coinsphere, 'exchanges'")
            step("succeeded", 70)
            last = await receive(mine, "exchange_sync")
            assert (last["status"], last["imported"]) == ("succeeded", 70)
            await say(hers, "ping")
            assert (await receive(hers, "pong"))["type"] == "pong"

    asyncio.run(watch())
