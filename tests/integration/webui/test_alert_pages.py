"""Alerts by forms: set, refused where it stands, changed, paused, deleted; warnings and firings are told."""

import re

import pytest

from tests.integration.webapi.conftest import prices as prices  # noqa: PLC0414 - a fixture
from tests.integration.webui.conftest import Visitor
from tests.integration.webui.test_portfolio_pages import owned as owned  # noqa: PLC0414 - a fixture

ABOVE = {
    "alertType": "price", "tokenSymbol": "BTC", "condition": "above", "threshold": "100000.25", "cooldownSeconds": "3600",
    "channels": ["email", "stream"],
}  # fmt: skip


@pytest.fixture
def watching(member) -> str:
    member.get("/alerts/new")
    answer = member.post("/alerts/new", ABOVE)
    assert answer.status_code == 303, answer.text
    return re.search(r'href="(/alerts/[0-9a-f-]{36})"', member.get("/alerts").text)[1]


def test_an_empty_list_leads_to_the_first_alert(member) -> None:
    page = member.get("/alerts").text
    assert "Set the first one" in page
    assert "no mail is sent" in page
    assert 'value="ETH"' in member.get("/alerts/new?tokenSymbol=ETH").text


def test_a_form_refuses_where_it_stands(member) -> None:
    member.get("/alerts/new")
    for field, value in (
        ("tokenSymbol", "NOPE"), ("tokenSymbol", ""), ("threshold", ""), ("threshold", "-5"), ("threshold", "much"),
        ("condition", "sideways"), ("channels", []), ("cooldownSeconds", "1.5"), ("alertType", "mood"),
    ):  # fmt: skip
        answer = member.post("/alerts/new", {**ABOVE, field: value})
        assert answer.status_code == 400, (field, value)
        assert re.search(rf'id="(?:f|d)-{field}"', answer.text) or field == "channels"
        assert 'class="fault"' in answer.text, (field, value)
    assert "Set the first one" in member.get("/alerts").text


def test_an_alert_is_changed_paused_and_deleted(member, watching, prices) -> None:
    page = member.get("/alerts").text
    assert "above $100,000.25" in page
    assert "no mail is sent before your address is confirmed" in page
    member.get(watching)
    changed = {
        "condition": "below",
        "threshold": "50000",
        "cooldownSeconds": "900",
        "channels": ["stream"],
    }
    assert member.post(watching, changed).headers["Location"] == "/alerts"
    page = member.get("/alerts").text
    assert "below $50,000.00" in page
    assert "no mail is sent before" not in page
    refused = member.post(watching, {**changed, "threshold": "0"})
    assert refused.status_code == 400
    assert "greater than 0" in refused.text
    member.post(f"{watching}/toggle")
    assert "paused" in member.get("/alerts").text
    assert member.post(f"{watching}/delete").headers["Location"] == "/alerts"
    assert member.get(watching).status_code == 404


def test_each_firing_is_told_with_its_source(member, watching, owner_db) -> None:
    assert "Not once so far" in member.get(watching).text
    owner_db.execute(
        """
        insert into app.alert_events
            (alert_id, condition, threshold, previous_value, observed_value, source, observed_at, fired_at)
        values (%s, 'above', 100000, 99950, 100020.5, 'binance', '2026-03-10T12:00Z', '2026-03-10T12:00:02Z')
        """,
        [watching.rpartition("/")[2]],
    )
    page = member.get(watching).text
    assert "$100,020.50" in page
    assert "from binance" in page


def test_a_portfolio_is_watched_too(member, owned) -> None:
    member.get("/alerts/new")
    own = {
        **ABOVE,
        "alertType": "portfolio",
        "portfolioId": owned.rpartition("/")[2],
        "threshold": "1000",
    }
    assert member.post("/alerts/new", own).status_code == 303
    assert "<b>Long term</b> value above $1,000.00" in member.get("/alerts").text
    member.get("/alerts/new")
    books = own | {"alertType": "reconciliation", "threshold": "0", "tokenSymbol": "BTC"}
    assert member.post("/alerts/new", books).status_code == 303
    assert "<b>Long term</b> differences in the books above 0" in member.get("/alerts").text


def test_alerts_of_others_do_not_exist(watching, app) -> None:
    stranger = Visitor(app.test_client())
    stranger.register()
    assert stranger.get(watching).status_code == 404
    stranger.get("/profile")
    for act in ("", "/toggle", "/delete"):
        assert (
            stranger.post(
                watching + act, {"threshold": "1", "cooldownSeconds": "0", "channels": "stream"}
            ).status_code
            == 404
        )
