"""The mails about alerts on a token whose name or unit changed, in the language of their owner."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from coinsphere import i18n
from coinsphere.i18n import gettext
from coinsphere.notify import figures, templates
from coinsphere.notify.templates import Message


class Threshold(NamedTuple):
    """An alert's threshold in US dollars, before and after the event."""

    before: Decimal
    after: Decimal


def converted(symbol: str, heir: str, thresholds: Sequence[Threshold]) -> Message:
    """The mail about alerts that go on with another token, or with the same in another unit."""
    language = i18n.language()
    headline = gettext("%(symbol)s has a new name or unit: %(heir)s") % {
        "symbol": symbol,
        "heir": heir,
    }
    facts = [
        (figures.dollars(each.before, language), figures.dollars(each.after, language))
        for each in thresholds
    ]
    text = gettext(
        "Your alerts on it go on under the new name. Thresholds of prices were converted, so that they mean the same as before."
    )
    return templates.account_mail(headline, text, facts=facts)


def stopped(symbol: str) -> Message:
    """The mail about alerts that were switched off, as they have nothing left to compare."""
    return templates.account_mail(
        gettext("Your alerts on %(symbol)s were stopped") % {"symbol": symbol},
        gettext(
            "It is no longer traded, or a threshold cannot be written in its new unit. What you hold keeps its last price, "
            "marked as stale."
        ),
    )
