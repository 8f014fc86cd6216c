"""A portfolio's page by one question of GraphQL, beside the calls of REST that it replaces: CPU of all server parts.

The page shows a portfolio of 20 tokens, the ten newest entries of its ledger, one's alerts, and the risk of what is held. One
client asks over one connection, so the ratio hardly moves with what else the machine does.
"""

from collections.abc import Callable

import httpx2
import psycopg

from bench.hot import V1, reader, seed
from bench.measure import Measure
from bench.serving import Serving, served

_PAGES = 150
_SYMBOLS = [f"T{number:02}" for number in range(20)]
_TARGET = 1.5
_QUERY = """
    query Page($id: UUID!) {
        portfolio(id: $id) {
            id name currency totalValue change24h changePercent24h netWorth unpriced stale isPending valuedAt
            stats { totalValue totalCost profitLoss profitLossPercentage holdingsCount }
            holdings {
                id amount averageBuyPrice currentValue costBasis profitLoss profitLossPercentage
                token {
                    id symbol name currentPrice priceChange24h logoUrl
                    details { risk { riskScore { overallScore riskLevel } } }
                }
            }
        }
        transactions(portfolioId: $id, first: 10) { nodes { id type tokenSymbol amount price total currency timestamp } }
        alerts { id alertType tokenSymbol condition threshold isActive lastTriggered }
    }
"""
_SCORES = """
    insert into market.risk_scores
        (token_id, day, overall_score, risk_level, volatility_score, annual_volatility, price_source, computed_at)
    select id, current_date, 40, 'medium', 40, 0.6, 'simulated', now() from market.tokens
"""


def run() -> list[Measure]:
    """CPU in milliseconds a page, and how many times that of REST."""
    with served() as serving, httpx2.Client(base_url=serving.url, timeout=30) as client:
        seed(serving)
        with psycopg.connect(serving.database_url, autocommit=True) as conn:
            conn.execute(_SCORES)
        _, portfolio = reader(client)
        for symbol in _SYMBOLS[:5]:
            wanted = {"alertType": "price", "condition": "above", "threshold": 1000}
            client.post(f"{V1}/alerts", json={**wanted, "tokenSymbol": symbol}).raise_for_status()
        rest = _cost(serving, lambda: _by_rest(client, portfolio))
        ours = _cost(serving, lambda: _by_graphql(client, portfolio))
    return [
        Measure("a portfolio's page by 4 calls of REST: CPU of all server parts", rest, "ms"),
        Measure("the same by one of GraphQL: CPU of all server parts", ours, "ms"),
        Measure("GraphQL over REST", ours / rest, "times", _TARGET),
    ]


def _cost(serving: Serving, page: Callable[[], None]) -> float:
    """Milliseconds of CPU a page, when all is warm."""
    for _ in range(_PAGES // 3):
        page()
    before = serving.cpu_seconds()
    for _ in range(_PAGES):
        page()
    return 1000 * (serving.cpu_seconds() - before) / _PAGES


def _by_rest(client: httpx2.Client, portfolio: str) -> None:
    client.get(f"{V1}/portfolios/{portfolio}").raise_for_status()
    of_it = {"portfolioId": portfolio, "limit": 10}
    client.get(f"{V1}/transactions", params=of_it).raise_for_status()
    client.get(f"{V1}/alerts").raise_for_status()
    client.post(f"{V1}/risk/batch", json={"symbols": _SYMBOLS}).raise_for_status()


def _by_graphql(client: httpx2.Client, portfolio: str) -> None:
    asked = {"query": _QUERY, "variables": {"id": portfolio}}
    answer = client.post(f"{V1}/graphql", json=asked).raise_for_status().json()
    if "errors" in answer or len(answer["data"]["portfolio"]["holdings"]) != len(_SYMBOLS):
        raise RuntimeError(f"not the page: {answer}")
