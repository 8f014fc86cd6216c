"""Returns and risk, worked out by hand."""

from datetime import date, timedelta
from decimal import Decimal, localcontext

import numpy as np
import pytest

from coinsphere.portfolio.model import EXACT
from coinsphere.portfolio.performance import returns, risk
from coinsphere.portfolio.performance.returns import CashFlow
from coinsphere.portfolio.valuation import daily_growth, daily_series
from coinsphere.portfolio.valuation.daily_growth import Days, grown

D = Decimal
FIRST = date(2026, 1, 1)


def days(*rows: tuple[object, object, object]) -> Days:
    """Days from value, inflow and outflow, with growth chained as it is stored."""
    growth, previous, columns = D(1), D(0), []
    with localcontext(EXACT):
        for row in rows:
            value, inflow, outflow = (D(str(each)) for each in row)
            if growth is not None:
                growth = grown(growth, previous, value, inflow, outflow)
            kept = D(-1) if growth is None else growth
            columns.append([daily_series.units(each) for each in (value, inflow, outflow, kept)])
            previous = value
    ordinals = np.arange(len(rows)) + FIRST.toordinal()
    return Days(ordinals, np.array(columns, dtype=object).reshape(-1, 4).T, is_known=True)


def test_a_return_by_time_does_not_ask_when_money_came_one_by_money_does() -> None:
    # 100 become 110 (+10 %); 110 more come; 220 become 198 (-10 %). By time: 1.1 x 0.9 - 1 = -1 %.
    # Simple: 198 - 210 = -12 of 210. By money it is worse than by time: more was in when it fell.
    found = returns.over(None, days((100, 100, 0), (110, 0, 0), (220, 110, 0), (198, 0, 0)))
    assert found.time_weighted.rate == D("-0.01")
    assert found.gain == -12
    assert found.simple.rate == (D(-12) / 210).quantize(D("1e-12"))
    assert found.money_weighted_of_period.rate < D("-0.05")


def test_a_year_that_doubles_returns_a_hundred_percent() -> None:
    found = returns.over(None, days((100, 100, 0), *[(100, 0, 0)] * 363, (200, 0, 0)))
    assert abs(found.money_weighted.rate - 1) < D("1e-9")


def test_a_period_starts_from_the_value_before_it() -> None:
    made = days((100, 100, 0), (150, 0, 0), (120, 0, 60))
    found = returns.over(made[0], made[1:])
    # 100 -> 150 (+50 %), 150 -> 180 with the 60 that went (+20 %).
    assert found.time_weighted.rate == D("0.8")
    assert (found.start_value, found.inflow, found.outflow, found.gain) == (100, 0, 60, 80)
    chained = D(1)
    for each in returns.sub_periods(made[0], made[1:]):
        chained *= each.result / each.invested
    assert chained - 1 == found.time_weighted.rate
    assert returns.cash_flows(made[0], made[1:]) == [
        CashFlow(FIRST, D(-100)),
        CashFlow(FIRST + timedelta(days=2), D(180)),
    ]


def test_what_was_put_in_counts_from_the_value_at_the_start() -> None:
    made = days((100, 100, 0), (150, 0, 0), (120, 0, 60), (170, D("40.5"), 0))
    assert list(returns.net_contributions(None, made).values()) == [100, 100, 40, D("80.5")]
    later = returns.net_contributions(made[1], made[2:])
    assert later == {FIRST + timedelta(days=2): 90, FIRST + timedelta(days=3): D("130.5")}


def test_what_is_not_defined_says_why() -> None:
    assert returns.over(None, days()) is None
    nothing = returns.over(None, days((0, 0, 0), (0, 0, 0)))
    assert (nothing.simple.rate, nothing.simple.reason) == (None, returns.NO_MONEY)
    assert nothing.time_weighted.reason == nothing.money_weighted.reason == returns.NO_MONEY
    one_day = returns.over(None, days((110, 100, 0)))
    assert one_day.money_weighted == returns.Return(None, returns.TOO_SHORT)
    assert one_day.money_weighted_of_period.rate == one_day.simple.rate == D("0.1")
    one_day = days((110, 100, 0))
    one_day.is_known = False
    assert returns.over(None, one_day) is None


def test_all_lost_is_minus_a_hundred_percent() -> None:
    found = returns.over(None, days((100, 100, 0), (50, 0, 0), (0, 0, 0)))
    assert found.time_weighted.rate == found.simple.rate == -1
    assert found.money_weighted_of_period.rate == -1


def test_a_period_under_a_year_is_not_made_a_year() -> None:
    # 364 days from the end of the day before the first to the last, and one more.
    quiet = [(100, 0, 0)] * 362
    found = returns.over(None, days((100, 100, 0), *quiet, (110, 0, 0)))
    assert found.money_weighted == returns.Return(None, returns.TOO_SHORT)
    assert found.money_weighted_of_period.rate == D("0.1")
    found = returns.over(None, days((100, 100, 0), (100, 0, 0), *quiet, (110, 0, 0)))
    assert found.money_weighted.rate == found.money_weighted_of_period.rate == D("0.1")


def over_flows(*flows: tuple[int, int]) -> returns.Returns:
    """Returns of money that came (negative) or went on days; what is in is worth what came, until it goes at the end."""
    last = max(day for day, _ in flows)
    amounts = dict(flows)
    rows = [
        (0 if day == last else 1, max(0, -amounts.get(day, 0)), max(0, amounts.get(day, 0)))
        for day in range(last + 1)
    ]
    return returns.over(None, days(*rows))


