"""The link in a mail about an alert, from the firing to the report of the experiment."""

import re
from datetime import timedelta

import psycopg
import pytest

from coinsphere.alerts import evaluation
from coinsphere.alerts.mails import AlertMails
from coinsphere.flags.client import Flags
from tests.integration.webapi.conftest import NOW
from tests.integration.webui.conftest import Visitor

URL = "https://coinsphere.example"
_QUOTE = """
    insert into market.quotes (token_id, price, source, quality, observed_at)
    select id, 101, 'kraken', 'ok', %s from market.tokens where symbol = 'BTC'
    on conflict (token_id) do update set price = excluded.price, observed_at = excluded.observed_at
"""
_ALERT = """
    insert into app.alerts (user_id, alert_type, token_id, condition, threshold, channels, cooldown_seconds)
    select u.id, 'price', t.id, 'above', 100, '{email}', 0 from app.users u, market.tokens t
    where u.email = %s and t.symbol = 'BTC' returning id
"""
_READY = "update app.users set email_verified = true, usage_shared_since = %s where email = %s"
_MAILED = (
    "select body_text, body_html from app.mails where recipient = %s and alert_event_id is not null"
)
_SAID = """
    select v.is_useful from app.alert_verdicts v join app.users u on u.id = v.user_id where u.email = %s
"""
_COUNTED = """
    select o.metric from app.experiment_outcomes o join app.users u on u.id = o.user_id
    where u.email = %s order by 1
"""


@pytest.fixture(autouse=True)
def _experiment(administrator: Visitor, owner_db):
    administrator.get("/admin/flags")
    rules = '[{"weights": {"value": 1, "crossing": 1}}]'
    assert (
        administrator.post("/admin/flags/alert-mail-wording", {"rules": rules}).status_code == 303
    )
    yield
    owner_db.execute("delete from app.experiment_assignments")
    owner_db.execute("delete from app.flags")


def fire(member: Visitor, module_database, owner_db) -> tuple[str, str]:
    """Let an alert of a member fire; its id, and the token in its mail."""
    owner_db.execute(_READY, [NOW, member.email])
    (alert,) = owner_db.execute(_ALERT, [member.email]).fetchone()
    owner_db.execute(_QUOTE, [NOW])
    options = "-c search_path=app,market,model,jobs,public"
    with psycopg.connect(module_database.pipeline, options=options) as conn:
        evaluation.evaluate(conn, NOW, timedelta(minutes=5), AlertMails(Flags("local"), URL))
    text, html = owner_db.execute(_MAILED, [member.email]).fetchone()
    found = re.search(rf"{URL}/alerts/useful\?token=([\w-]+)", text)
    assert found is not None
    assert found[0] in html
    return str(alert), found[1]


def test_the_first_answer_counts_without_a_login(
    member, module_database, owner_db, app, administrator
) -> None:
    email = member.email
    _, token = fire(member, module_database, owner_db)
    stranger = Visitor(app.test_client())
    page = stranger.get(f"/alerts/useful?token={token}")
    assert "Was this alert useful?" in page.text
    assert owner_db.execute(_SAID, [email]).fetchone() == (None,)
    for says, kept in (("true", True), ("false", True)):
        stranger.get(f"/alerts/useful?token={token}")
        answered = stranger.post("/alerts/useful", {"token": token, "isUseful": says})
        assert "Your answer is noted." in answered.text
        assert owner_db.execute(_SAID, [email]).fetchone() == (kept,)
    assert owner_db.execute(_COUNTED, [email]).fetchall() == [("alert-useful",)]

    report = administrator.get("/admin/experiments").text
    assert "alert-mail-wording" in report
    assert "too few users" in report
    assert member.get("/admin/experiments").status_code == 403


def test_a_link_that_nobody_was_sent_is_refused(app, redis_url) -> None:
    stranger = Visitor(app.test_client())
    stranger.get("/alerts/useful?token=nonsense")
    refused = stranger.post("/alerts/useful", {"token": "nonsense", "isUseful": "true"})
    assert refused.status_code == 400
    assert "This link is not valid" in refused.text
    assert stranger.post("/alerts/useful", {"token": "nonsense"}).status_code == 400


@pytest.mark.parametrize("ending", ["toggle", "delete"])
def test_an_alert_that_is_ended_counts_as_a_guard(member, module_database, owner_db, ending) -> None:  # fmt: skip
    alert, _ = fire(member, module_database, owner_db)
    member.get(f"/alerts/{alert}")
    assert member.post(f"/alerts/{alert}/{ending}").status_code == 303
    assert owner_db.execute(_COUNTED, [member.email]).fetchall() == [("alert-ended",)]
