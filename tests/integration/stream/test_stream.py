"""The stream on a real database, spoken to by a real WebSocket client."""

import asyncio
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import httpx2
import psycopg
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from coinsphere.accounts import opaque_tokens
from coinsphere.alerts import evaluation, repository
from coinsphere.alerts.mails import AlertMails
from coinsphere.alerts.repository import NewAlert
from coinsphere.alerts.rules import AlertType, Condition
from coinsphere.flags.client import Flags
from coinsphere.stream import feed
from coinsphere.stream.hub import CONNECTIONS_OF_A_USER
from coinsphere.stream.server import MAX_MESSAGE_BYTES, MESSAGES_A_MINUTE
from tests.integration.outage import away

from .conftest import receive, running, say

# A symbol that a token gave up has no prices.
ACTIVE = "select symbol from market.tokens where is_active"


def _evaluate(database) -> int:
    with psycopg.connect(database.pipeline) as conn:
        conn.execute("set search_path = app, market, model, jobs, public")
        return evaluation.evaluate(
            conn,
            datetime.now(UTC),
            timedelta(minutes=5),
            AlertMails(Flags("local"), "https://coinsphere.example"),
        ).fired


def _alert(world, account, **options):
    new = NewAlert(
        AlertType.PRICE,
        Condition.ABOVE,
        Decimal(100),
        token_id=world.token_id("BTC"),
        cooldown_seconds=0,
        **options,
    )
    return repository.create(world.conn, account.user_id, new).id


async def _nothing(client, seconds: float = 1.0) -> list[str]:
    """What comes within a while; empty is good."""
    found = []
    try:
        async with asyncio.timeout(seconds):
            while True:
                found.append(json.loads(await client.recv())["type"])
    except TimeoutError:
        return found


def test_a_conversation(world):
    account = world.account()
    world.quote("60000.5")

    async def talk() -> None:
        async with running(world) as live, live.client(account) as client:
            assert (await receive(client, "connected"))["timestamp"].endswith("Z")
            # Held by each of thousands, and read by nobody.
            (connection,) = live.stream._connections.values()
            assert not connection.request.headers
            await say(client, "ping")
            await receive(client, "pong")
            await say(client, "subscribe", symbols=["btc", "ETH", "NOSUCH"])
            assert (await receive(client, "subscribed"))["symbols"] == ["BTC", "ETH"]
            error = await receive(client, "error")
            assert (error["code"], error["symbols"]) == ("unknown_symbol", ["NOSUCH"])
            # What is known comes at once, what changes as it changes.
            assert (await receive(client, "price_update"))["price"] == 60000.5
            world.quote("60001.000000000000000001", "BTC", "SOL")
            async with asyncio.timeout(30):
                text = await client.recv()
            assert '"symbol":"BTC"' in text
            assert '"price":60001.000000000000000001' in text
            await say(client, "unsubscribe", symbols=["BTC", "SOL"])
            assert (await receive(client, "unsubscribed"))["symbols"] == ["BTC"]
            world.quote(1)
            assert await _nothing(client) == []
            await client.send("no json")
            assert (await receive(client, "error"))["code"] == "bad_message"

    asyncio.run(talk())


def test_of_two_tokens_with_one_symbol_the_larger_is_meant(world):
    account = world.account()
    world.quote(60_000)
    world.conn.execute("update market.quotes set market_cap = 1000000")
    world.conn.execute("""
        with other as (
            insert into market.tokens (symbol, name, blockchain) values ('BTC', 'Other', 'Nowhere') returning id
        )
        insert into market.quotes (token_id, price, market_cap, source, observed_at)
        select id, 1, 5, 'kraken', now() from other
    """)

    async def ask() -> None:
        async with running(world) as live, live.client(account) as client:
            await say(client, "subscribe", symbols=["BTC"])
            assert (await receive(client, "price_update"))["price"] == 60_000

    asyncio.run(ask())


