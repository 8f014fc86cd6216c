"""The mail about an alert that fired, in the language of its owner."""

import re
from collections.abc import Mapping
from enum import StrEnum
from functools import cache, lru_cache

from markupsafe import escape

from coinsphere import i18n
from coinsphere.alerts.firing import Crossing, Firing
from coinsphere.i18n import gettext
from coinsphere.notify import figures, templates
from coinsphere.notify.templates import Message

_MARK = re.compile("\0([a-z_]+)\0")
"""Stands for a value; no text from PostgreSQL has a NUL."""
_QUESTION = "\0question\0"
_WRITTEN = {
    "price": figures.dollars,
    "percent_change": figures.percent,
    "volume": figures.dollars,
    "prediction": figures.percent,
    "risk": figures.score,
    "portfolio": figures.dollars,
    "volatility": figures.percent,
    "drawdown": figures.percent,
    "stale_data": figures.minutes,
    "reconciliation": figures.score,
}


class Wording(StrEnum):
    """What the subject and first line of a mail say: the variants of the flag `alert-mail-wording`."""

    VALUE = "value"
    CROSSING = "crossing"


def fired(firing: Firing, question: str, wording: Wording = Wording.VALUE) -> Message:
    """The mail about an alert that fired; `question` is the link by which its owner says whether it was useful."""
    shared = _shared(firing.crossing, wording)
    return Message(
        shared.subject,
        shared.text.replace(_QUESTION, question),
        shared.html.replace(_QUESTION, str(escape(question))),
    )


# Thousands set an alert at the same round number, and theirs fire in the same minute.
@lru_cache(maxsize=1_000)
def _shared(crossing: Crossing, wording: Wording) -> Message:
    """The mail with a mark where each has a link of their own."""
    with i18n.speaking(crossing.locale):
        return _fired(crossing, _HEADLINES[wording](crossing))


def short(firing: Crossing) -> tuple[str, list[str]]:
    """The headline and the lines of a message for chats."""
    with i18n.speaking(firing.locale):
        language = i18n.language()
        written = _WRITTEN[firing.alert_type]
        line = gettext("%(source)s, observed %(at)s") % {
            "source": firing.source,
            "at": figures.moment(firing.observed_at, language, firing.time_zone),
        }
        limit = f"{_conditions()[firing.condition]} {written(firing.threshold, language)}"
        return _headline(firing), [
            f"{gettext('Before')}: {_previous(firing)}",
            f"{gettext('Threshold')}: {limit}",
            f"{gettext('Source')}: {line}",
        ]


def _headline(firing: Crossing) -> str:
    return gettext("%(subject)s: %(watched)s is %(value)s") % {
        "subject": firing.subject,
        "watched": _watched(firing.alert_type),
        "value": _WRITTEN[firing.alert_type](firing.observed_value, i18n.language()),
    }


def _crossing(firing: Crossing) -> str:
    """What happened, where `_headline` says what is."""
    return _crossings()[firing.condition] % {
        "subject": firing.subject,
        "watched": _watched(firing.alert_type),
        "threshold": _WRITTEN[firing.alert_type](firing.threshold, i18n.language()),
    }


_HEADLINES = {Wording.VALUE: _headline, Wording.CROSSING: _crossing}


def _previous(firing: Crossing) -> str:
    previous = firing.previous_value
    if previous is None:
        return gettext("not known")
    return _WRITTEN[firing.alert_type](previous, i18n.language())


def _fired(firing: Crossing, headline: str) -> Message:
    language = i18n.language()
    written = _WRITTEN[firing.alert_type]
    values = {
        "headline": headline,
        "value": written(firing.observed_value, language),
        "previous": _previous(firing),
        "condition": _conditions()[firing.condition],
        "threshold": written(firing.threshold, language),
        "source": firing.source,
        "observed_at": figures.moment(firing.observed_at, language, firing.time_zone),
    }
    form = _form(language)
    escaped = {name: str(escape(value)) for name, value in values.items()}
    return Message(
        templates.printable(headline), _filled(form.text, values), _filled(form.html, escaped)
    )


# Jinja takes several times as long as to put the values in.
@cache
def _form(language: str) -> Message:
    """The mail in a language, with marks for all values."""
    names = ("headline", "value", "previous", "condition", "threshold", "source", "observed_at")
    with i18n.speaking(language):
        marks = {name: f"\0{name}\0" for name in names}
        return templates.render("alert", "", **marks, question=_QUESTION)


def _filled(form: str, values: Mapping[str, str]) -> str:
    """A form with these values; marks of others stay."""
    return _MARK.sub(lambda mark: values.get(mark[1], mark[0]), form)


def _watched(alert_type: str) -> str:
    return {
        "price": gettext("price"),
        "percent_change": gettext("change over 24 hours"),
        "volume": gettext("volume over 24 hours"),
        "prediction": gettext("predicted change for tomorrow"),
        "risk": gettext("risk score"),
        "portfolio": gettext("value"),
        "volatility": gettext("volatility of a year"),
        "drawdown": gettext("fall from the year's highest close"),
        "stale_data": gettext("age of the price"),
        "reconciliation": gettext("count of differences in the books"),
    }[alert_type]


def _conditions() -> dict[str, str]:
    return {
        "above": gettext("above"),
        "below": gettext("below"),
        "crosses_above": gettext("crosses above"),
        "crosses_below": gettext("crosses below"),
        "equal": gettext("equals"),
    }


def _crossings() -> dict[str, str]:
    above = gettext("%(subject)s: %(watched)s went above %(threshold)s")
    below = gettext("%(subject)s: %(watched)s went below %(threshold)s")
    return {
        "above": above,
        "crosses_above": above,
        "below": below,
        "crosses_below": below,
        "equal": gettext("%(subject)s: %(watched)s reached %(threshold)s"),
    }
