"""Channels on a real database, by the worker's own process, to receivers that check what they get and misbehave."""

import asyncio
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import psycopg
import pytest

from coinsphere.alerts import repository as alerts
from coinsphere.alerts.repository import NewAlert
from coinsphere.alerts.rules import AlertType, Condition
from coinsphere.network import outbound
from coinsphere.notify import mail
from coinsphere.notify.channels import kinds, outbox, push, repository
from coinsphere.notify.channels.delivery import SIDE_BY_SIDE, Books, Courier
from coinsphere.notify.channels.hours import Habits
from coinsphere.notify.channels.posting import AT_ONE_HOST, NotReached, Poster
from coinsphere.notify.channels.receiver import Message, Outgoing
from coinsphere.security import envelope, sealed_columns
from coinsphere.security.symmetric_keys import SymmetricKeys
from tests.fakes import receivers
from tests.fakes.receivers import BOT, WEBHOOK_SECRET, Receivers
from tests.integration.alerts.conftest import World, add_user
from tests.integration.jobs.test_worker import _worker, until
from tests.unit.notify.test_push import Browser

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.fixture
def world(owner) -> World:
    return World(owner, add_user(owner))


@pytest.fixture
def receiving():
    with receivers.serving() as served:
        yield served


@pytest.fixture
def keys(tmp_path) -> SymmetricKeys:
    return SymmetricKeys(tmp_path / "encryption-keys")


def channel(world: World, keys, kind: str, habits: Habits | None = None, **fields: str) -> UUID:
    to = kinds.make(kind, fields, is_private_allowed=True)
    made = repository.create(
        world.conn, keys, world.user, kind=kind, name=f"my {kind}", receiver=to, habits=habits
    )
    return made.id


def hook(world: World, keys, served: Receivers, path: str = "hook", **options) -> UUID:
    return channel(
        world, keys, "webhook", url=f"{served.url}/{path}", secret=WEBHOOK_SECRET, **options
    )


def say(world: World, channel_id: UUID, title: str = "hello", now: datetime = NOW) -> None:
    told = repository.get(world.conn, channel_id)
    outbox.write(
        world.conn, [(told, Message(uuid4(), "test", now, title, "text", "{}"), None)], now
    )


def states(world: World, channel_id: UUID) -> list[str]:
    return [each.status for each in outbox.newest(world.conn, world.user, channel_id)]


@dataclass
class Work:
    """The worker's part in its own role, at a time that a test sets; `post` stands between where a test wants it."""

    conn: psycopg.Connection
    keys: SymmetricKeys
    now: datetime = NOW
    post: Callable[[Outgoing], None] = lambda _: None
    seconds: float = 2

    def deliver(self) -> int:
        return asyncio.run(self._deliver())

    async def _deliver(self) -> int:
        async with Poster(
            is_private_allowed=True, connections=SIDE_BY_SIDE, seconds=self.seconds
        ) as poster:

            async def post(outgoing: Outgoing):
                self.post(outgoing)
                return await poster.post(outgoing)

            return await Courier(Books(self.conn, lambda: self.now), self.keys, post).deliver()


@pytest.fixture
def work(database, keys):
    with psycopg.connect(database.worker, autocommit=True) as conn:
        conn.execute("set search_path = app, market, model, jobs, public")
        yield Work(conn, keys)