def test_the_token_comes_in_a_header_or_a_subprotocol_and_never_in_the_query(world):
    account = world.account()

    async def knock() -> None:
        async with running(world) as live:
            token = f"token.{account.token}"
            async with live.client(subprotocols=["coinsphere.v1", token]) as client:
                assert client.subprotocol == "coinsphere.v1"
            async with live.client(subprotocols=[token]) as client:
                assert client.subprotocol == token
            for path in (f"/api/v1/ws?token={account.token}", "/api/v1/ws?access_token="):
                assert await _refusal(live.client(account, path=path)) == 401

    asyncio.run(knock())


def test_a_pages_cookie_counts_from_its_own_origin_alone(world):
    account = world.account()
    secret = opaque_tokens.new()
    world.conn.execute(
        "update app.sessions set cookie_hash = %s where id = %s",
        [opaque_tokens.digest(secret), account.session_id],
    )

    async def knock() -> None:
        async with running(world) as live:
            own = f"http://127.0.0.1:{live.port}"
            jar = {"Cookie": f"theme=dark; __Host-session={secret}; other"}
            async with live.client(headers=jar, origin=own) as client:
                await receive(client, "connected")
            foreign = [
                None, "null", "https://evil.example.org", f"https://127.0.0.1:{live.port}", "http://127.0.0.1",
                "http://127.0.0.1:3000", f"http://127.0.0.1:{live.port}.evil.example.org",
                # Scripts of these may call with a token of theirs; a cookie they may not use.
                "https://app.example.org", world.settings.pages_url,
            ]  # fmt: skip
            for origin in foreign:
                assert await _refusal(live.client(headers=jar, origin=origin)) == 403, origin
            for wrong in (f"{secret}x", "", "x" * 200, f"{secret}; __Host-session={secret}"):
                cookie = {"Cookie": f"__Host-session={wrong}"}
                assert await _refusal(live.client(headers=cookie, origin=own)) == 401, wrong
            # A page of ours that shows a token of an origin that is not allowed is refused as before.
            assert await _refusal(live.client(account, origin="http://127.0.0.1:3000")) == 403
            world.conn.execute("update app.users set is_active = false")
            assert await _refusal(live.client(headers=jar, origin=own)) == 401

    asyncio.run(knock())


async def _refusal(connecting) -> int:
    with pytest.raises(InvalidStatus) as refused:
        async with connecting:
            pass
    response = refused.value.response
    body = json.loads(response.body)
    assert response.headers["Content-Type"] == "application/problem+json"
    assert body["status"] == response.status_code
    assert body["error"] == body["detail"]
    return response.status_code


def test_who_has_no_business_here_is_refused_before_the_connection_opens(world):
    account, ended, disabled = (world.account(f"{name}@example.org") for name in "abc")
    world.conn.execute(
        "update app.sessions set revoked_at = now(), revoke_reason = 'logout' where id = %s",
        [ended.session_id],
    )
    world.conn.execute("update app.users set is_active = false where id = %s", [disabled.user_id])

    async def knock() -> None:
        async with running(world) as live:
            assert await _refusal(live.client()) == 401
            assert await _refusal(live.client(headers={"Authorization": "Bearer x.y.z"})) == 401
            assert await _refusal(live.client(ended)) == 401
            assert await _refusal(live.client(disabled)) == 401
            assert await _refusal(live.client(account, path="/nowhere")) == 404
            assert await _refusal(live.client(account, origin="https://evil.example.org")) == 403
            async with live.client(account, origin="https://app.example.org") as client:
                await receive(client, "connected")

    asyncio.run(knock())


