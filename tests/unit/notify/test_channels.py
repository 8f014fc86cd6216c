"""Channels without a network: what is sent, when it is tried again, when it is due, what is refused from the start."""

import json
from dataclasses import asdict
from datetime import UTC, datetime, time, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coinsphere.notify.channels import hours, kinds, receiver, webhooks
from coinsphere.notify.channels.chats import Discord, Ntfy, Slack, Telegram
from coinsphere.notify.channels.hours import Habits
from coinsphere.notify.channels.receiver import Answer, Message, ReceiverFault, Verdict
from coinsphere.notify.channels.retries import GIVEN_UP, Health, Trial, judged
from coinsphere.notify.channels.webhooks import Webhook

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BOT = "123456:AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-bc"
MESSAGE = Message(
    UUID(int=7),
    "alert.fired",
    NOW,
    "BTC: price is 1 USD",
    "a\nb",
    '{"value":0.1234567890123456789}',
)


def test_the_signature_is_that_of_the_specifications_example():
    signed = webhooks.signature(
        SECRET, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
    )
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_webhook_keeps_its_id_and_every_digit_and_takes_the_time_of_the_attempt():
    hook = Webhook("https://example.org/hook", SECRET)
    first, second = (hook.request(MESSAGE, NOW + timedelta(hours=late)) for late in (0, 5))
    assert first.content == second.content
    assert b'"value":0.1234567890123456789' in first.content
    assert json.loads(first.content)["timestamp"] == "2026-03-10T12:00:00Z"
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == str(UUID(int=7))
    late = int((NOW + timedelta(hours=5)).timestamp())
    assert second.headers["webhook-timestamp"] == str(late)
    assert second.headers["webhook-signature"] == webhooks.signature(
        SECRET, str(UUID(int=7)), late, second.content
    )


def test_what_a_user_calls_a_portfolio_mentions_nobody_and_is_no_markup():
    message = Message(UUID(int=1), "t", NOW, "@everyone <!channel> & *x*", "y" * 9000, "{}")
    discord = json.loads(
        Discord("https://discord.com/api/webhooks/1/x").request(message, NOW).content
    )
    assert discord["allowed_mentions"] == {"parse": []}
    assert len(discord["content"]) == 2000
    slack = json.loads(Slack("https://hooks.slack.com/services/x").request(message, NOW).content)
    assert "<!channel>" not in slack["text"]
    assert "&lt;!channel&gt; &amp; *x*" in slack["text"]
    telegram = json.loads(Telegram(BOT, "-1001").request(message, NOW).content)
    assert len(telegram["text"]) == 4096
    assert "parse_mode" not in telegram
    ntfy = Ntfy("topic", token="tk_x").request(message, NOW)
    assert ntfy.url == "https://ntfy.sh"
    assert ntfy.headers["authorization"] == "Bearer tk_x"


@pytest.mark.parametrize(
    ("kind", "given", "field"),
    [
        ("webhook", {"secret": SECRET}, "url"),
        ("webhook", {"url": "http://example.org", "secret": SECRET}, "url"),
        ("webhook", {"url": "https://example.org:8443", "secret": SECRET}, "url"),
        ("webhook", {"url": "https://user:pass@example.org", "secret": SECRET}, "url"),
        ("webhook", {"url": "https://example.org/\r\nHost: x", "secret": SECRET}, "url"),
        ("webhook", {"url": "https://example.org:99999", "secret": SECRET}, "url"),
        ("webhook", {"url": "file:///etc/passwd", "secret": SECRET}, "url"),
        ("webhook", {"url": "https://[::1", "secret": SECRET}, "url"),
        ("webhook", {"url": "https://example.org", "secret": "whsec_c2hvcnQ="}, "secret"),
        ("webhook", {"url": "https://example.org", "secret": SECRET, "topic": "x"}, "topic"),
        ("telegram", {"token": "1/../x", "chat_id": "1"}, "token"),
        ("telegram", {"token": BOT, "chat_id": "1; x"}, "chatId"),
        ("telegram", {"token": BOT}, "chatId"),
        ("ntfy", {"topic": "a/b"}, "topic"),
        ("ntfy", {"topic": "a", "token": "a\nb"}, "token"),
        ("slack", {"url": "https:///x"}, "url"),
    ],
)
def test_a_receiver_that_cannot_be_right_is_refused_by_its_field(kind, given, field):
    with pytest.raises(ReceiverFault) as caught:
        kinds.make(kind, given, is_private_allowed=False)
    assert caught.value.field == field


def test_what_is_stored_of_a_receiver_makes_it_again_and_its_hint_holds_no_secret():
    for kind, fields in (
        ("webhook", {"url": "https://example.org/very/secret", "secret": SECRET}),
        ("telegram", {"token": BOT, "chat_id": "@mine"}),
        ("discord", {"url": "https://discord.com/api/webhooks/1/secret"}),
        ("slack", {"url": "https://hooks.slack.com/services/secret"}),
        ("ntfy", {"topic": "secret", "token": "tk_secret"}),
    ):
        made = kinds.make(kind, fields, is_private_allowed=False)
        assert kinds.unpack(kind, kinds.pack(made)) == made
        assert asdict(made).items() >= fields.items()
        assert not any(part in made.hint for part in ("secret", BOT, SECRET))