def test_an_alert_that_fires_reaches_each_kind_of_channel_though_one_of_them_hangs(
    world, keys, receiving, database, tmp_path
):
    made = {
        "hang": hook(world, keys, receiving, "hang"),
        "hook": hook(world, keys, receiving),
        f"bot{BOT}": channel(
            world, keys, "telegram", token=BOT, chat_id="-1001", server=receiving.url
        ),
        "discord": channel(world, keys, "discord", url=f"{receiving.url}/discord/1/x"),
        "slack": channel(world, keys, "slack", url=f"{receiving.url}/slack/x"),
        "ntfy": channel(world, keys, "ntfy", topic="mine", token="tk_x", server=receiving.url),
    }
    unchosen = hook(world, keys, receiving, "unchosen")
    alert = world.alert("above", channels=(), channel_ids=tuple(made.values()))
    assert set(alerts.get(world.conn, world.user, alert).channel_ids) == set(made.values())
    with _worker(database, tmp_path, COINSPHERE_CHANNEL_PRIVATE_NETWORKS="true"):
        with world.conn.transaction(force_rollback=True):
            assert world.fired("100.5") == [1]
        assert world.fired("101.250000000000000001") == [1]
        until(lambda: made.keys() <= receiving.taken.keys(), 120)
        settled = set(made) - {"hang"}
        until(lambda: all(states(world, made[each]) == ["delivered"] for each in settled), 120)
    assert "unchosen" not in receiving.taken
    assert states(world, unchosen) == []
    (signed,) = receiving.of("hook")
    assert signed.body["type"] == "alert.fired"
    assert signed.body["data"]["alertId"] == str(alert)
    (event,) = alerts.events(world.conn, world.user, alert)
    assert signed.body["data"]["id"] == str(event.id)
    told = {
        "bot": receiving.of(f"bot{BOT}")[0].body["text"],
        "discord": receiving.of("discord")[0].body["content"],
        "slack": receiving.of("slack")[0].body["text"],
        "ntfy": receiving.of("ntfy")[0].body["title"] + receiving.of("ntfy")[0].body["message"],
    }
    for text in told.values():
        assert "BTC: price is 101.25 USD" in text
        assert "Threshold: above 100 USD" in text
    assert receiving.of(f"bot{BOT}")[0].body["chat_id"] == "-1001"
    assert receiving.of("ntfy")[0].headers["authorization"] == "Bearer tk_x"
    assert world.scalar("select count(*) from app.mails") == 0
    # A firing that was rolled back told nobody.
    assert all(len(receiving.of(each)) == 1 for each in settled)


def test_a_receiver_that_fails_is_tried_later_with_the_same_id_and_its_others_wait(
    world, keys, receiving, work
):
    mine = hook(world, keys, receiving)
    receiving.answers["hook"] = (503, {"Retry-After": "7200"})
    for title in ("one", "two"):
        say(world, mine, title)
    assert work.deliver() == 0
    assert len(receiving.of("hook")) == 1, "the second is not tried while the receiver is away"
    work.now += timedelta(minutes=119)
    assert not outbox.wake_due(world.conn, work.now)
    assert work.deliver() == 0
    work.now += timedelta(minutes=1)
    receiving.answers.clear()
    assert outbox.wake_due(world.conn, work.now)
    assert work.deliver() == 2
    ids = [each.headers["webhook-id"] for each in receiving.of("hook")]
    assert ids[0] in ids[1:]
    assert len(set(ids)) == 2
    stored = repository.get(world.conn, mine)
    assert (stored.failures, stored.failing_since, stored.last_error) == (0, None, None)


def test_three_days_without_an_answer_switch_a_channel_off_and_its_owner_is_told(
    world, keys, receiving, work
):
    mine = hook(world, keys, receiving)
    receiving.answers["hook"] = (500, {})
    say(world, mine)
    while (stored := repository.get(world.conn, mine)).status == "active":
        work.now = stored.retry_at or work.now
        say(world, mine, now=work.now)
        work.deliver()
    assert work.now - NOW == timedelta(minutes=4536)
    assert set(states(world, mine)) == {"given_up"}
    (told,) = mail.newest(world.conn)
    assert "my webhook" in told.subject
    assert "500" in told.text
    tried = len(receiving.of("hook"))
    receiving.answers.clear()
    assert work.deliver() == 0
    assert len(receiving.of("hook")) == tried
    repository.change(world.conn, stored, name="again", habits=Habits(), is_active=True)
    say(world, mine, now=work.now)
    assert work.deliver() == 1


@pytest.mark.parametrize(
    ("answer", "left"),
    [
        ((410, {}), ("given_up", "disabled")),
        ((400, {}), ("waiting", "active")),
        ((302, {"Location": "http://127.0.0.1:1/"}), ("waiting", "active")),
        ((307, {"Location": "/elsewhere"}), ("waiting", "active")),
    ],
)
def test_what_is_gone_is_switched_off_and_a_redirect_is_followed_nowhere(  # noqa: PLR0917  fixtures
    world, keys, receiving, work, answer, left
):
    mine = hook(world, keys, receiving)
    receiving.answers["hook"] = answer
    say(world, mine)
    assert work.deliver() == 0
    assert (*states(world, mine), repository.get(world.conn, mine).status) == left
    assert receiving.taken.keys() == {"hook"}


