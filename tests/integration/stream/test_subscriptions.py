"""Subscriptions of GraphQL over the stream, by a real client and, where that hides the protocol, by its messages."""

import asyncio
import json
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import psycopg
import pytest
from gql import Client, GraphQLRequest, gql
from gql.transport.exceptions import TransportQueryError
from gql.transport.websockets import WebsocketsTransport
from websockets.exceptions import ConnectionClosed, InvalidStatus

from coinsphere.alerts import evaluation, repository
from coinsphere.alerts.mails import AlertMails
from coinsphere.alerts.repository import NewAlert
from coinsphere.alerts.rules import AlertType, Condition
from coinsphere.flags.client import Flags
from coinsphere.stream import graphql_transport, subscriptions
from coinsphere.stream.hub import QUEUE_MESSAGES
from coinsphere.stream.subscriptions import Asked

from .conftest import receive, running, say

PRICES = (
    "subscription ($symbols: [String!]!) { prices(symbols: $symbols) { symbol price change24h } }"
)
ALERTS = "subscription { fired: alerts { alertId tokenSymbol value } }"
MISSED = (
    "subscription ($since: DateTime) { fired: alerts(since: $since) { alertId tokenSymbol value } }"
)
PROTOCOL = graphql_transport.PROTOCOL


def transport(live, account) -> WebsocketsTransport:
    return WebsocketsTransport(
        url=f"ws://127.0.0.1:{live.port}/api/v1/ws",
        headers={"Authorization": f"Bearer {account.token}"},
        subprotocols=[PROTOCOL],
        connect_args={"proxy": None},
    )


async def first(stream, seconds: float = 30):
    async with asyncio.timeout(seconds):
        return await anext(stream)


@pytest.fixture
def speaking(world):
    """A way to run a conversation by bare messages, begun."""

    def run(talk, account=None) -> None:
        async def converse() -> None:
            someone = account or world.account()
            async with (
                running(world) as live,
                live.client(someone, subprotocols=[PROTOCOL]) as client,
            ):
                assert client.subprotocol == PROTOCOL
                await say(client, "connection_init", payload={})
                await receive(client, "connection_ack")
                await talk(client)

        asyncio.run(converse())

    return run


def subscribe(client, name: str, query: str = PRICES, **variables):
    return say(client, "subscribe", id=name, payload={"query": query, "variables": variables})


async def _read_on(client) -> None:
    async with asyncio.timeout(30):
        while True:
            await client.recv()


async def closed(client) -> int:
    with pytest.raises(ConnectionClosed) as raised:
        await _read_on(client)
    return raised.value.rcvd.code


async def _texts(client) -> list[str]:
    """What comes within a while; empty is good."""
    found: list[str] = []
    with suppress(TimeoutError):
        async with asyncio.timeout(0.5):
            while True:
                found.append(await client.recv())
    return found


def test_a_client_of_graphql_hears_prices_with_every_digit(world):
    account = world.account()
    world.quote("60000.5")

    async def talk() -> None:
        async with running(world) as live, Client(transport=transport(live, account)) as session:
            told = session.subscribe(GraphQLRequest(PRICES, variable_values={"symbols": ["btc"]}))
            # What is known comes at once, what changes as it changes.
            known = {"symbol": "BTC", "price": 60000.5, "change24h": 1.5}
            assert (await first(told))["prices"] == known
            world.quote("60001.000000000000000001", "BTC", "SOL")
            assert (await first(told))["prices"]["price"] == pytest.approx(60001)
            await told.aclose()
            with pytest.raises(TransportQueryError, match="not found: NOSUCH"):
                await first(
                    session.subscribe(
                        GraphQLRequest(PRICES, variable_values={"symbols": ["NOSUCH"]})
                    )
                )
            with pytest.raises(TransportQueryError, match="go by POST"):
                await first(session.subscribe(gql("{ elsewhere }")))

    asyncio.run(talk())


def test_a_firing_reaches_its_owner_alone(world, database):
    ada, ben = world.account(), world.account("ben@example.org")
    world.quote(99)
    wanted = NewAlert(
        AlertType.PRICE, Condition.ABOVE, Decimal(100), token_id=world.token_id("BTC"), cooldown_seconds=0,
        channels=("stream",),
    )  # fmt: skip
    alert = repository.create(world.conn, ada.user_id, wanted).id

    def evaluate() -> int:
        with psycopg.connect(database.pipeline) as conn:
            conn.execute("set search_path = app, market, model, jobs, public")
            mails = AlertMails(Flags("local"), "https://coinsphere.example")
            now = datetime.now(UTC)
            return evaluation.evaluate(conn, now, timedelta(minutes=5), mails).fired

    async def listen() -> None:
        async with (
            running(world) as live,
            live.client(ada, subprotocols=[PROTOCOL]) as hers,
            live.client(ben, subprotocols=[PROTOCOL]) as his,
        ):
            for client in (hers, his):
                await say(client, "connection_init")
                await subscribe(client, "a", ALERTS)
                await say(client, "ping")
                await receive(client, "pong")
            await asyncio.to_thread(evaluate)
            world.quote(101)
            assert await asyncio.to_thread(evaluate) == 1
            fired = {"alertId": str(alert), "tokenSymbol": "BTC", "value": 101}
            assert (await receive(hers, "next"))["payload"] == {"data": {"fired": fired}}
            assert await _texts(his) == []
            # Who was cut off before it fired, and comes back after.
            since = datetime.now(UTC) - timedelta(seconds=30)
            async with live.client(ada, subprotocols=[PROTOCOL]) as late:
                await say(late, "connection_init")
                await subscribe(late, "a", MISSED, since=since.isoformat())
                assert (await receive(late, "next"))["payload"] == {"data": {"fired": fired}}
                await subscribe(late, "b", MISSED, since="2026-01-01T00:00:00")
                (fault,) = (await receive(late, "error"))["payload"]
                assert "time zone" in fault["message"]

    asyncio.run(listen())


