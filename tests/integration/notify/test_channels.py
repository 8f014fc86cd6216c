"""Channels on a real database, by the worker's own process, to receivers that check what they get and misbehave."""

import json
import threading
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import psycopg
import pytest

from coinsphere.alerts import repository as alerts
from coinsphere.alerts.repository import NewAlert
from coinsphere.alerts.rules import AlertType, Condition
from coinsphere.notify import mail
from coinsphere.notify.channels import kinds, outbox, push, repository
from coinsphere.notify.channels.delivery import Courier
from coinsphere.notify.channels.hours import Habits
from coinsphere.notify.channels.posting import NotReached, Poster
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


@pytest.fixture
def courier(database, keys):
    """The worker's part in its own role, at a time that a test sets."""
    with ExitStack() as stack:
        conn = stack.enter_context(psycopg.connect(database.worker, autocommit=True))
        conn.execute("set search_path = app, market, model, jobs, public")
        poster = stack.enter_context(Poster(is_private_allowed=True, seconds=2))
        now = [NOW]
        yield Courier(conn, keys, poster.post, lambda: now[0]), now


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
    world, keys, receiving, courier
):
    work, now = courier
    mine = hook(world, keys, receiving)
    receiving.answers["hook"] = (503, {"Retry-After": "7200"})
    for title in ("one", "two"):
        say(world, mine, title)
    assert work.deliver(mine) == 0
    assert len(receiving.of("hook")) == 1, "the second is not tried while the receiver is away"
    now[0] += timedelta(minutes=119)
    assert outbox.wake_due(world.conn, now[0]) == 0
    assert work.deliver(mine) == 0
    now[0] += timedelta(minutes=1)
    receiving.answers.clear()
    assert outbox.wake_due(world.conn, now[0]) == 1
    assert work.deliver(mine) == 2
    ids = [each.headers["webhook-id"] for each in receiving.of("hook")]
    assert ids[0] in ids[1:]
    assert len(set(ids)) == 2
    stored = repository.get(world.conn, mine)
    assert (stored.failures, stored.failing_since, stored.last_error) == (0, None, None)


def test_three_days_without_an_answer_switch_a_channel_off_and_its_owner_is_told(
    world, keys, receiving, courier
):
    work, now = courier
    mine = hook(world, keys, receiving)
    receiving.answers["hook"] = (500, {})
    say(world, mine)
    while (stored := repository.get(world.conn, mine)).status == "active":
        now[0] = stored.retry_at or now[0]
        say(world, mine, now=now[0])
        work.deliver(mine)
    assert now[0] - NOW == timedelta(minutes=4536)
    assert set(states(world, mine)) == {"given_up"}
    (told,) = mail.newest(world.conn)
    assert "my webhook" in told.subject
    assert "500" in told.text
    tried = len(receiving.of("hook"))
    receiving.answers.clear()
    assert work.deliver(mine) == 0
    assert len(receiving.of("hook")) == tried
    repository.change(world.conn, stored, name="again", habits=Habits(), is_active=True)
    say(world, mine, now=now[0])
    assert work.deliver(mine) == 1


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
    world, keys, receiving, courier, answer, left
):
    mine = hook(world, keys, receiving)
    receiving.answers["hook"] = answer
    say(world, mine)
    assert courier[0].deliver(mine) == 0
    assert (*states(world, mine), repository.get(world.conn, mine).status) == left
    assert receiving.taken.keys() == {"hook"}


def test_what_hangs_byte_by_byte_is_cut_off_and_a_message_is_no_more_than_late(
    world, keys, receiving, courier
):
    mine = hook(world, keys, receiving, "hang")
    say(world, mine)
    assert courier[0].deliver(mine) == 0
    assert repository.get(world.conn, mine).last_error == "no answer within 2 seconds"
    assert states(world, mine) == ["waiting"]


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "169.254.169.254", "10.0.0.1", "::1", "100.64.0.1"]
)
def test_a_name_that_leads_to_a_private_address_is_not_asked(address):
    outgoing = Outgoing("https://hooks.example/x", b"{}", {})
    with (
        Poster(is_private_allowed=False, resolve=lambda *_: ["93.184.216.34", address]) as poster,
        pytest.raises(NotReached, match="private network"),
    ):
        poster.post(outgoing)


def test_a_name_is_resolved_once_and_its_checked_address_is_connected_to(receiving):
    port = receiving.url.rpartition(":")[2]
    answers = iter((["127.0.0.1"], ["127.0.0.99"]))
    with Poster(is_private_allowed=True, resolve=lambda *_: next(answers)) as poster:
        url = f"http://hooks.example:{port}/slack/x"
        assert poster.post(Outgoing(url, b'{"text": "x"}', {})).status == 200
        assert receiving.of("slack")[0].headers["host"] == f"hooks.example:{port}"