@pytest.mark.parametrize(
    ("status", "verdict"),
    [(200, "taken"), (204, "taken"), (301, "refused"), (307, "refused"), (400, "refused"), (408, "away"), (410, "gone"),
     (429, "away"), (500, "away"), (503, "away")],
)  # fmt: skip
def test_an_answer_means_one_thing(status, verdict):
    hook = Webhook("https://example.org", SECRET)
    assert receiver.verdict(hook, Answer(status)) is Verdict(verdict)


def _life(verdict: Verdict) -> tuple[Health, list[timedelta]]:
    """A message's attempts after it was written, all judged alike."""
    health, trial, now, at = Health(), Trial(NOW), NOW, []
    while not (health.is_over or trial.is_over):
        at.append(now - NOW)
        health, trial = judged(health, trial, verdict, now)
        now = max(trial.due_at or now, health.retry_at or now)
    return health, at


def test_a_receiver_that_is_away_is_tried_for_three_days_and_then_switched_off():
    health, at = _life(Verdict.AWAY)
    minutes = [round(each.total_seconds() / 60) for each in at]
    assert minutes == [0, 1, 6, 36, 156, 456, 1056, 1896, 3096, 4536]
    assert at[-2] < GIVEN_UP <= at[-1]
    assert health.is_over


def test_what_is_gone_is_switched_off_at_once():
    health, at = _life(Verdict.GONE)
    assert (health.is_over, len(at)) == (True, 1)


def test_a_message_that_is_refused_does_not_hold_up_others_nor_end_a_channel_that_takes_them():
    poison, health, now = Trial(NOW), Health(), NOW
    while not poison.is_over:
        health, poison = judged(health, poison, Verdict.REFUSED, now)
        assert health.retry_at is None, "the others are sent meanwhile"
        health, other = judged(health, Trial(now), Verdict.TAKEN, now)
        assert (health, other.is_over) == (Health(), True)
        now = poison.due_at
    assert now - NOW >= GIVEN_UP


@given(
    st.lists(st.sampled_from([Verdict.AWAY, Verdict.REFUSED, Verdict.TAKEN]), max_size=40),
    st.integers(0, 86_400),
)
@settings(deadline=None, max_examples=200)
def test_waits_grow_never_past_a_day_and_any_success_begins_anew(verdicts, asked):
    health, now = Health(), NOW
    for each in verdicts:
        trial = Trial(now)
        health, trial = judged(health, trial, each, now, timedelta(seconds=asked))
        if health.is_over:
            assert now - health.failing_since >= GIVEN_UP
            return
        if each is Verdict.TAKEN:
            assert health == Health()
            continue
        assert now < trial.due_at <= now + timedelta(days=1)
        assert trial.due_at >= now + timedelta(seconds=asked)
        now = trial.due_at


BERLIN = Habits(time(22), time(7), "Europe/Berlin")


@pytest.mark.parametrize(
    ("habits", "at", "told"),
    [
        (BERLIN, "2026-01-10T20:59:59+00:00", "2026-01-10T20:59:59+00:00"),
        (BERLIN, "2026-01-10T21:00:00+00:00", "2026-01-11T06:00:00+00:00"),
        (BERLIN, "2026-01-11T05:59:00+00:00", "2026-01-11T06:00:00+00:00"),
        (BERLIN, "2026-01-11T06:00:00+00:00", "2026-01-11T06:00:00+00:00"),
        # The night in which clocks go forward, and the one in which they go back.
        (BERLIN, "2026-03-28T22:00:00+00:00", "2026-03-29T05:00:00+00:00"),
        (BERLIN, "2026-10-24T22:00:00+00:00", "2026-10-25T06:00:00+00:00"),
        (Habits(time(12), time(14)), "2026-01-10T13:00:00+00:00", "2026-01-10T14:00:00+00:00"),
        (Habits(), "2026-01-10T13:00:00+00:00", "2026-01-10T13:00:00+00:00"),
    ],
)
def test_quiet_hours_are_those_of_a_clock_on_the_wall(habits, at, told):
    assert hours.awake(habits, datetime.fromisoformat(at)) == datetime.fromisoformat(told)


def test_a_digest_waits_for_others_and_is_told_after_quiet_hours():
    hourly = Habits(digest_minutes=60)
    assert hours.due(hourly, NOW) == NOW + timedelta(hours=1)
    collecting = NOW + timedelta(minutes=10)
    assert hours.due(hourly, NOW, collecting) == collecting
    nightly = Habits(time(12, 30), time(18), digest_minutes=60)
    assert hours.due(nightly, NOW) == NOW.replace(hour=18)