def test_what_hangs_byte_by_byte_is_cut_off_and_a_message_is_no_more_than_late(
    world, keys, receiving, work
):
    mine = hook(world, keys, receiving, "hang")
    say(world, mine)
    assert work.deliver() == 0
    assert repository.get(world.conn, mine).last_error == "no answer within 2 seconds"
    assert states(world, mine) == ["waiting"]


def posted(*outgoing: Outgoing, resolve: outbound.Resolve, is_private_allowed: bool = True):
    """The answers to requests that are sent one after another."""

    async def ask():
        async with Poster(
            is_private_allowed=is_private_allowed, connections=2, resolve=resolve
        ) as poster:
            return [await poster.post(each) for each in outgoing]

    return asyncio.run(ask())


def test_a_host_gets_no_more_requests_at_once_than_is_polite():
    inside, most = 0, 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal inside, most
        await reader.readuntil(b"\r\n\r\n")
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0.1)
        inside -= 1
        writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")
        writer.close()

    async def ask() -> list[int]:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        outgoing = Outgoing(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/x", b"", {})
        async with server, Poster(is_private_allowed=True, connections=SIDE_BY_SIDE) as poster:
            answers = await asyncio.gather(*(poster.post(outgoing) for _ in range(3 * AT_ONE_HOST)))
        return [each.status for each in answers]

    assert asyncio.run(ask()) == [204] * (3 * AT_ONE_HOST)
    assert most == AT_ONE_HOST


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "169.254.169.254", "10.0.0.1", "::1", "100.64.0.1"]
)
def test_a_name_that_leads_to_a_private_address_is_not_asked(address):
    outgoing = Outgoing("https://hooks.example/x", b"{}", {})
    with pytest.raises(NotReached, match="private network"):
        posted(outgoing, resolve=lambda *_: ["93.184.216.34", address], is_private_allowed=False)


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "2130706433", "localhost"])
def test_an_address_of_ours_that_is_written_out_is_not_asked(host):
    outgoing = Outgoing(f"https://{host}/x", b"{}", {})
    with pytest.raises(NotReached, match="private network"):
        posted(outgoing, resolve=outbound.addresses, is_private_allowed=False)


def test_a_name_is_resolved_once_and_its_checked_address_is_connected_to_and_kept(receiving):
    port = receiving.url.rpartition(":")[2]
    answers = iter((["127.0.0.1"], ["127.0.0.99"]))
    outgoing = Outgoing(f"http://hooks.example:{port}/slack/x", b'{"text": "x"}', {})
    taken = posted(outgoing, outgoing, resolve=lambda *_: next(answers))
    assert [each.status for each in taken] == [200, 200]
    assert {each.headers["host"] for each in receiving.of("slack")} == {f"hooks.example:{port}"}
    assert next(answers) == ["127.0.0.99"], "the second went over the first one's connection"