def test_a_rate_of_the_other_sign_than_the_gain_is_none() -> None:
    """100 out, and then 110 in: 10 were lost, at +10 % in 199 days. Of money that is in first, the only rate is of the gain's sign."""
    found = over_flows((0, 100), (200, -110))
    assert found.gain == -10
    assert found.money_weighted_of_period == returns.Return(None, returns.AGAINST_GAIN)


def test_several_rates_are_none() -> None:
    # 1,000 in, 2,300 out, 1,320 in: +10 % and +20 % a year both explain it, and the gain is -20.
    found = over_flows((1, -1_000), (365, 2_300), (731, -1_320))
    assert found.money_weighted == returns.Return(None, returns.NOT_UNIQUE)
    # +10, +20 and +30 % a year, and a gain: the first and the last flow alone look like one rate.
    found = over_flows((1, -1_000), (365, 3_600), (731, -4_310), (1_095, 1_716))
    assert found.gain > 0
    assert found.money_weighted == returns.Return(None, returns.NOT_UNIQUE)
    # 40,000 in, 44,000 out; a year later 50,000 in, 45,000 out: -100 %, +26 % a year, and 10^9 %.
    found = over_flows((1, -40_000), (2, 44_000), (366, -50_000), (367, 45_000))
    assert found.gain == -1_000
    assert found.money_weighted == returns.Return(None, returns.NOT_UNIQUE)
    # Of 10^15 % all balances are next to nothing by their worth at the start, which proves no other rate away.
    found = over_flows((1, -20_000), (5, 30_000), (366, -50_000), (368, 39_000))
    assert found.gain == -1_000
    assert found.money_weighted == returns.Return(None, returns.NOT_UNIQUE)
    # One rate is of the whole time; the other is of a day, which makes it 10^278 % of 365.
    found = over_flows((1, -34), (2, 191), (366, -191))
    assert found.money_weighted_of_period == returns.Return(None, returns.NOT_UNIQUE)


def test_no_rate_is_none() -> None:
    # 100 out before 200 in and 150 out: always worth more than nothing.
    found = over_flows((0, 100), (200, -200), (400, 150))
    assert found.money_weighted == returns.Return(None, returns.NO_SOLUTION)


def test_many_payments_in_and_out_have_one_rate_where_money_is_always_in() -> None:
    found = over_flows((1, -1_000), (100, 300), (200, -500), (300, 400), (400, -20), (500, 900))
    assert found.gain == 80
    assert 0 < found.money_weighted.rate < D("0.2")


@pytest.mark.parametrize("worth", ["700", "1e9", "1e18", "1e40"])
def test_what_had_next_to_no_value_has_no_rate_beyond_the_bound(worth: str) -> None:
    dust = D("1e-18")
    found = returns.over(None, days((dust, dust, 0), (worth, 0, 0)))
    assert found.gain > 0
    for each in (found.time_weighted, found.money_weighted_of_period, found.simple):
        assert each == returns.Return(None, returns.OUT_OF_RANGE)
    assert returns.sub_periods(None, days((dust, dust, 0), (worth, 0, 0)))[1].rate is None
    assert daily_growth.percentage(D(worth), dust) is None


def test_what_was_lost_or_left_all_bounds_takes_nothing_from_later_periods() -> None:
    for before in [
        ((100, 100, 0), (0, 0, 0)),
        ((D("1e-18"), D("1e-18"), 0), (10**12, 0, 0), (1, 0, 10**12)),
    ]:
        made = days(*before, (100, 100, 0), (150, 0, 0))
        start = len(before) - 1
        rate = returns.over(made[start], made[start + 1 :]).time_weighted.rate
        assert rate == (D("150") / (100 + before[-1][0]) - 1).quantize(D("1e-12"))


def test_risk_of_a_history_worked_out_by_hand() -> None:
    # 20 times +1 %, then 20 times -1 %: mean about 0, the deviation about 1 %.
    levels = [1.0]
    for move in [0.01] * 20 + [-0.01] * 20:
        levels.append(levels[-1] * (1 + move))
    calendar = [FIRST + timedelta(days=number) for number in range(41)]
    found = risk.assess(calendar, levels)
    assert found.days == 40
    assert found.volatility == pytest.approx(0.01 * (40 / 39) ** 0.5 * 365**0.5)
    assert found.sharpe == pytest.approx(0, abs=1e-9)
    assert found.value_at_risk == found.expected_shortfall == pytest.approx(0.01)
    assert found.drawdown.depth == pytest.approx(1 - 0.99**20)
    assert (found.drawdown.peak_day, found.drawdown.low_day) == (calendar[20], calendar[40])


def test_risk_of_too_few_days_is_unknown() -> None:
    found = risk.assess([FIRST, FIRST + timedelta(days=1)], [1.0, 0.9])
    assert found.volatility is None
    assert found.value_at_risk is None
    assert found.drawdown.depth == pytest.approx(0.1)


def test_concentration_and_correlation() -> None:
    assert risk.concentration([1, 1, 1, 1]) == pytest.approx(0.25)
    assert risk.concentration([]) is None
    calendar = [FIRST + timedelta(days=number) for number in range(40)]
    wave = {day: (-1) ** number * 0.01 for number, day in enumerate(calendar)}
    opposite = {day: -move for day, move in wave.items()}
    found = risk.correlations({"A": wave, "B": opposite, "C": dict.fromkeys(calendar, 0.0)})
    assert found["A"]["B"] == found["B"]["A"] == pytest.approx(-1)
    assert found["A"]["C"] is None
