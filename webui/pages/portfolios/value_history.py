"""A portfolio's value over time: beside the money put in, with its returns and its risk."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal

from flask import request
from psycopg import Connection

from coinsphere.portfolio.performance import returns, risk, stored_days
from coinsphere.portfolio.performance.period import Period
from coinsphere.portfolio.performance.realised_gains import Realised
from coinsphere.portfolio.performance.returns import CashFlow, Return, Returns, SubPeriod
from coinsphere.portfolio.performance.risk import Risk
from coinsphere.portfolio.portfolios import Portfolio
from coinsphere.portfolio.valuation.daily_growth import percent
from webapi.http.errors import Problem
from webapi.http.schema import check
from webapi.portfolios import periods
from webapi.portfolios.performance import benchmarks, reading
from webapi.portfolios.periods import PeriodQuery
from webui.charts import Row, Series

SPANS = {"30": 30, "90": 90, "365": 366, "all": 20_000}
"""Days to today; a year has one more, as today has no close yet and a yearly rate needs a whole year of them."""
USUAL = "90"
_LEAST_POINTS = 2
_MOST_CHARACTERS = 40


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
    benchmark: str
    compared: Rate | None

    @property
    def rates(self) -> dict[str, Rate]:
        """The three returns."""
        if self.outcome is None:
            return dict.fromkeys(("time", "money", "simple"), Rate(None, self.unavailable))
        outcome = self.outcome
        return {
            "time": _rate(outcome.time_weighted),
            "money": _rate(outcome.money_weighted),
            "simple": _rate(outcome.simple),
        }


@dataclass(frozen=True, slots=True)
class Trail:
    """From what the returns of a period were computed; `outcome` is None with the reason in `unavailable`."""

    span: str
    outcome: Returns | None
    unavailable: str
    flows: list[CashFlow]
    parts: list[SubPeriod]


def of(conn: Connection, portfolio: Portfolio) -> Course:
    """The period that the present address asks for."""
    span, period = _period(portfolio)
    read = reading.of(conn, portfolio, period, portfolio.currency)
    outcome = returns.over(read.before, read.days)
    unavailable = returns.why(read.days)
    series = _series(read) if len(read.points) >= _LEAST_POINTS else None
    asked, compared = _compared(conn, portfolio, period, read)
    return Course(
        span, series, outcome, unavailable, read.realised, _risk(conn, period), asked, compared
    )


def trail(conn: Connection, portfolio: Portfolio) -> Trail:
    """How the returns of the period that the present address asks for were computed."""
    span, period = _period(portfolio)
    read = reading.of(conn, portfolio, period, portfolio.currency)
    unavailable = returns.why(read.days)
    return Trail(
        span, returns.over(read.before, read.days), unavailable,
        returns.cash_flows(read.before, read.days), returns.sub_periods(read.before, read.days),
    )  # fmt: skip


def _period(portfolio: Portfolio) -> tuple[str, Period]:
    asked = request.args.get("span", "")
    span = asked if asked in SPANS else USUAL
    return span, periods.of(portfolio, check(PeriodQuery, {"days": SPANS[span]}))


def _compared(
    conn: Connection, portfolio: Portfolio, period: Period, read: reading.Read
) -> tuple[str, Rate | None]:
    """What is compared with, and its return; a token that nobody knows says so."""
    asked = request.args.get("benchmark", "").strip()[:_MOST_CHARACTERS]
    if not asked:
        return "", None
    try:
        grown = benchmarks.growth(conn, portfolio.currency, asked, period, read.points)
    except Problem:
        return asked, Rate(None, "no token has that symbol")
    outcome = benchmarks.outcome(asked, grown) or {}
    return asked, Rate(outcome.get("percentage"), outcome.get("reason"))


def _series(read: reading.Read) -> Series:
    put_in = returns.net_contributions(read.before, read.days)
    return Series.of(
        [Row(_midnight(point.day), (point.value, put_in.get(point.day))) for point in read.points]
    )


def _risk(conn: Connection, period: Period) -> Risk:
    grown = stored_days.growth(conn, period)
    return risk.assess([day.day for day in grown], [day.growth for day in grown])


def _rate(measured: Return) -> Rate:
    return Rate(percent(measured.rate), measured.reason)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)
