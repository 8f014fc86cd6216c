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

SPANS = {"30": 30, "90": 90, "365": 365, "all": 20_000}
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
        found = self.outcome
        return {
            "time": _rate(found.time_weighted),
            "money": _rate(found.money_weighted),
            "simple": _rate(found.simple),
        }


@dataclass(frozen=True, slots=True)
class Trail:
    """From what the returns of a period were computed; `outcome` is None with the reason in `unavailable`."""

    span: str
    outcome: Returns | None
    unavailable: str
    flows: list[CashFlow]
    parts: list[SubPeriod]


def of(conn: Connection, found: Portfolio) -> Course:
    """The period that the present address asks for."""
    span, period = _period(found)
    read = reading.of(conn, found, period, found.currency)
    outcome = returns.over(read.before, read.days)
    unavailable = returns.why(read.days)
    series = _series(read) if len(read.points) >= _LEAST_POINTS else None
    asked, compared = _compared(conn, found, period, read)
    return Course(
        span, series, outcome, unavailable, read.realised, _risk(conn, period), asked, compared
    )


def trail(conn: Connection, found: Portfolio) -> Trail:
    """How the returns of the period that the present address asks for were computed."""
    span, period = _period(found)
    read = reading.of(conn, found, period, found.currency)
    unavailable = returns.why(read.days)
    return Trail(
        span, returns.over(read.before, read.days), unavailable,
        returns.cash_flows(read.before, read.days), returns.sub_periods(read.before, read.days),
    )  # fmt: skip


def _period(found: Portfolio) -> tuple[str, Period]:
    asked = request.args.get("span", "")
    span = asked if asked in SPANS else USUAL
    return span, periods.of(found, check(PeriodQuery, {"days": SPANS[span]}))


def _compared(
    conn: Connection, found: Portfolio, period: Period, read: reading.Read
) -> tuple[str, Rate | None]:
    """What is compared with, and its return; a token that nobody knows says so."""
    asked = request.args.get("benchmark", "").strip()[:_MOST_CHARACTERS]
    if not asked:
        return "", None
    try:
        grown = benchmarks.growth(conn, found.currency, asked, period, read.points)
    except Problem:
        return asked, Rate(None, "no token has that symbol")
    told = benchmarks.outcome(asked, grown) or {}
    return asked, Rate(told.get("percentage"), told.get("reason"))


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
