"""Every message of pages and mails has a German translation, and is written with its numbers by locale."""

import re
from dataclasses import replace
from decimal import Decimal

import pytest

from coinsphere import i18n
from coinsphere.alerts import mail_templates
from coinsphere.alerts.rules import AlertType
from coinsphere.notify import account_mails
from tests.unit.notify.test_templates import FIRING
from webui import messages

_PLACE = re.compile(r"%\(\w+\)s|%%")
GATHERED = {each.id: each for each in messages.gathered() if each.id}


@pytest.mark.parametrize("file", messages.stored(), ids=lambda file: file.parent.parent.name)
def test_every_message_is_translated(file) -> None:
    stored = {each.id: each for each in messages.stored()[file] if each.id}
    assert GATHERED.keys() - stored.keys() == set(), "run `make messages`"
    assert stored.keys() - GATHERED.keys() == set(), "run `make messages`"
    for name, each in stored.items():
        strings = [each.string] if isinstance(each.string, str) else list(each.string)
        assert all(strings), f"not translated: {name}"
        assert not each.fuzzy, name
        wanted = set(_PLACE.findall(name if isinstance(name, str) else name[1]))
        assert all(set(_PLACE.findall(text)) == wanted for text in strings), name


def test_german_speaks_to_friends() -> None:
    """Everywhere by "du": within a sentence, "Sie" and "Ihr" with a capital letter are the other way."""
    formal = re.compile(r"(?<=[^.!?] )(Sie|Ihnen|Ihr(e[mnrs]?)?)\b")
    (german,) = messages.stored().values()
    said = [
        text
        for each in german
        for text in ([each.string] if isinstance(each.string, str) else each.string)
    ]
    assert [text for text in said if formal.search(text)] == []


def test_a_plural_has_both_forms() -> None:
    with i18n.speaking("de"):
        assert i18n.ngettext("%(num)s day", "%(num)s days", 1) == "%(num)s Tag"
        assert i18n.ngettext("%(num)s day", "%(num)s days", 2) == "%(num)s Tagen"
    assert i18n.gettext("Saved.") == "Saved."


@pytest.mark.parametrize("chosen", [None, "en", "fr", "../../etc"])
def test_an_unknown_language_is_english(chosen) -> None:
    with i18n.speaking(chosen):
        assert (i18n.language(), i18n.gettext("Saved.")) == ("en", "Saved.")


def test_an_alerts_mail_is_in_its_owners_language_with_a_persons_number() -> None:
    firing = replace(
        FIRING,
        alert_type=AlertType.RISK,
        locale="de",
        observed_value=Decimal("52.258997149001779517"),
    )
    message = mail_templates.fired(firing, "https://coinsphere.example")
    assert message.subject == "PEPE: Risikowert ist 52,3"
    assert "10. März 2026, 12:00 UTC" in message.text
    at_home = mail_templates.fired(replace(firing, time_zone="Asia/Tokyo"), "").text
    assert "10. März 2026, 21:00 JST" in at_home
    assert '<html lang="de">' in message.html
    assert i18n.language() == "en"
    english = mail_templates.fired(replace(firing, locale=None), "").subject
    assert english == "PEPE: risk score is 52.3"


def test_an_accounts_mail_is_in_the_present_language() -> None:
    with i18n.speaking("de"):
        message = account_mails.verify_address("http://x", "t", 24)
    assert message.subject == "Bestätige deine Adresse"
    assert "Er gilt 24 Stunden." in message.text
    assert "Das ist eine Mail" in message.html