def test_a_subscription_ends_when_its_client_has_enough_and_others_go_on(world, speaking):
    world.quote(1, "BTC", "ETH")

    async def talk(client) -> None:
        await subscribe(client, "one", symbols=["BTC"])
        await subscribe(client, "two", symbols=["BTC", "ETH"])
        await subscribe(client, "three", symbols=["ETH"])
        await receive(client, "next")
        await say(client, "complete", id="one")
        await say(client, "complete", id="never begun")
        await say(client, "ping")
        await receive(client, "pong")
        world.quote("2.000000000000000001")
        async with asyncio.timeout(30):
            text = await client.recv()
        assert '"price":2.000000000000000001' in text
        message = json.loads(text)
        assert (message["type"], message["id"]) == ("next", "two")
        await say(client, "ping")
        assert json.loads(await client.recv())["type"] == "pong", (
            "nothing for who wants another symbol"
        )
        await say(client, "complete", id="two")
        await say(client, "ping")
        await receive(client, "pong")
        world.quote(3)
        assert await _texts(client) == []

    speaking(talk)


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        (["{"], 4400),
        (['{"type": "start"}'], 4400),
        (['{"type": "connection_init"}'], 4429),
        (
            [
                '{"type": "subscribe", "id": "a", "payload": {"query": "subscription { alerts { id } }"}}'
            ]
            * 2,
            4409,
        ),
    ],
)
def test_who_breaks_the_protocol_is_closed_by_its_code(speaking, messages, code):
    async def talk(client) -> None:
        for message in messages:
            await client.send(message)
        assert await closed(client) == code

    speaking(talk)


def test_who_does_not_begin_or_is_nobody_hears_nothing(world, monkeypatch):
    account = world.account()
    monkeypatch.setattr("coinsphere.stream.server.INIT_SECONDS", 0.2)

    async def try_all() -> None:
        async with running(world) as live:
            async with live.client(account, subprotocols=[PROTOCOL]) as client:
                await subscribe(client, "a", symbols=["BTC"])
                assert await closed(client) == 4401
            async with live.client(account, subprotocols=[PROTOCOL]) as client:
                assert await closed(client) == 4408
            with pytest.raises(InvalidStatus) as refused:
                async with live.client(subprotocols=[PROTOCOL]):
                    pass
            assert refused.value.response.status_code == 401
            # The session's end ends the subscription, as it ends the stream's other conversations.
            async with live.client(account, subprotocols=[PROTOCOL]) as client:
                await say(client, "connection_init")
                await receive(client, "connection_ack")
                world.conn.execute(
                    "update app.sessions set revoked_at = now(), revoke_reason = 'logout' where id = %s",
                    [account.session_id],
                )
                assert await closed(client) == 4401

    asyncio.run(try_all())


def test_subscriptions_and_their_documents_have_limits(world, speaking):
    world.quote(1)

    async def talk(client) -> None:
        many = " ".join(f"a{n}: price" for n in range(100))
        await subscribe(client, "long", f'subscription {{ prices(symbols: ["BTC"]) {{ {many} }} }}')
        assert "tokens" in (await receive(client, "error"))["payload"][0]["message"]
        for n in range(graphql_transport.MOST + 1):
            await subscribe(client, str(n), symbols=["BTC"])
        error = await receive(client, "error")
        assert error["id"] == str(graphql_transport.MOST)

    speaking(talk)


def test_a_slow_client_gets_the_newest_price_and_not_all(world):
    """What waits for a client that does not read is one message a symbol, whatever comes."""
    ends = (lambda: pytest.fail("dropped"), lambda: None)
    client = graphql_transport.SubscribingClient(uuid4(), uuid4(), *ends)
    client.subscriptions["a"] = subscriptions.check(Asked(PRICES, variables={"symbols": ["BTC"]}))
    for price in range(QUEUE_MESSAGES * 2):
        client.offer(f'{{"type":"price_update","symbol":"BTC","price":{price}}}', "price BTC")
    client.offer('{"type":"portfolio_update","name":"not asked for"}')
    assert client.waiting == 1
    (frame,) = client.frames(*client.take())
    assert json.loads(frame)["payload"]["data"]["prices"]["price"] == QUEUE_MESSAGES * 2 - 1
