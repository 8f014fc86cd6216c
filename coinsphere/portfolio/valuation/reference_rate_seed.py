"""Reference rates where the bank cannot be reached: a dated set of its own, continued for a simulated market.

The set is the European Central Bank's, as published up to `DAY` (https://www.ecb.europa.eu/stats/eurofxref, free to use
with the source named), of the currencies that it still publishes. Rates of it are marked as `SEED`, those that carry on
from it as `simulated`; the bank's own take the place of both as soon as they come.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from math import exp
from pathlib import Path

from psycopg import Connection

from coinsphere.market import origin
from coinsphere.market.simulation.streams import generator
from coinsphere.portfolio.valuation import reference_rates
from coinsphere.portfolio.valuation.reference_rates import Rate

SEED = "ecb-seed"
DAY = date(2026, 10, 30)
_FILE = Path(__file__).parent / "seeds" / f"ecb-{DAY}.zip"
_DAILY = 0.005
"""Standard deviation of a day's move: that of the dollar for a euro from 2009 on."""
_PLACES = Decimal("0.000001")
_SATURDAY = 5


def store(conn: Connection, today: date) -> int:
    """Store missing rates of the set, and those of a simulated market up to `today`. Returns how many."""
    rates = [rate for rate in reference_rates.read(_FILE).rates if rate.day <= today]
    written = reference_rates.fill(conn, rates, SEED)
    taken = origin.get(conn)
    if taken is None or taken.seed is None:
        return written
    newest = [rate for rate in rates if rate.day == DAY]
    return written + reference_rates.fill(
        conn, carried_on(newest, today, taken.seed), origin.SIMULATED
    )


def carried_on(newest: list[Rate], until: date, seed: int) -> Iterator[Rate]:
    """Rates of the weekdays behind the newest, a random walk: the same for a seed, however far it is asked for."""
    for currency, day, per_euro in newest:
        rate, at = per_euro, day
        while (at := at + timedelta(days=1)) <= until:
            if at.weekday() < _SATURDAY:
                moved = generator(seed, f"rate:{currency}", at.toordinal()).normal(0, _DAILY)
                rate = (rate * Decimal(exp(moved))).quantize(_PLACES)
                yield Rate(currency, at, rate)