def test_a_digest_comes_as_one_and_keeps_its_id_while_more_is_collected(
    world, keys, receiving, courier
):
    work, now = courier
    mine = hook(world, keys, receiving, habits=Habits(digest_minutes=60))
    for minute in (0, 20, 40):
        say(world, mine, f"at {minute}", NOW + timedelta(minutes=minute))
    assert work.deliver(mine) == 0
    now[0] = NOW + timedelta(minutes=60)
    receiving.answers["hook"] = (500, {})
    assert work.deliver(mine) == 0
    receiving.answers.clear()
    say(world, mine, "later", NOW + timedelta(minutes=61))
    now[0] = NOW + timedelta(minutes=62)
    assert work.deliver(mine) == 1
    first, again = receiving.of("hook")
    assert first.headers["webhook-id"] == again.headers["webhook-id"]
    assert first.body == again.body
    assert again.body["type"] == "alerts.digest"
    assert len(again.body["data"]["messages"]) == 3
    assert sorted(states(world, mine)) == ["delivered"] * 3 + ["waiting"]


def test_quiet_hours_hold_an_alert_back_and_the_minutes_tick_lets_it_go(
    world, keys, receiving, courier
):
    work, now = courier
    night = Habits(NOW.time(), (NOW + timedelta(hours=8)).time())
    mine = hook(world, keys, receiving, habits=night)
    alert = NewAlert(
        AlertType.PRICE, Condition.ABOVE, Decimal(100), token_id=world.token(), channel_ids=(mine,)
    )
    alerts.create(world.conn, world.user, alert)
    assert world.fired(101) == [1]
    (waiting,) = outbox.newest(world.conn, world.user, mine)
    assert waiting.due_at == NOW + timedelta(hours=8)
    assert work.deliver(mine) == 0
    now[0] = NOW + timedelta(hours=8)
    assert outbox.wake_due(world.conn, now[0]) == 1
    assert work.deliver(mine) == 1
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
    assert repository.receiver(world.conn, keys, stored).secret == WEBHOOK_SECRET


def test_two_workers_never_deliver_to_one_channel_at_once(world, keys, receiving):
    """Ten alerts of one channel are one job that waits, and one that runs."""
    mine = hook(world, keys, receiving)
    threads = [threading.Thread(target=say, args=(world, mine)) for _ in range(10)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    waiting = "select count(*), min(lock) from jobs.procrastinate_jobs where status = 'todo'"
    assert world.conn.execute(waiting).fetchone() == (1, f"channel {mine}")
    assert len(states(world, mine)) == 10


def test_a_browser_that_subscribed_is_told_and_forgotten_when_it_ended(
    world, keys, receiving, courier
):
    """Its push service keeps what came as bytes; the browser's half of the keys opens it."""
    work, _ = courier
    browser = Browser()
    subscription = browser.subscription(f"{receiving.url}/push/1")
    key = push.sender_key(keys.active.secret, world.user)
    mine = channel(world, keys, "web_push", key=key, contact="mailto:a@example.com", **subscription)
    say(world, mine, "BTC: price is 1 USD")
    assert work.deliver(mine) == 1
    (taken,) = receiving.of("push")
    assert json.loads(browser.opened(taken.body))["title"] == "BTC: price is 1 USD"
    assert taken.headers["content-encoding"] == "aes128gcm"
    receiving.answers["push"] = (410, {})
    say(world, mine, "two")
    say(world, mine, "three")
    assert work.deliver(mine) == 0
    assert len(receiving.of("push")) == 2, "nobody is asked again who is gone"
    assert set(states(world, mine)) == {"delivered", "given_up"}
    assert repository.get(world.conn, mine).status == "disabled"


def test_messages_go_out_in_their_order_and_none_after_the_channel_is_switched_off(
    world, keys, receiving, courier
):
    """They are read together and noted one by one: what is switched off meanwhile sends no more."""
    work, _ = courier
    mine = hook(world, keys, receiving)
    for number in range(5):
        say(world, mine, f"{number}", NOW - timedelta(minutes=9 - number))
    stored = repository.get(world.conn, mine)
    posted: list[str] = []

    def post(outgoing: Outgoing):
        posted.append(json.loads(outgoing.content)["timestamp"])
        if len(posted) == 3:
            repository.change(world.conn, stored, name="off", habits=Habits(), is_active=False)
        return work.post(outgoing)

    assert replace(work, post=post).deliver(mine) == 3
    assert posted == sorted(posted)
    assert len(receiving.of("hook")) == 3
    assert sorted(states(world, mine)) == ["delivered"] * 3 + ["waiting"] * 2


def test_what_fails_in_the_midst_is_noted_beside_what_was_taken_before_it(
    world, keys, receiving, courier
):
    work, _ = courier
    mine = hook(world, keys, receiving)
    for number in range(3):
        say(world, mine, f"{number}", NOW - timedelta(minutes=9 - number))

    def post(outgoing: Outgoing):
        if receiving.of("hook"):
            receiving.answers["hook"] = (503, {})
        return work.post(outgoing)

    assert replace(work, post=post).deliver(mine) == 1
    stored = repository.get(world.conn, mine)
    assert (stored.failures, stored.last_delivered_at) == (1, NOW)
    assert sorted(states(world, mine)) == ["delivered", "waiting", "waiting"]
    assert len(receiving.of("hook")) == 2, "the third is not tried while the receiver is away"