def test_a_kept_connection_serves_the_name_alone_that_it_was_made_for(receiving):
    """Another name is asked for anew, though it leads to the same address."""
    port = receiving.url.rpartition(":")[2]
    asked: list[str] = []

    def resolve(host: str, _: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    names = ("one.example", "two.example", "one.example")
    posted(
        *(Outgoing(f"http://{name}:{port}/slack/x", b'{"text": "x"}', {}) for name in names),
        resolve=resolve,
    )
    assert asked == ["one.example", "two.example"]


def test_a_digest_comes_as_one_and_keeps_its_id_while_more_is_collected(
    world, keys, receiving, work
):
    mine = hook(world, keys, receiving, habits=Habits(digest_minutes=60))
    for minute in (0, 20, 40):
        say(world, mine, f"at {minute}", NOW + timedelta(minutes=minute))
    assert work.deliver() == 0
    work.now = NOW + timedelta(minutes=60)
    receiving.answers["hook"] = (500, {})
    assert work.deliver() == 0
    receiving.answers.clear()
    say(world, mine, "later", NOW + timedelta(minutes=61))
    work.now = NOW + timedelta(minutes=62)
    assert work.deliver() == 1
    first, again = receiving.of("hook")
    assert first.headers["webhook-id"] == again.headers["webhook-id"]
    assert first.body == again.body
    assert again.body["type"] == "alerts.digest"
    assert len(again.body["data"]["messages"]) == 3
    assert sorted(states(world, mine)) == ["delivered"] * 3 + ["waiting"]


def test_quiet_hours_hold_an_alert_back_and_the_minutes_tick_lets_it_go(
    world, keys, receiving, work
):
    night = Habits(NOW.time(), (NOW + timedelta(hours=8)).time())
    mine = hook(world, keys, receiving, habits=night)
    alert = NewAlert(
        AlertType.PRICE, Condition.ABOVE, Decimal(100), token_id=world.token(), channel_ids=(mine,)
    )
    alerts.create(world.conn, world.user, alert)
    assert world.fired(101) == [1]
    (waiting,) = outbox.newest(world.conn, world.user, mine)
    assert waiting.due_at == NOW + timedelta(hours=8)
    assert work.deliver() == 0
    work.now = NOW + timedelta(hours=8)
    assert outbox.wake_due(world.conn, work.now)
    assert work.deliver() == 1
    jobs = "select count(*) from jobs.procrastinate_jobs where task_name = 'deliver_messages'"
    assert world.scalar(jobs) == 1


def test_a_receiver_opens_in_its_own_row_alone_and_moves_to_a_new_key(world, keys, receiving):
    mine, other = hook(world, keys, receiving), hook(world, keys, receiving, "other")
    stored = repository.get(world.conn, mine)
    sealed = world.conn.execute("select app.sealed_channel_receiver(%s)", [mine]).fetchone()[0]
    assert WEBHOOK_SECRET.encode() not in sealed
    with pytest.raises(envelope.SealBroken):
        envelope.open_(keys, sealed, sealed_columns.channel_receiver(world.user, other))
    before = keys.active.kid
    keys.add()
    assert sum(sealed_columns.rewrap(world.conn, keys)) == 2
    assert sealed_columns.in_use(world.conn, before) == 0
    sealed = world.conn.execute("select app.sealed_channel_receiver(%s)", [mine]).fetchone()[0]
    assert repository.receiver(keys, stored, sealed).secret == WEBHOOK_SECRET


def test_ten_alerts_at_once_are_one_job_that_waits(world, keys, receiving):
    mine = hook(world, keys, receiving)
    threads = [threading.Thread(target=say, args=(world, mine)) for _ in range(10)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    waiting = "select count(*), min(lock) from jobs.procrastinate_jobs where status = 'todo'"
    assert world.conn.execute(waiting).fetchone() == (1, None)
    assert len(states(world, mine)) == 10


def test_two_workers_never_deliver_to_one_channel_at_once(world, keys, receiving, work, database):
    """What another has claimed is left to it; who died is replaced once its claim is over."""
    mine, other = hook(world, keys, receiving), hook(world, keys, receiving)
    say(world, mine, "mine")
    with psycopg.connect(database.worker, autocommit=True) as dead:
        assert [each.id for each in outbox.claim(dead, NOW, 100)] == [mine]
    say(world, other, "other")
    assert work.deliver() == 1
    assert (states(world, mine), states(world, other)) == (["waiting"], ["delivered"])
    assert not outbox.wake_due(world.conn, NOW)
    work.now += timedelta(minutes=2)
    assert outbox.wake_due(world.conn, work.now)
    assert work.deliver() == 1
    left = "select count(*) from app.alert_channels where claimed_until is not null"
    assert world.scalar(left) == 0


def test_many_channels_are_served_side_by_side_though_one_hangs_and_one_does_not_open(
    world, keys, receiving, work
):
    """Thirty of one host, a message to each."""
    hang = hook(world, keys, receiving, "hang")
    closed = hook(world, keys, receiving, "closed")
    world.conn.execute("update app.alert_channels set receiver = 'x' where id = %s", [closed])
    users = [add_user(world.conn, f"{number}@example.org") for number in range(3)]
    many = [hook(replace(world, user=user), keys, receiving) for user in users for _ in range(10)]
    for each in (hang, closed, *many):
        say(world, each)
    assert work.deliver() == len(many)
    assert len({each.headers["webhook-id"] for each in receiving.of("hook")}) == len(many)
    assert states(world, hang) == states(world, closed) == ["waiting"]
    assert repository.get(world.conn, closed).last_error == "it cannot be read"


def test_what_nobody_thought_of_in_one_channel_ends_no_others(world, keys, receiving, work):
    odd, other = hook(world, keys, receiving, "odd"), hook(world, keys, receiving)

    def post(outgoing: Outgoing) -> None:
        if outgoing.url.endswith("odd"):
            raise ValueError(outgoing.url)

    work.post = post
    for each in (odd, other):
        say(world, each)
    assert work.deliver() == 1
    assert (states(world, odd), states(world, other)) == (["waiting"], ["delivered"])
    channel = repository.get(world.conn, odd)
    assert (channel.failures, channel.last_error) == (1, "it cannot be served")


def test_a_message_to_a_channel_that_rests_waits_until_it_is_tried_again(
    world, keys, receiving, work
):
    mine = hook(world, keys, receiving)
    receiving.answers["hook"] = (503, {})
    say(world, mine, "one", NOW - timedelta(minutes=2))
    say(world, mine, "two")
    assert work.deliver() == 0
    say(world, mine, "three")
    told = outbox.newest(world.conn, world.user, mine)
    assert {each.due_at for each in told} == {NOW + timedelta(minutes=1)}


def test_a_browser_that_subscribed_is_told_and_forgotten_when_it_ended(
    world, keys, receiving, work
):
    """Its push service keeps what came as bytes; the browser's half of the keys opens it."""
    browser = Browser()
    subscription = browser.subscription(f"{receiving.url}/push/1")
    key = push.sender_key(keys.active.secret, world.user)
    mine = channel(world, keys, "web_push", key=key, contact="mailto:a@example.com", **subscription)
    say(world, mine, "BTC: price is 1 USD")
    assert work.deliver() == 1
    (taken,) = receiving.of("push")
    assert json.loads(browser.opened(taken.body))["title"] == "BTC: price is 1 USD"
    assert taken.headers["content-encoding"] == "aes128gcm"
    receiving.answers["push"] = (410, {})
    say(world, mine, "two")
    say(world, mine, "three")
    assert work.deliver() == 0
    assert len(receiving.of("push")) == 2, "nobody is asked again who is gone"
    assert set(states(world, mine)) == {"delivered", "given_up"}
    assert repository.get(world.conn, mine).status == "disabled"


def test_messages_go_out_in_their_order_and_none_after_the_channel_is_switched_off(
    world, keys, receiving, work
):
    """They are read together and noted one by one: what is switched off meanwhile sends no more."""
    mine = hook(world, keys, receiving)
    for number in range(5):
        say(world, mine, f"{number}", NOW - timedelta(minutes=9 - number))
    stored = repository.get(world.conn, mine)
    times: list[str] = []

    def post(outgoing: Outgoing) -> None:
        times.append(json.loads(outgoing.content)["timestamp"])
        if len(times) == 3:
            repository.change(world.conn, stored, name="off", habits=Habits(), is_active=False)

    work.post = post
    assert work.deliver() == 3
    assert times == sorted(times)
    assert len(receiving.of("hook")) == 3
    assert sorted(states(world, mine)) == ["delivered"] * 3 + ["waiting"] * 2


def test_what_fails_in_the_midst_is_noted_beside_what_was_taken_before_it(
    world, keys, receiving, work
):
    mine = hook(world, keys, receiving)
    for number in range(3):
        say(world, mine, f"{number}", NOW - timedelta(minutes=9 - number))

    def post(_: Outgoing) -> None:
        if receiving.of("hook"):
            receiving.answers["hook"] = (503, {})

    work.post = post
    assert work.deliver() == 1
    stored = repository.get(world.conn, mine)
    assert (stored.failures, stored.last_delivered_at) == (1, NOW)
    assert sorted(states(world, mine)) == ["delivered", "waiting", "waiting"]
    assert len(receiving.of("hook")) == 2, "the third is not tried while the receiver is away"
