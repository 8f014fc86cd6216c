"""Tax reports against cases worked by hand: HMRC's own, and those of the guide, with their arithmetic."""

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coinsphere.market.reference.asset_events import Ratio
from coinsphere.portfolio.lots.book_records import Arrival, Conversion, Entry
from coinsphere.portfolio.model import ZERO, LotMethod, LotScope, Rules
from coinsphere.portfolio.tax import files, pools, reading, report
from coinsphere.portfolio.tax.matching import Token
from coinsphere.portfolio.tax.pools import Change
from coinsphere.portfolio.tax.regimes import REGIMES

from .conftest import BNB, BTC, MAIN, VAULT, FakeMarket, fact

RATES = {"USD": Decimal(1), "EUR": Decimal(1), "GBP": Decimal(1)}


def on(day: str, kind: str, amount, price=None, **fields):
    """A fact at noon of a day, in euros unless it says otherwise."""
    fields.setdefault("currency", "EUR")
    when = datetime.fromisoformat(day if "T" in day else f"{day}T12:00").replace(tzinfo=UTC)
    return fact(kind, amount, price, occurred_at=when, **fields)


def reported(code: str, year: int, *facts, prices=None, entries=None, **more):
    market = FakeMarket(prices or {}, RATES)
    rules = {each: Rules(each, "USD", LotMethod.LIFO, LotScope.PORTFOLIO) for each in (MAIN, VAULT)}
    regime = REGIMES[code]
    booked = entries or [Entry(each, each.occurred_at) for each in facts]
    currency = regime.currency or "EUR"
    token = Token(BTC, "BTC", booked, rules, market, regime, year, currency, **more)
    found = [*token.disposals(), *token.income(), *token.fees(), *token.questions()]
    return reading._report(found, regime, year, token.currency)


def gains(found):
    return [(str(each.quantity), str(each.gain), each.is_long) for each in found.disposals]


def amounts(found):
    return {each.name: each.counted for each in found.limits}


def test_germany_first_in_first_out_within_a_wallet_and_a_year_to_the_day():
    bought = (
        on("2022-05-01", "buy", 1, 10_000, exchange="ledger"),
        on("2024-01-10", "buy", 1, 30_000, exchange="kraken"),
        on("2024-06-01", "buy", 1, 40_000, exchange="kraken"),
    )
    # 1 x (60,000 - 30,000) = 30,000 on the very day on which the year ends: taxed; 0.5 x (60,000 - 40,000) = 10,000.
    on_the_day = reported(
        "de", 2025, *bought, on("2025-01-10", "sell", "1.5", 60_000, exchange="kraken")
    )
    assert [(Decimal(q), Decimal(g), is_long) for q, g, is_long in gains(on_the_day)] == [
        (1, 30_000, False),
        (Decimal("0.5"), 10_000, False),
    ]
    assert on_the_day.taxed_gain == 40_000
    # A day later the older coin is free, the oldest of all stays where it is: in another wallet.
    a_day_later = reported(
        "de", 2025, *bought, on("2025-01-11", "sell", "1.5", 60_000, exchange="kraken")
    )
    assert [each.is_long for each in a_day_later.disposals] == [True, False]
    assert (a_day_later.sums[1].gain, a_day_later.taxed_gain) == (30_000, 10_000)
    assert amounts(a_day_later)["§ 23 (3) EStG"] == 10_000


@pytest.mark.parametrize(
    ("year", "gain", "taxed"),
    [(2025, "999.99", "0"), (2025, "1000", "1000"), (2024, "1000.01", "1000.01"), (2023, "599.99", "0"),
     (2023, "600", "600"), (2025, "-500", "0")],
)  # fmt: skip
def test_germanys_limit_of_private_sales_is_a_cliff_and_rose_in_2024(year, gain, taxed):
    sold = Decimal(10_000) + Decimal(gain)
    found = reported(
        "de", year, on(f"{year}-02-01", "buy", 1, 10_000), on(f"{year}-03-01", "sell", 1, sold)
    )
    assert amounts(found)["§ 23 (3) EStG"] == Decimal(taxed)


