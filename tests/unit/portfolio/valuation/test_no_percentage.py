"""A profit in percent that cannot be told has its true reason."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from coinsphere.portfolio.valuation import current_holdings
from coinsphere.portfolio.valuation.current_holdings import Row

NOW = datetime(2026, 3, 10, tzinfo=UTC)
ROW = Row(
    id=UUID(int=1), portfolio_id=UUID(int=2), amount=Decimal(1), average_buy_price=None, source="ledger",
    token_id=UUID(int=3), symbol="BTC", name="Bitcoin", logo_url=None, price=Decimal(100), price_source="binance",
    price_updated_at=NOW, price_change_24h=None, cost=Decimal(50), uncosted=Decimal(0), created_at=NOW, updated_at=NOW,
)  # fmt: skip


@pytest.mark.parametrize(
    ("change", "rate", "reason"),
    [
        ({}, Decimal(1), None),
        ({"price": None}, Decimal(1), "it has no price"),
        ({}, None, "there is no exchange rate of EUR"),
        ({"uncosted": Decimal("0.5")}, Decimal(1), "what it cost is not known"),
        ({"cost": Decimal(0)}, Decimal(1), "it cost nothing"),
        (
            {"cost": Decimal("1e-18")},
            Decimal(1),
            "it cost so little that the figure is out of range",
        ),
    ],
)
def test_the_reason_is_the_true_one(change, rate, reason) -> None:
    held = current_holdings._valued(ROW._replace(**change), "EUR", rate, is_stale=False)
    assert held.no_percentage == reason
    assert (held.profit_loss_percentage is None) == (reason is not None)
    sums = current_holdings.totals([held])
    assert (sums.no_percentage is None) == (sums.profit_loss_percentage is not None)
    if reason in (None, "it cost nothing"):
        assert sums.no_percentage == reason


def test_one_holding_without_a_figure_takes_no_others_away() -> None:
    known = current_holdings._valued(ROW, "EUR", Decimal(1), is_stale=False)
    unknown = current_holdings._valued(
        ROW._replace(price=None, symbol="NEW"), "EUR", Decimal(1), is_stale=False
    )
    sums = current_holdings.totals([known, unknown])
    assert (sums.profit_loss_percentage, sums.no_percentage) == (Decimal(100), None)
    assert current_holdings.totals([]).no_percentage == "nothing is held"
    nothing = current_holdings.totals([unknown]).no_percentage
    assert nothing == "of nothing that is held and traded both a price and a cost are known"
