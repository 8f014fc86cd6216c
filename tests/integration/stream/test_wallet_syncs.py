"""A sync of a wallet on the stream: each step and the result once, to its owner only, by the code that does the sync."""

import asyncio
import threading

import psycopg
import pytest

from coinsphere.chains.blockchains import Blockchain
from coinsphere.chains.nodes import Nodes
from coinsphere.clock import utc_now
from coinsphere.errors import Unavailable
from coinsphere.wallets import repository, sync
from coinsphere.wallets.repository import NewWallet
from tests.fakes.evm import world as chains
from tests.fakes.evm.chain import NodeServer, served
from tests.integration.stream.conftest import receive, running, say
from tests.integration.wallets.conftest import node_settings

UNREADABLE = "Ethereum cannot be read at the moment. It is tried again by itself within the hour."


@pytest.fixture
def node():
    """A node of a chain on which the wallet uses everything, that answers only while it is let."""
    with served(NodeServer(chains.build())) as server:
        yield server


@pytest.fixture
def worker(database):
    """A connection of the worker's role, as it opens them itself."""
    options = "-c search_path=app,market,model,jobs,public"
    with psycopg.connect(database.worker, autocommit=True, options=options) as conn:
        yield conn


def test_a_sync_is_told_step_by_step_with_its_result_to_its_owner_only(
    world, node: NodeServer, worker: psycopg.Connection
) -> None:
    ada, eve = world.account(), world.account("eve@example.org")
    new = NewWallet(chains.OWNER, Blockchain.ETHEREUM)
    wallet = repository.connect(world.conn, ada.user_id, new)
    job = sync.request(worker, wallet.user_id, wallet.id)
    let = threading.Event()
    reply = node.reply

    def held(body: bytes) -> tuple[int, bytes]:
        assert let.wait(60)
        return reply(body)

    node.reply = held  # type: ignore[method-assign]

    def work(*, is_last_try: bool = True) -> None:
        with Nodes(node_settings(f"ethereum={node.url}")) as nodes:
            sync.run(worker, job, nodes, utc_now, is_last_try=is_last_try)

    async def watch() -> None:
        async with running(world) as live, live.client(ada) as mine, live.client(eve) as hers:
            await receive(hers, "connected")
            # A first try that fails says so, and the next one goes on.
            node.faults = [(500, b"oops")]
            let.set()
            with pytest.raises(Unavailable):
                await asyncio.to_thread(work, is_last_try=False)
            let.clear()
            while (told := await receive(mine, "wallet_sync"))["error"] is None:
                pass
            assert (told["status"], told["error"]) == ("running", UNREADABLE)
            doing = asyncio.create_task(asyncio.to_thread(work))
            while (told := await receive(mine, "wallet_sync"))["step"] != "reading":
                pass
            assert (told["jobId"], told["status"], told["balances"]) == (str(job), "running", None)
            let.set()
            await doing
            while (told := await receive(mine, "wallet_sync"))["status"] != "succeeded":
                assert told["step"] in ("reading", "storing")
            assert (told["step"], told["balances"], told["error"]) == (None, 2, None)
            assert told["positions"] > 20
            assert (told["walletId"], told["blockchain"]) == (str(wallet.id), "ethereum")
            await say(hers, "ping")
            assert (await receive(hers, "pong"))["type"] == "pong"

    asyncio.run(watch())