@pytest.mark.parametrize(("value", "taxed"), [("255.99", "0"), ("256", "256")])
def test_germanys_limit_of_other_income(value, taxed):
    found = reported("de", 2025, on("2025-02-01", "staking", 1, value))
    assert (found.earned, amounts(found)["§ 22 Nr. 3 EStG"]) == (Decimal(value), Decimal(taxed))


def test_a_transfer_to_ones_own_wallet_takes_the_lot_and_its_date_along():
    bought = on("2024-01-10", "buy", 1, 30_000, exchange="kraken")
    out = on("2024-12-01", "transfer_out", 1, exchange="kraken")
    sold = on("2025-02-01", "sell", "0.999", 50_000, exchange="ledger")
    arrival = Arrival(UUID(int=5), MAIN, "ledger", Decimal("0.999"))
    entries = [
        Entry(bought, bought.occurred_at), Entry(out, out.occurred_at, arrival), Entry(sold, sold.occurred_at),
    ]  # fmt: skip
    found = reported("de", 2025, entries=entries)
    (line,) = found.disposals
    assert (line.acquired_on, line.account, line.is_long) == (date(2024, 1, 10), "ledger", True)
    assert line.cost == Decimal("0.999") * 30_000
    fee = reported("de", 2024, entries=entries)
    assert fee.disposals == []
    assert [each.quantity for each in fee.unknown] == [Decimal("0.001")]
    assert "bought nothing" in fee.unknown[0].reason


def test_the_year_ends_by_the_clock_of_the_country():
    facts = (
        on("2024-06-01", "buy", 2, 100),
        on("2024-12-31T22:59", "sell", 1, 200),
        on("2024-12-31T23:01", "sell", 1, 300),
    )
    assert [each.proceeds for each in reported("de", 2024, *facts).disposals] == [200]
    assert [each.proceeds for each in reported("de", 2025, *facts).disposals] == [300]
    assert [each.proceeds for each in reported("us", 2024, *facts).disposals] == [200, 300]


@pytest.mark.parametrize(
    ("bought", "sold", "is_long"),
    [("2024-03-01", "2025-03-01", False), ("2024-03-01", "2025-03-02", True), ("2024-02-29", "2025-02-28", False),
     ("2024-02-29", "2025-03-01", True)],
)  # fmt: skip
def test_the_united_states_tell_terms_apart_and_name_the_box(bought, sold, is_long):
    found = reported(
        "us", 2025, on(bought, "buy", 1, 100), on(sold, "sell", 1, 150, fee=Decimal(5))
    )
    (line,) = found.disposals
    assert (line.is_long, line.gain) == (is_long, 45)
    assert found.regime.box(2025, is_long=is_long) == ("L" if is_long else "I")
    assert found.regime.box(2024, is_long=is_long) == ("F" if is_long else "C")
    assert found.sums[is_long].gain == 45
    assert found.fees_paid == 5


def pounds(day: str, kind: str, amount, total):
    return on(day, kind, amount, Decimal(total) / Decimal(amount), currency="GBP")


def test_hmrcs_example_of_the_pool():
    """CRYPTO22252: 126,000 x 50 / 150 = 42,000; 300,000 - 42,000 = 258,000."""
    found = reported(
        "uk", 2019, pounds("2016-01-10", "buy", 100, 1_000), pounds("2017-01-10", "buy", 50, 125_000),
        pounds("2019-07-01", "sell", 50, 300_000),
    )  # fmt: skip
    (line,) = found.disposals
    assert (line.rule, line.cost, line.gain) == ("section 104", 42_000, 258_000)
    assert amounts(found)["annual exempt amount"] == 258_000 - 12_000


