"""The words of an alert's mail."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from coinsphere.alerts import mail_templates
from coinsphere.alerts.firing import Firing
from coinsphere.alerts.mail_templates import Wording
from coinsphere.alerts.rules import AlertType, Condition
from coinsphere.flags.catalogue import ALERT_MAIL_WORDING
from coinsphere.notify import account_mails

LINK = "https://coinsphere.example/alerts/useful?token=t"
FIRING = Firing(
    event_id=UUID(int=1),
    alert_id=UUID(int=3),
    user_id=UUID(int=2),
    email="ada@example.org",
    email_verified=True,
    alert_type=AlertType.PRICE,
    condition=Condition.CROSSES_ABOVE,
    threshold=Decimal("0.000000010000000000"),
    previous_value=None,
    observed_value=Decimal("0.000000012345678901"),
    source="kraken",
    observed_at=datetime(2026, 3, 10, 12, tzinfo=UTC),
    channels=["email"],
    subject="PEPE",
)


def test_the_mail_says_what_fired_from_where_as_people_read_it():
    message = mail_templates.fired(FIRING, LINK)
    assert message.subject == "PEPE: price is 0.00000001235 USD"
    for part in (
        "Before:    not known",
        "crosses above 0.00000001 USD",
        "kraken, observed 10 March 2026, 12:00 UTC",
    ):
        assert part in message.text


def test_who_set_an_alert_alike_gets_the_same_mail_with_a_link_of_their_own():
    other = replace(FIRING, user_id=UUID(int=9), email="bob@example.org")
    links = LINK, "https://coinsphere.example/?token=u&language=en"
    ours, theirs = map(mail_templates.fired, (FIRING, other), links)
    assert ours.text.replace(*links) == theirs.text
    assert links[1].replace("&", "&amp;") in theirs.html
    assert links[0] not in theirs.html


@pytest.mark.parametrize(
    ("locale", "condition", "subject"),
    [
        (None, Condition.CROSSES_ABOVE, "PEPE: price went above 0.00000001 USD"),
        (None, Condition.BELOW, "PEPE: price went below 0.00000001 USD"),
        (None, Condition.EQUAL, "PEPE: price reached 0.00000001 USD"),
        ("de", Condition.ABOVE, "PEPE: Kurs ist über 0,00000001 USD gestiegen"),
        ("de", Condition.CROSSES_BELOW, "PEPE: Kurs ist unter 0,00000001 USD gefallen"),
        ("de", Condition.EQUAL, "PEPE: Kurs hat 0,00000001 USD erreicht"),
    ],
)
def test_the_other_wording_says_what_was_crossed(locale, condition, subject):
    firing = replace(FIRING, locale=locale, condition=condition)
    message = mail_templates.fired(firing, LINK, Wording.CROSSING)
    assert message.subject == subject
    assert message.text.startswith(f"{subject}\n")
    assert f">{subject}</h1>" in message.html


def test_the_wordings_are_the_variants_of_the_flag():
    assert set(Wording) == set(ALERT_MAIL_WORDING.variants)
    assert ALERT_MAIL_WORDING.default == Wording.VALUE


def test_a_users_text_becomes_neither_markup_nor_a_header():
    firing = replace(FIRING, alert_type=AlertType.PORTFOLIO, subject="<b>\r\nBcc: eve@example.org")
    message = mail_templates.fired(firing, LINK)
    assert "<b>" not in message.html
    assert "\r" not in message.subject
    assert "\n" not in message.subject


@pytest.mark.parametrize("alert_type", list(AlertType))
def test_every_type_has_its_words(alert_type):
    message = mail_templates.fired(replace(FIRING, alert_type=alert_type), LINK)
    assert message.subject.startswith("PEPE: ")
    assert "\0" not in message.text + message.html  # no mark of a value is left


def test_a_link_stands_whole_in_both_forms_and_its_token_is_escaped():
    message = account_mails.reset_password("https://example.org/", "a+b/c&d", 30)
    address = "https://example.org/reset-password?token=a%2Bb%2Fc%26d"
    assert address in message.text
    assert f'href="{address}"' in message.html


def test_what_a_stranger_says_becomes_no_markup_and_a_new_address_is_not_told_in_full():
    agent = "<script>1</script>"
    now = datetime(2026, 3, 10, 12, tzinfo=UTC)
    assert "<script>" not in account_mails.incomplete_login("203.0.113.7", agent, now).html
    assert "eve.secret" not in account_mails.address_is_changing("eve.secret@b.org", None, now).text