def test_what_is_no_websocket_is_refused_in_the_shape_of_the_api(world):
    account = world.account()
    headers = {"Authorization": f"Bearer {account.token}"}

    async def ask() -> None:
        async with (
            running(world) as live,
            httpx2.AsyncClient(trust_env=False, timeout=60) as client,
        ):
            url = f"http://127.0.0.1:{live.port}/api/v1/ws"
            plain = await client.get(url, headers=headers)
            assert (plain.status_code, plain.headers["Upgrade"]) == (426, "websocket")
            broken = {
                "Connection": "Upgrade",
                "Upgrade": "websocket",
                "Sec-WebSocket-Version": "13",
            }
            keyless = await client.get(url, headers={**headers, **broken})
            assert keyless.status_code == 400
            long = await client.get(f"{url}?{'x' * 10_000}", headers=headers)
            assert long.status_code == 414
            many = await client.get(url, headers={f"X-{n}": "1" for n in range(300)})
            wide = await client.get(url, headers={"X-Wide": "x" * 10_000})
            assert {many.status_code, wide.status_code} == {431}
            for answer in (plain, keyless, long, many, wide):
                assert answer.headers["Content-Type"] == "application/problem+json"
                assert answer.headers["Connection"] == "close"
                assert answer.json()["status"] == answer.status_code
                assert answer.json()["error"] == answer.json()["detail"]
                assert "websocket" in answer.json()["error"].lower()

    asyncio.run(ask())


def test_who_says_nothing_is_counted_by_address_and_leaves_room_for_others(world):
    """Those who are known are bounded by user instead, and are not counted here."""
    settings = world.settings.model_copy(update={"api_connections_per_address": 3})
    account = world.account()

    async def crowd() -> None:
        async with running(replace(world, settings=settings)) as live:
            opened = [await live.client(account).__aenter__() for _ in range(4)]
            silent = [await asyncio.open_connection("127.0.0.1", live.port) for _ in range(3)]
            with pytest.raises(InvalidStatus) as refused:
                await live.client(account).__aenter__()
            assert refused.value.response.status_code == 429
            reader, writer = await asyncio.open_connection("127.0.0.1", live.port)
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 429 ")
            assert b"application/problem+json" in head
            assert json.loads(body)["status"] == 429
            writer.close()
            for _, each in silent:
                each.close()
            async with asyncio.timeout(60):
                while not await _is_let_in(live, account):  # noqa: ASYNC110 - nothing tells when the server has noticed
                    await asyncio.sleep(0.1)
            for client in opened:
                await say(client, "ping")
                await receive(client, "pong")
                await client.close()

    asyncio.run(crowd())


async def _is_let_in(live, account) -> bool:
    try:
        async with live.client(account):
            return True
    except InvalidStatus:
        return False


def test_a_firing_reaches_its_owner_once_and_only_by_the_channel_chosen(world, database):
    ada, eve = world.account(), world.account("eve@example.org")
    alert = _alert(world, ada, channels=("stream",))
    _alert(world, ada, channels=("email",))
    _alert(world, eve, channels=("email",))
    world.quote(99)

    async def watch() -> None:
        async with running(world) as live, live.client(ada) as mine, live.client(eve) as hers:
            await receive(hers, "connected")
            _evaluate(database)
            world.quote(101)
            assert _evaluate(database) == 3
            message = await receive(mine, "alert")
            assert message["alertId"] == str(alert)
            assert (message["value"], message["threshold"]) == (101, 100)
            assert (message["source"], message["tokenSymbol"]) == ("kraken", "BTC")
            world.conn.execute("notify coinsphere, 'alerts'")
            assert "alert" not in await _nothing(mine)
            assert await _nothing(hers, 0.1) == []

    asyncio.run(watch())


def test_a_portfolio_follows_prices_and_holdings_and_reaches_its_owner_only(world):
    ada, eve = world.account(), world.account("eve@example.org")
    (portfolio,) = world.conn.execute(
        "insert into app.portfolios (user_id, name) values (%s, 'Mine') returning id", [ada.user_id]
    ).fetchone()

    def hold(symbol: str, amount: int) -> None:
        world.conn.execute(
            "insert into app.holdings (portfolio_id, token_id, amount) values (%s, %s, %s)",
            [portfolio, world.token_id(symbol), amount],
        )

    async def watch() -> None:
        async with running(world) as live, live.client(ada) as mine, live.client(eve) as hers:
            await receive(hers, "connected")
            hold("BTC", 2)
            first = await receive(mine, "portfolio_update")
            assert (first["portfolioId"], first["totalValue"]) == (str(portfolio), None)
            assert first["unpriced"] == ["BTC"]
            world.quote(100)
            assert (await receive(mine, "portfolio_update"))["totalValue"] == 200
            hold("ETH", 1)
            last = await receive(mine, "portfolio_update")
            assert (last["totalValue"], last["unpriced"]) == (200, ["ETH"])
            world.conn.execute("update market.tokens set is_active = false where symbol = 'BTC'")
            world.quote(100)
            left = await receive(mine, "portfolio_update")
            assert (left["totalValue"], left["stale"]) == (None, ["BTC"])
            assert await _nothing(hers, 0.2) == []

    asyncio.run(watch())