def test_hmrcs_example_of_thirty_days():
    """CRYPTO22256: 500 of 4,000 with the purchase behind: 20,000 - 17,500 = 2,500; 3,500: 140,000 - 50,000 = 90,000."""
    found = reported(
        "uk", 2018, pounds("2018-04-10", "buy", 14_000, 200_000), pounds("2018-08-30", "sell", 4_000, 160_000),
        pounds("2018-09-11", "buy", 500, 17_500),
    )  # fmt: skip
    assert [(each.rule, each.quantity, each.gain) for each in found.disposals] == [
        ("30 days", 500, 2_500), ("section 104", 3_500, 90_000),
    ]  # fmt: skip
    later = reported(
        "uk", 2020, pounds("2018-04-10", "buy", 14_000, 200_000), pounds("2018-08-30", "sell", 4_000, 160_000),
        pounds("2018-09-11", "buy", 500, 17_500), pounds("2020-05-01", "sell", 10_500, 150_001),
    )  # fmt: skip
    assert later.disposals[0].cost == 150_000, "the pool kept 10,500 tokens for 150,000"


def test_the_same_day_comes_first_and_day_thirty_one_does_not_count():
    found = reported(
        "uk", 2024, pounds("2024-05-01", "buy", 10, 100), pounds("2024-06-01T09:00", "sell", 4, 80),
        pounds("2024-06-01T18:00", "buy", 1, 30), pounds("2024-07-01", "buy", 1, 40), pounds("2024-07-02", "buy", 9, 900),
    )  # fmt: skip
    assert [(each.rule, each.quantity, each.cost) for each in found.disposals] == [
        ("same day", 1, 30), ("30 days", 1, 40), ("section 104", 2, 20),
    ]  # fmt: skip
    # The tax year is the one that begins on 6 April.
    before = reported(
        "uk", 2023, pounds("2024-01-01", "buy", 1, 1), pounds("2024-04-05", "sell", 1, 2)
    )
    assert [each.gain for each in before.disposals] == [1]


def test_the_thirty_days_see_through_a_change_of_unit():
    """One sold for 30, then 1 became 1,000, then 500 bought for 12.50: they are half of what was sold, 15 - 12.50 = 2.50.

    The other half comes out of the pool of 4 that cost 40, 15 - 5 = 10; what is left, 3,500 new ones for 35, is sold for 70.
    """
    event = Conversion(
        UUID(int=9), datetime(2024, 7, 1, tzinfo=UTC), MAIN, BTC, Ratio(Decimal(1), Decimal(1000))
    )
    found = reported(
        "uk", 2024, pounds("2024-03-01", "buy", 4, 40), pounds("2024-06-20", "sell", 1, 30),
        pounds("2024-07-10", "buy", 500, "12.5"), pounds("2025-01-10", "sell", 3500, 70), ends=[event],
    )  # fmt: skip
    assert [(each.rule, each.quantity, each.gain) for each in found.disposals] == [
        ("30 days", Decimal("0.5"), Decimal("2.5")), ("section 104", Decimal("0.5"), 10), ("section 104", 3500, 35),
    ]  # fmt: skip
    assert found.unknown == []


def test_what_comes_from_another_token_is_no_purchase_and_what_goes_on_no_sale():
    """4 are sold on the day on which 10 came over for 100 and 1 was bought for 30: 1 costs 30, 3 of the 10 cost 30."""
    day, later = date(2024, 9, 4), date(2024, 9, 20)
    found = pools.match(
        [
            Change(day, Decimal(10), Decimal(100), is_in=True, legacy=0),
            Change(day, Decimal(1), Decimal(30), is_in=True),
            Change(day, Decimal(4), Decimal(80), is_in=False),
            Change(day, Decimal(2), None, is_in=False, legacy=7),
            Change(later, Decimal(9), None, is_in=False, legacy=8),
        ]
    )
    assert [(each.rule, each.quantity, each.cost, each.legacy) for each in found] == [
        ("same day", 1, 30, None), ("section 104", 3, 30, None), ("continued", 2, 20, 7), ("continued", 5, 50, 8),
    ]  # fmt: skip


days = st.dates(date(2024, 1, 1), date(2024, 4, 30))
sizes = st.decimals("0.001", "50", places=3)
moves = st.builds(
    Change,
    on=days,
    quantity=sizes,
    money=sizes,
    is_in=st.booleans(),
    is_sale=st.just(value=True),
    legacy=st.none(),
)


