"""How a portfolio came to be worth what it is: its line against the money put in, returns, risk."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal

from flask import request
from psycopg import Connection

from coinsphere.portfolio.performance import returns, risk, stored_days
from coinsphere.portfolio.performance.period import Period
from coinsphere.portfolio.performance.realised_gains import Realised
from coinsphere.portfolio.performance.returns import Return, Returns
from coinsphere.portfolio.performance.risk import Risk
from coinsphere.portfolio.portfolios import Portfolio
from coinsphere.portfolio.valuation.daily_growth import percent
from webapi.http.schema import check
from webapi.portfolios import periods
from webapi.portfolios.performance import reading
from webapi.portfolios.periods import PeriodQuery
from webui.charts import Row, Series

SPANS = {"30": 30, "90": 90, "365": 365, "all": 20_000}
USUAL = "90"
_LEAST_POINTS = 2


@dataclass(frozen=True, slots=True)
class Rate:
    """A return in percent, or the reason why there is none."""

    percentage: Decimal | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Course:
    """A period; `outcome` is None with the reason in `unavailable`, `series` without two days."""

    span: str
    series: Series | None
    outcome: Returns | None
    unavailable: str
    realised: Realised
    risk: Risk

    @property
    def rates(self) -> dict[str, Rate]:
        """The three returns."""
        if self.outcome is None:
            return dict.fromkeys(("time", "money", "simple"), Rate(None, self.unavailable))
        found = self.outcome
        return {
            "time": _rate(found.time_weighted),
            "money": _rate(found.money_weighted),
            "simple": _rate(found.simple),
        }


def of(conn: Connection, found: Portfolio) -> Course:
    """The period that the present address asks for."""
    asked = request.args.get("span", "")
    span = asked if asked in SPANS else USUAL
    period = periods.of(found, check(PeriodQuery, {"days": SPANS[span]}))
    read = reading.of(conn, found, period, found.currency)
    outcome = returns.over(read.before, read.days)
    unavailable = returns.NO_HISTORY if read.days.is_known else returns.NO_RATE
    series = _series(read) if len(read.points) >= _LEAST_POINTS else None
    return Course(span, series, outcome, unavailable, read.realised, _risk(conn, period))


def _series(read: reading.Read) -> Series:
    put_in = returns.net_contributions(read.before, read.days)
    return Series.of(
        [Row(_midnight(each.day), (each.value, put_in.get(each.day))) for each in read.points]
    )


def _risk(conn: Connection, period: Period) -> Risk:
    grown = stored_days.growth(conn, period)
    return risk.assess([each.day for each in grown], [each.growth for each in grown])


def _rate(found: Return) -> Rate:
    return Rate(percent(found.rate), found.reason)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
