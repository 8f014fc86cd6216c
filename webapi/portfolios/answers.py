"""Portfolios and holdings in the form of the API's answers."""

from typing import Any

from coinsphere.portfolio.portfolios import Portfolio
from coinsphere.portfolio.valuation.current_holdings import Holding, Row, Totals


def holding(valued: Holding) -> dict[str, Any]:
    """A holding as `HoldingOut` takes it."""
    row = valued.row
    return {
        "id": row.id,
        "portfolioId": row.portfolio_id,
        "amount": row.amount,
        "averageBuyPrice": row.average_buy_price,
        "source": row.source,
        "currentValue": valued.current_value,
        "costBasis": valued.cost_basis,
        "profitLoss": valued.profit_loss,
        "profitLossPercentage": valued.profit_loss_percentage,
        "profitLossReason": valued.no_percentage,
        "unrealizedPnL": valued.profit_loss,
        "isStale": valued.is_stale,
        "missingRate": valued.missing_rate,
        "token": _token(row),
        "createdAt": row.created_at,
        "updatedAt": row.updated_at,
    }


def _token(row: Row) -> dict[str, Any]:
    return {
        "id": row.token_id,
        "symbol": row.symbol,
        "name": row.name,
        "currentPrice": row.price,
        "priceChange24h": row.price_change_24h,
        "priceSource": row.price_source,
        "priceUpdatedAt": row.price_updated_at,
        "logoUrl": row.logo_url,
    }


def holdings(rows: list[Holding]) -> dict[str, Any]:
    """What is held, as `HoldingsOut` takes it."""
    return {"holdings": [holding(row) for row in rows], "count": len(rows), "notKept": []}


def portfolio(stored: Portfolio, held: list[Holding], totals: Totals) -> dict[str, Any]:
    """A portfolio as `PortfolioOut` takes it."""
    return {
        "id": stored.id,
        "name": stored.name,
        "description": stored.description,
        "icon": stored.icon,
        "currency": stored.currency,
        "lotMethod": stored.lot_method,
        "lotScope": stored.lot_scope,
        "transferTolerance": stored.transfer_tolerance,
        "transferHours": stored.transfer_hours,
        "isActive": stored.is_active,
        "createdAt": stored.created_at,
        "updatedAt": stored.updated_at,
        "holdings": [holding(row) for row in held],
        "stats": _stats(totals),
        "totalValue": totals.total_value,
        "change24h": totals.change_24h,
        "changePercent24h": totals.change_percent_24h,
        "assetCount": totals.asset_count,
        "transactionCount": stored.transaction_count,
        "unpriced": totals.unpriced,
        "stale": totals.stale,
        "uncosted": totals.uncosted,
        "missingRates": totals.missing_rates,
        "isPending": stored.is_pending,
        "valuedAt": stored.valued_at,
        "notKept": [],
    }


def _stats(totals: Totals) -> dict[str, Any]:
    return {
        "totalValue": totals.total_value,
        "totalCost": totals.total_cost,
        "profitLoss": totals.profit_loss,
        "profitLossPercentage": totals.profit_loss_percentage,
        "profitLossReason": totals.no_percentage,
        "holdingsCount": totals.holdings_count,
    }