@given(st.lists(moves, max_size=25))
@settings(deadline=None, max_examples=300)
def test_matching_loses_no_unit_no_cost_and_no_proceeds(changes):
    found = pools.match(changes)
    sold = [each for each in changes if not each.is_in]
    bought = [each for each in changes if each.is_in]
    assert sum((each.quantity for each in found), ZERO) == sum(
        (each.quantity for each in sold), ZERO
    )
    assert sum((each.proceeds for each in found), ZERO) == sum((each.money for each in sold), ZERO)
    known = [each for each in found if each.cost is not None]
    assert sum((each.cost for each in known), ZERO) <= sum((each.money for each in bought), ZERO)
    assert sum((each.quantity for each in known), ZERO) <= sum(
        (each.quantity for each in bought), ZERO
    )
    for each in found:
        if each.rule == pools.SAME_DAY:
            assert each.bought_on == each.sold_on
        if each.rule == pools.THIRTY_DAYS:
            assert 1 <= (each.bought_on - each.sold_on).days <= 30
    # Everything that is sold afterwards brings out all that was paid.
    rest = sum((each.quantity for each in bought), ZERO) - sum(
        (each.quantity for each in known), ZERO
    )
    if rest > 0:
        last = Change(date(2026, 1, 1), rest, ZERO, is_in=False)
        all_of_it = pools.match([*changes, last])
        paid = sum((each.cost for each in all_of_it if each.cost is not None), ZERO)
        assert paid == sum((each.money for each in bought), ZERO)


def test_what_is_unknown_stands_first_and_is_in_no_sum():
    found = reported(
        "us", 2025,
        on("2025-01-02", "deposit", 1), on("2025-02-01", "sell", 1, 100), on("2025-02-02", "sell", 1, 100),
        on("2025-03-01", "buy", 3, 10), on("2025-03-02", "lost", 1), on("2025-03-03", "gift", 1),
        on("2025-03-04", "withdrawal", 1), on("2025-03-05", "airdrop", 1),
    )  # fmt: skip
    reasons = [each.reason for each in found.unknown]
    assert [reason.split(":")[0] for reason in reasons] == [
        "sold, but what it cost is unknown", "sold, but what it cost is unknown", "what was lost or stolen", "given away",
        "left to where nobody knows", "income of unknown value",
    ]  # fmt: skip
    assert (found.disposals, found.taxed_gain, found.earned) == ([], 0, 0)
    generic = reported("generic", 2025, on("2025-03-01", "buy", 3, 10), on("2025-03-02", "lost", 1))
    assert [each.gain for each in generic.disposals] == [-10]


def test_the_files_hold_every_digit_and_guard_texts():
    found = reported(
        "de", 2025,
        on("2025-01-02", "buy", "0.123456789012345678", "1.1", exchange="=cmd()"),
        on("2025-02-01", "sell", "0.1", "3", exchange="=cmd()", fee=Decimal("0.001"), fee_token_id=BNB),
        on("2025-02-02", "sell", 5, 3, exchange="=cmd()"), on("2025-03-05", "airdrop", 1, 7, exchange="ł€"),
        prices={BNB: Decimal(500)},
    )  # fmt: skip
    text = io.StringIO()
    files.write_csv(found, text)
    rows = list(csv.DictReader(io.StringIO(text.getvalue())))
    assert [row["section"] for row in rows][:2] == ["unknown", "disposal"]
    sold = next(row for row in rows if row["section"] == "disposal")
    assert sold["account"] == "'=cmd()"
    assert Decimal(sold["gain_or_value"]) == Decimal("0.1") * 3 - Decimal("0.1") * Decimal(
        "1.1"
    ) - Decimal("0.5")
    assert sum(files.DISCLAIMER in row["what"] for row in rows) == 1
    paper = files.write_pdf(found)
    assert paper.startswith(b"%PDF-1.")
    assert len(paper) > 1_000
    assert report.a_year_after(date(2024, 2, 29)) == date(2025, 2, 28)
