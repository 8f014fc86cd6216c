"""Numbers and times in templates, by the reader's locale; the kernel's formatter writes them, and mails by the same."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from babel.dates import format_skeleton, format_timedelta
from markupsafe import Markup, escape

from coinsphere.alerts.repository import Alert
from coinsphere.notify import figures
from coinsphere.parsing import decimals
from webapi.services import services
from webui.i18n import gettext, locale
from webui.security.cookies import time_zone

UNKNOWN = "–"  # noqa: RUF001 - a dash, not a minus


def money(amount: Decimal | None, currency: str = "USD") -> str:
    """An amount; a dash where nobody knows it. A symbol that is no currency stands behind the number."""
    if amount is None:
        return UNKNOWN
    if len(currency) != 3:  # noqa: PLR2004 - ISO 4217
        return f"{figures.quantity(amount, locale())} {currency}"
    return figures.money(amount, currency, locale())


def short_money(amount: Decimal | None, currency: str = "USD") -> str:
    """A large amount in three digits."""
    return UNKNOWN if amount is None else figures.money_in_short(amount, currency, locale())


def quantity(amount: Decimal | None) -> str:
    """An amount of a token."""
    return UNKNOWN if amount is None else figures.quantity(amount, locale())


def change(percent: Decimal | None) -> Markup:
    """A change with its sign, an arrow and a colour: none of the three is needed to read the others."""
    if percent is None:
        return Markup('<span class="quiet">{}</span>').format(UNKNOWN)
    text = figures.change(percent, locale())
    shown = figures.to_hundredths(percent)
    kind = "up" if shown > 0 else "down" if shown < 0 else "flat"
    return Markup('<span class="change {}">{}</span>').format(kind, text)


def part(fraction: Decimal | float | None, places: int = 0) -> str:
    """A part of one as a percentage."""
    if fraction is None:
        return UNKNOWN
    return f"{number(Decimal(str(fraction)).scaleb(2, figures.EXACT), places)} %"


def number(value: Decimal | float | None, places: int = 2) -> str:
    """A plain number."""
    if value is None:
        return UNKNOWN
    return figures.fixed(Decimal(str(value)), places, locale())


def day(value: date | datetime | None) -> str:
    """A day."""
    return UNKNOWN if value is None else figures.day(value, locale())


def short_day(value: date) -> str:
    """A day where there is little room: without its year."""
    return str(format_skeleton("Md", datetime.combine(value, time()), locale=locale()))


def month(value: date) -> str:
    """A month with its year."""
    return str(format_skeleton("yMMM", datetime.combine(value, time()), locale=locale()))


def moment(instant: datetime | None) -> Markup:
    """An instant for people and, in its attribute, for programs."""
    if instant is None:
        return escape(UNKNOWN)
    text = figures.moment(instant, locale(), time_zone())
    return Markup('<time datetime="{}">{}</time>').format(_machine(instant), text)


def ago(instant: datetime | None) -> Markup:
    """How long ago it was; the instant itself is the title."""
    if instant is None:
        return escape(UNKNOWN)
    passed = instant - services().clock()
    text = (
        gettext("just now")
        if abs(passed.total_seconds()) < 1
        else format_timedelta(passed, add_direction=True, locale=locale())
    )
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        _machine(instant), figures.moment(instant, locale(), time_zone()), text
    )


def _machine(instant: datetime) -> str:
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def plain(value: Decimal) -> str:
    """For programs: a number as an attribute has it, in any language."""
    return f"{value:.6f}"


_WRITTEN: dict[str, Callable[[Decimal], str]] = {
    "price": money,
    "volume": money,
    "portfolio": money,
    "percent_change": lambda value: figures.change(value, locale()),
    "prediction": lambda value: figures.change(value, locale()),
    "volatility": lambda value: figures.percent(value, locale()),
    "drawdown": lambda value: figures.percent(value, locale()),
    "stale_data": lambda value: figures.minutes(value, locale()),
}


def alert_words(alert: Alert) -> str:
    """What an alert watches for, after the name of what it watches."""
    kinds = {
        "price": gettext("price"),
        "volume": gettext("volume of 24 hours"),
        "portfolio": gettext("value"),
        "percent_change": gettext("change of 24 hours"),
        "prediction": gettext("forecast for tomorrow"),
        "risk": gettext("risk score"),
        "volatility": gettext("volatility of a year"),
        "drawdown": gettext("fall from the year's highest close"),
        "stale_data": gettext("age of the price"),
        "reconciliation": gettext("differences in the books"),
    }
    conditions = {
        "above": gettext("above"),
        "below": gettext("below"),
        "crosses_above": gettext("crosses above"),
        "crosses_below": gettext("crosses below"),
        "equal": gettext("equals"),
    }
    kind, condition = str(alert.alert_type), str(alert.condition)
    threshold = _WRITTEN.get(kind, number)(alert.threshold)
    return f"{kinds.get(kind, kind)} {conditions.get(condition, condition)} {threshold}"


def alert_value(alert: Alert, value: Decimal | None) -> str:
    """A value of what an alert watches, in its unit."""
    return UNKNOWN if value is None else str(_WRITTEN.get(str(alert.alert_type), number)(value))


def field_number(value: Decimal | None) -> str:
    """For an input: every digit, in the one form that the API's models read."""
    return "" if value is None else decimals.plain(value)


def field_time(instant: datetime) -> str:
    """For an input of date and time: by the reader's clock, to the second."""
    return instant.astimezone(ZoneInfo(time_zone() or "UTC")).strftime("%Y-%m-%dT%H:%M:%S")


FILTERS: dict[str, Callable[..., Any]] = {
    "money": money, "short_money": short_money, "quantity": quantity, "change": change, "part": part,
    "number": number, "day": day, "short_day": short_day, "month": month, "moment": moment, "ago": ago, "plain": plain,
    "field_number": field_number, "field_time": field_time,
}  # fmt: skip
