"""Channels over the wire: what is refused, what is stored, what never comes back, and whose they are."""

import json

import pytest

from coinsphere.notify.channels import push, repository
from coinsphere.security.symmetric_keys import SymmetricKeys
from tests.integration.webapi.conftest import assert_problem
from tests.unit.notify.test_push import Browser

HOOK = {"kind": "webhook", "name": "mine", "url": "https://example.org/very/private"}
ALERT = {"alertType": "price", "tokenSymbol": "BTC", "condition": "above", "threshold": 1}


@pytest.fixture
def verified(person, owner_db):
    owner_db.execute("update app.users set email_verified = true where id = %s", [person.id])
    return person


def add(person, **changes):
    return person.post("/channels", {**HOOK, **changes})


def test_a_channel_lives_and_dies_and_never_tells_its_secret_twice(verified, owner_db) -> None:
    made = add(verified, quietFrom="22:00", quietUntil="07:00", zone="Europe/Berlin")
    assert made.status_code == 201, made.text
    secret, channel = made.json["secret"], made.json["channel"]
    assert secret.startswith("whsec_")
    assert (channel["hint"], channel["isActive"]) == ("example.org", True)
    assert (channel["quietFrom"], channel["quietUntil"]) == ("22:00", "07:00")
    path = f"/channels/{channel['id']}"
    (first,) = verified.get(f"{path}/messages").json["messages"]
    assert (first["type"], first["status"]) == ("test", "waiting")
    assert verified.post(f"{path}/test").status_code == 202
    changed = verified.ask(
        "PATCH", path, json={"digestMinutes": 60, "quietFrom": None, "quietUntil": None}
    )
    assert changed.json["channel"]["digestMinutes"] == 60
    assert changed.json["channel"]["quietFrom"] is None
    off = verified.ask("PATCH", path, json={"isActive": False})
    assert off.json["channel"]["isActive"] is False
    assert_problem(verified.post(f"{path}/test"), 409)
    told = [verified.get("/channels").data, off.data, verified.get("/account/export").data]
    assert not any(part in each for each in told for part in (secret.encode(), b"very/private"))
    stored = owner_db.execute("select c::text from app.alert_channels c").fetchall()
    assert "very/private" not in str(stored)
    jobs = "select count(*) from jobs.procrastinate_jobs where task_name = 'deliver_messages'"
    assert owner_db.execute(jobs).fetchone() == (1,)
    acts = "select array_agg(action order by seq) from app.audit_logs where target = %s"
    verified.ask("DELETE", path)
    assert owner_db.execute(acts, [channel["id"]]).fetchone()[0] == [
        "channel.added",
        "channel.deleted",
    ]
    assert verified.get("/channels").json == {"channels": []}
    assert_problem(verified.get(f"{path}/messages"), 404)


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"kind": "pigeon"}, "kind"),
        ({"url": None}, "url"),
        ({"url": "http://example.org"}, "url"),
        ({"url": "https://example.org:8443/"}, "url"),
        ({"url": "https://example.org/\u0007"}, "url"),
        ({"kind": "telegram", "url": None}, "token"),
        ({"kind": "ntfy", "url": None, "topic": "a b"}, "topic"),
        ({"kind": "slack", "topic": "x"}, "topic"),
        ({"secret": "short"}, "secret"),
        ({"quietFrom": "22:00"}, "quietUntil"),
        ({"quietFrom": "22:00", "quietUntil": "22:00"}, "quietUntil"),
        ({"quietFrom": "24:00", "quietUntil": "22:00"}, "quietFrom"),
        ({"zone": "Mars/Olympus"}, "zone"),
        ({"digestMinutes": 0}, "digestMinutes"),
        ({"name": ""}, "name"),
        ({"userId": "x"}, "userId"),
    ],
)
def test_a_malformed_channel_is_refused_by_its_field(verified, change: dict, path: str) -> None:
    body = {name: value for name, value in {**HOOK, **change}.items() if value is not None}
    refused = assert_problem(verified.post("/channels", body), 400)
    assert refused["details"][0]["path"] == path
    assert verified.get("/channels").json == {"channels": []}


def test_an_address_must_be_confirmed_and_ten_channels_are_enough(person, owner_db) -> None:
    assert_problem(add(person), 403)
    owner_db.execute("update app.users set email_verified = true where id = %s", [person.id])
    for _ in range(repository.MOST):
        assert add(person).status_code == 201
    assert_problem(add(person), 409)


def test_a_channel_and_its_choice_are_nobody_elses(verified, other) -> None:
    channel = add(verified).json["channel"]["id"]
    path = f"/channels/{channel}"
    for answer in (
        other.ask("PATCH", path, json={"name": "theirs"}),
        other.ask("DELETE", path),
        other.post(f"{path}/test"),
        other.get(f"{path}/messages"),
    ):
        assert_problem(answer, 404)
    refused = assert_problem(other.post("/alerts", {**ALERT, "channelIds": [channel]}), 400)
    assert refused["details"][0]["path"] == "channelIds.0"
    alert = verified.post("/alerts", {**ALERT, "channels": [], "channelIds": [channel]})
    assert alert.status_code == 201, alert.text
    assert alert.json["alert"]["channelIds"] == [channel]
    address = f"/alerts/{alert.json['alert']['id']}"
    kept = verified.ask("PUT", address, json={"threshold": 5}).json["alert"]
    assert kept["channelIds"] == [channel]
    refused = assert_problem(verified.ask("PUT", address, json={"channelIds": []}), 400)
    assert refused["details"][0]["path"] == "channels"
    verified.ask("DELETE", path)
    assert json.loads(verified.get(address).data)["alert"]["channelIds"] == []


def test_a_browser_subscribes_for_a_key_of_its_owner(verified, owner_db, api_settings) -> None:
    """What is stored opens to what the worker needs: the browser's keys, and the private half of the key it asked for."""
    key = verified.get("/channels/push-key").json["publicKey"]
    assert verified.get("/channels/push-key").json["publicKey"] == key
    subscription = Browser().subscription("https://push.example.org/very/private")
    asked = {"kind": "web_push", "name": "Laptop", **subscription}
    made = verified.post("/channels", asked)
    assert made.status_code == 201, made.text
    assert made.json["secret"] is None
    channel = made.json["channel"]
    assert (channel["kind"], channel["hint"]) == ("web_push", "push.example.org")
    keys = SymmetricKeys(api_settings.encryption_keys)
    found = repository.get(owner_db, channel["id"])
    stored = "select receiver from app.alert_channels where id = %s"
    sealed = owner_db.execute(stored, [channel["id"]]).fetchone()[0]
    to = repository.receiver(keys, found, sealed)
    assert to.url == subscription["url"]
    assert push.public_key(to.key) == key
    assert to.contact.startswith("mailto:")
    assert to.key not in made.text + verified.get("/account/export").text
    for name in ("url", "p256dh", "auth"):
        assert_problem(verified.post("/channels", {**asked, name: None}), 400)
        assert_problem(verified.post("/channels", {**asked, name: "x"}), 400)
