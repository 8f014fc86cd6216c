"""Channels by forms: added, refused where it stands, tried, chosen by an alert, switched off, deleted."""

import re

import pytest

from tests.integration.webui.test_alert_pages import ABOVE
from tests.unit.notify.test_push import Browser

HOOK = {"kind": "webhook", "name": "mine", "url": "https://example.org/very/private"}


@pytest.fixture
def verified(member, owner_db):
    owner_db.execute("update app.users set email_verified = true where email = %s", [member.email])
    return member


def test_a_channel_is_added_tried_chosen_and_deleted(verified, owner_db) -> None:
    verified.get("/alerts/channels")
    page = verified.post(
        "/alerts/channels", {**HOOK, "digestMinutes": "60", "zone": "Europe/Berlin"}
    )
    assert page.status_code == 200, page.text
    assert "whsec_" in page.text
    page = verified.get("/alerts/channels")
    assert "whsec_" not in page.text
    assert "very/private" not in page.text
    assert "a digest every 60 minutes" in page.text
    assert "Coinsphere: a test" in page.text
    address = re.search(r'action="(/alerts/channels/[0-9a-f-]{36})"', page.text)[1]
    assert verified.post(f"{address}/test").status_code == 303
    changed = {"quietFrom": "22:00", "quietUntil": "07:00", "zone": "UTC", "digestMinutes": ""}
    assert verified.post(address, changed).status_code == 303
    assert "quiet from 22:00 to 07:00" in verified.get("/alerts/channels").text
    refused = verified.post(address, {**changed, "quietUntil": ""})
    assert refused.status_code == 400
    assert verified.post(address, {**changed, "quietFrom": "", "quietUntil": ""}).status_code == 303
    assert "quiet from 22:00" not in verified.get("/alerts/channels").text

    channel = address.rpartition("/")[2]
    verified.get("/alerts/new")
    chosen = {**ABOVE, "channels": [], "channelIds": [channel]}
    assert verified.post("/alerts/new", chosen).status_code == 303
    alert = re.search(r'href="(/alerts/[0-9a-f-]{36})"', verified.get("/alerts").text)[1]
    assert re.search(rf'value="{channel}" checked', verified.get(alert).text)
    assert verified.post(f"{address}/toggle").status_code == 303
    assert "Switch on" in verified.get("/alerts/channels").text
    assert verified.post(f"{address}/delete").status_code == 303
    assert "Your channels" not in verified.get("/alerts/channels").text


@pytest.mark.parametrize(
    ("kind", "given", "field"),
    [
        ("webhook", {"url": "http://example.org"}, "url"),
        ("telegram", {"token": "x", "chatId": "1"}, "token"),
        ("ntfy", {"topic": "a b"}, "topic"),
        ("slack", {"url": "https://example.org", "quietFrom": "22:00"}, "quietUntil"),
    ],
)
def test_a_form_refuses_where_it_stands(verified, kind, given, field) -> None:
    verified.get(f"/alerts/channels?kind={kind}")
    answer = verified.post("/alerts/channels", {"kind": kind, "name": "mine", **given})
    assert answer.status_code == 400
    assert re.search(rf'class="fault" id="d-{field}"', answer.text), answer.text


def test_an_address_must_be_confirmed_first(member) -> None:
    assert "Confirm your address first" in member.get("/alerts/channels").text
    assert member.post("/alerts/channels", HOOK).status_code == 403


def test_a_browser_is_added_by_the_key_that_its_page_names(verified) -> None:
    page = verified.get("/alerts/channels?kind=web_push").text
    assert re.search(r'data-push="[A-Za-z0-9_-]{87}"', page)
    assert "/push.js" in page
    told = {"kind": "web_push", "name": "Laptop", **Browser().subscription("https://p.example/x")}
    assert verified.post("/alerts/channels", told).status_code == 200
    assert "Laptop" in verified.get("/alerts/channels").text
    refused = verified.post("/alerts/channels", {**told, "auth": "x"})
    assert refused.status_code == 400
    assert "16 bytes" in refused.text