@pytest.mark.parametrize(
    "end",
    [
        "update app.sessions set revoked_at = now(), revoke_reason = 'logout' where user_id = %s",
        "update app.users set is_active = false where id = %s",
        "delete from app.users where id = %s",
    ],
)
def test_who_logs_out_or_is_disabled_is_closed_at_once_and_others_stay(world, end):
    """The database tells: the look-up by the clock, which is for sessions that run out, is far away."""
    ada, eve = world.account(), world.account("eve@example.org")

    async def watch() -> None:
        async with (
            running(world, recheck_seconds=3600) as live,
            live.client(ada) as mine,
            live.client(eve) as hers,
        ):
            await receive(mine, "connected")
            world.conn.execute(end, [ada.user_id])
            with pytest.raises(ConnectionClosed) as closed:
                await receive(mine, "nothing")
            assert closed.value.rcvd.code == 4401
            await say(hers, "ping")
            await receive(hers, "pong")

    asyncio.run(watch())


def test_what_happens_while_the_database_is_away_is_told_once_it_is_back(world, database, postgres):
    account = world.account()
    _alert(world, account, channels=("stream",))
    world.quote(99)
    world.conn.close()

    async def watch() -> None:
        async with running(world, recheck_seconds=0.2) as live, live.client(account) as client:
            await say(client, "subscribe", symbols=["BTC"])
            await receive(client, "price_update")
            with away(postgres, database.name):
                assert await _refusal(live.client(account)) == 503
                await say(client, "ping")
                await receive(client, "pong")
            with psycopg.connect(database.owner) as world.conn:
                world.quote(101)
            assert _evaluate(database) == 1
            assert (await receive(client, "price_update"))["price"] == 101
            assert (await receive(client, "alert"))["value"] == 101

    asyncio.run(watch())


def test_limits_on_connections_size_and_rate(world):
    account, other = world.account(), world.account("eve@example.org")

    async def push() -> None:
        async with running(world) as live:
            clients = [
                await live.client(account).__aenter__() for _ in range(CONNECTIONS_OF_A_USER)
            ]
            assert await _refusal(live.client(account)) == 429
            await clients[0].close()
            async with live.client(account) as again:
                await receive(again, "connected")
            await clients[1].send("x" * (MAX_MESSAGE_BYTES + 1))
            assert await _close_code(clients[1]) == 1009
            async with live.client(other) as client:
                for _ in range(MESSAGES_A_MINUTE + 1):
                    await say(client, "ping")
                assert await _close_code(client) == 4429
            for each in clients:
                await each.close()

    asyncio.run(push())


async def _close_code(client) -> int:
    with pytest.raises(ConnectionClosed) as closed:
        await receive(client, "nothing")
    return closed.value.rcvd.code


def test_a_client_that_reads_nothing_is_dropped_and_holds_up_nobody(world):
    stuck, other = world.account(), world.account("eve@example.org")

    async def flood() -> None:
        async with running(world) as live, live.client(other) as reader:
            slow = await live.client(stuck, max_queue=1).__aenter__()
            slow.transport.pause_reading()
            hub, sent = live.stream.hub, 0
            while stuck.user_id in hub.users:
                assert sent < 3000, "it was not dropped"
                hub.to_user(stuck.user_id, json.dumps({"type": "x", "text": "x" * 60_000}))
                sent += 1
                await asyncio.sleep(0)
            hub.to_user(other.user_id, json.dumps({"type": "still here"}))
            await receive(reader, "still here")
            slow.transport.abort()

    asyncio.run(flood())


