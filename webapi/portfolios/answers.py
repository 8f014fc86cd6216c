"""Portfolios and holdings in the words of the wire."""

from typing import Any

from coinsphere.portfolio.portfolios import Portfolio
from coinsphere.portfolio.valuation.current_holdings import Holding, Totals


def holding(found: Holding) -> dict[str, Any]:
    """A holding as `HoldingOut` takes it."""
    row = found.row
    return {
        "id": row.id,
        "portfolioId": row.portfolio_id,
        "amount": row.amount,
        "averageBuyPrice": row.average_buy_price,
        "source": row.source,
        "currentValue": found.current_value,
        "costBasis": found.cost_basis,
        "profitLoss": found.profit_loss,
        "profitLossPercentage": found.profit_loss_percentage,
        "profitLossReason": found.no_percentage,
        "unrealizedPnL": found.profit_loss,
        "isStale": found.is_stale,
        "missingRate": found.missing_rate,
        "token": {
            "id": row.token_id,
            "symbol": row.symbol,
            "name": row.name,
            "currentPrice": row.price,
            "priceChange24h": row.price_change_24h,
            "priceSource": row.price_source,
            "priceUpdatedAt": row.price_updated_at,
            "logoUrl": row.logo_url,
        },
        "createdAt": row.created_at,
        "updatedAt": row.updated_at,
    }


def portfolio(found: Portfolio, held: list[Holding], sums: Totals) -> dict[str, Any]:
    """A portfolio as the wire has it."""
    return {
        "id": found.id,
        "name": found.name,
        "description": found.description,
        "icon": found.icon,
        "currency": found.currency,
        "lotMethod": found.lot_method,
        "lotScope": found.lot_scope,
        "transferTolerance": found.transfer_tolerance,
        "transferHours": found.transfer_hours,
        "isActive": found.is_active,
        "createdAt": found.created_at,
        "updatedAt": found.updated_at,
        "holdings": [holding(each) for each in held],
        "stats": {
            "totalValue": sums.total_value,
            "totalCost": sums.total_cost,
            "profitLoss": sums.profit_loss,
            "profitLossPercentage": sums.profit_loss_percentage,
            "profitLossReason": sums.no_percentage,
            "holdingsCount": sums.holdings_count,
        },
        "totalValue": sums.total_value,
        "change24h": sums.change_24h,
        "changePercent24h": sums.change_percent_24h,
        "assetCount": sums.asset_count,
        "transactionCount": found.transaction_count,
        "unpriced": sums.unpriced,
        "stale": sums.stale,
        "uncosted": sums.uncosted,
        "missingRates": sums.missing_rates,
        "isPending": found.is_pending,
        "valuedAt": found.valued_at,
    }
