"""Implied volatility as it was told: each day's close, when it was learned, and what was said of it first.

Deribit's DVOL of the currencies that have one. Rows are added and never changed, so a close that its source corrects stays
beside the new one.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from psycopg import Connection

from coinsphere.errors import ProviderError
from coinsphere.market.sources.deribit import CURRENCIES, FIRST_DAY, Deribit

LOWEST, HIGHEST = 5.0, 500.0
"""Percent a year; what was ever seen lies between 30 and 300."""

_ADD = """
    insert into market.implied_volatility (currency, day, percent, source)
    select %(currency)s, told.day, told.percent, %(source)s
    from unnest(%(days)s::date[], %(percents)s::double precision[]) as told (day, percent)
    left join lateral (
        select percent from market.implied_volatility last
        where last.currency = %(currency)s and last.day = told.day
        order by learned_at desc limit 1
    ) known on true
    where known.percent is distinct from told.percent
"""
# What an origin knew: the first value is what was told after the close. A correction nobody had then.
_FIRST_TOLD = """
    select distinct on (currency, day) currency, day, percent from market.implied_volatility
    order by currency, day, learned_at
"""
_ROWS = "select count(*) from market.implied_volatility"
_NEWEST = """
    select currency, max(day) from market.implied_volatility
    where currency = any(%(currencies)s) group by currency
"""
_IMPLAUSIBLE = """
    select currency, day, percent from market.implied_volatility
    where percent not between %(lowest)s and %(highest)s order by day desc, currency limit 20
"""


@dataclass(slots=True)
class Report:
    """How many closes are new or corrected, and what could not be had, and why."""

    written: int = 0
    problems: list[str] = field(default_factory=list)


def bring(conn: Connection, source: Deribit, now: datetime) -> Report:
    """Ask for all days of each currency and store what is new or corrected; what one lacks stops no other.

    Each currency is committed, and no transaction stays open while the source thinks.
    """
    report = Report()
    for currency in CURRENCIES:
        try:
            closes = source.implied_volatility(currency, FIRST_DAY, now.date() + timedelta(days=1))
        except ProviderError as error:
            report.problems.append(f"{currency}: {error}")
            continue
        report.problems += map(str, source.take_problems())
        report.written += add(conn, currency, closes, source.name)
        conn.commit()
    return report


def add(conn: Connection, currency: str, closes: Mapping[date, float], source: str) -> int:
    """Store closes; returns how many are new, or other than what was said of their day before."""
    told = {
        "currency": currency,
        "days": list(closes),
        "percents": list(closes.values()),
        "source": source,
    }
    return conn.execute(_ADD, told).rowcount


def first_told(conn: Connection) -> dict[str, dict[date, float]]:
    """Each day's close as it was first told, by currency: what a forecast of that day could know."""
    closes: dict[str, dict[date, float]] = {}
    for currency, day, percent in conn.execute(_FIRST_TOLD):
        closes.setdefault(currency, {})[day] = percent
    return closes


def rows(conn: Connection) -> int:
    """How many values are kept, corrected ones too."""
    row = conn.execute(_ROWS).fetchone()
    return row[0] if row else 0


def newest(conn: Connection) -> dict[str, date | None]:
    """The last day of each currency; None where there is none."""
    last: dict[str, date | None] = dict.fromkeys(CURRENCIES)
    return last | dict(conn.execute(_NEWEST, {"currencies": list(CURRENCIES)}).fetchall())


def implausible(conn: Connection) -> list[str]:
    """Values that no market ever implied, newest first, at most 20."""
    found = conn.execute(_IMPLAUSIBLE, {"lowest": LOWEST, "highest": HIGHEST})
    return [f"{currency} on {day}: {percent:g} %" for currency, day, percent in found]