def test_who_was_away_hears_their_own_alerts_again(world, database):
    ada, eve = world.account(), world.account("eve@example.org")
    mine = _alert(world, ada, channels=("stream",))
    _alert(world, ada, channels=("email",))
    _alert(world, eve, channels=("stream",))
    world.quote(99)
    _evaluate(database)
    world.quote(101)
    assert _evaluate(database) == 3
    since = datetime.now(UTC)

    async def come_back() -> None:
        async with running(world) as live, live.client(ada) as client:
            await say(client, "resume", since=since.isoformat())
            assert (await receive(client, "alert"))["alertId"] == str(mine)
            answer = await receive(client, "resumed")
            assert answer["alerts"] == 1
            # An alert is stored some time after it fired.
            assert datetime.fromisoformat(answer["since"]) < since
            for long_ago in (
                "2020-01-01T00:00:00Z",
                "0001-01-01T00:00:00Z",
                "0001-01-01T00:00:00+14:00",
            ):
                await say(client, "resume", since=long_ago)
                answer = await receive(client, "resumed")
                assert datetime.fromisoformat(answer["since"]) > since - 2 * feed.REPLAYED
            await say(client, "resume", since="2026-01-01T00:00:00")
            assert (await receive(client, "error"))["code"] == "bad_message"

    asyncio.run(come_back())


def test_of_more_alerts_than_are_sent_again_the_newest_are(world, database, monkeypatch):
    account = world.account()
    for _ in range(3):
        _alert(world, account, channels=("stream",))
    world.quote(99)
    _evaluate(database)
    world.quote(101)
    assert _evaluate(database) == 3
    monkeypatch.setattr(feed, "MOST_REPLAYED", 2)

    async def come_back() -> None:
        async with running(world) as live, live.client(account) as client:
            await say(client, "resume", since=datetime.now(UTC).isoformat())
            oldest = (await receive(client, "alert"))["timestamp"]
            answer = await receive(client, "resumed")
            assert (answer["since"], answer["alerts"]) == (oldest, 2)

    asyncio.run(come_back())


def test_a_burst_beyond_the_queue_drops_nobody_who_reads(world, database):
    account = world.account()
    alerts = {str(_alert(world, account, channels=("stream",))) for _ in range(300)}
    symbols = [symbol for (symbol,) in world.conn.execute(ACTIVE)]
    world.quote(99, *symbols)

    async def burst() -> None:
        async with running(world) as live, live.client(account) as client:
            for _ in range(20):
                await say(client, "subscribe", symbols=symbols)
            answered, said = 0, set()
            while answered < 20 or said != set(symbols):
                message = json.loads(await client.recv())
                answered += message["type"] == "subscribed"
                said |= {message["symbol"]} if message["type"] == "price_update" else set()
            world.quote(101)
            assert _evaluate(database) == 300
            assert {(await receive(client, "alert"))["alertId"] for _ in alerts} == alerts

    asyncio.run(burst())


def test_two_hundred_clients_get_every_price(world):
    accounts = [world.account(f"{number}@example.org") for number in range(40)]
    symbols = [symbol for (symbol,) in world.conn.execute(ACTIVE)]

    async def follow(live, account) -> int:
        async with live.client(account) as client:
            await say(client, "subscribe", symbols=symbols)
            await receive(client, "subscribed")
            ready.release()
            for _ in symbols:
                await receive(client, "price_update", 60)
            return len(symbols)

    async def crowd() -> None:
        # In a group one that does not get in ends the wait for the others.
        async with running(world) as live, asyncio.TaskGroup() as group:
            tasks = [
                group.create_task(follow(live, account))
                for account in accounts
                for _ in range(CONNECTIONS_OF_A_USER)
            ]
            for _ in tasks:
                await ready.acquire()
            world.quote(5, *symbols)
        assert sum(task.result() for task in tasks) == 200 * 31

    ready = asyncio.Semaphore(0)
    asyncio.run(crowd())
