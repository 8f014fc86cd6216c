"""How risky tokens are."""

from typing import Any

from apiflask import APIBlueprint

from webapi.http import errors, idempotency
from webapi.risk import analysis, queries, schemas
from webapi.risk.queries import Score
from webapi.security import limits
from webapi.security.access import signed_in
from webapi.services import services
from webapi.tokens import symbols
from webapi.tokens.queries import Token

risk = APIBlueprint("risk", __name__, tag="Risk")

_PARTS = ("liquidity_score", "volatility_score", "market_cap_score", "volume_score")


@risk.get("/<symbol>")
@signed_in
@risk.output(schemas.RiskOut)
def get_risk(symbol: str) -> dict[str, Any]:
    """The newest risk score of a token.

    Answers 503 with the reason where there is none yet: it takes 30 daily returns.
    """
    with services().database.connection() as conn:
        token = symbols.find(conn, symbol)
        score = queries.newest(conn, [token.id]).get(token.id)
    if score is None:
        raise errors.unavailable(_without_score(token), code="no-risk-score")
    return _answer(token, score)


@risk.post("/batch")
@signed_in
@limits.weighs(5)
@idempotency.reads_only
@risk.input(schemas.RiskBatchIn)
@risk.output(schemas.RisksOut)
def get_risks(json_data: schemas.RiskBatchIn) -> dict[str, Any]:
    """The newest risk scores of several tokens; one without an answer does not spoil the others."""
    with services().database.connection() as conn:
        wanted = symbols.find_all(conn, json_data.symbols)
        scores = queries.newest(conn, [token.id for _, token in wanted if token is not None])
    risks, failures = [], []
    for symbol, token in wanted:
        if token is None:
            problem = errors.token_not_found(symbol)
            failures.append({"symbol": symbol, "status": problem.status, "error": problem.error})
        elif token.id in scores:
            risks.append(_answer(token, scores[token.id]))
        else:
            failures.append({"symbol": symbol, "status": 503, "error": _without_score(token)})
    return {"risks": risks, "errors": failures, "count": len(risks)}


def _answer(token: Token, score: Score) -> dict[str, Any]:
    return {
        "symbol": token.symbol,
        "name": token.name,
        "risk_score": {
            "overall_score": score.overall_score,
            "risk_level": score.risk_level,
            "components": {name: getattr(score, name) for name in _PARTS},
            "analysis": analysis.describe(token.symbol, score),
        },
        "volatility": score.annual_volatility,
        "as_of": score.day.isoformat(),
        "timestamp": score.computed_at,
        "price_source": score.price_source,
    }


def _without_score(token: Token) -> str:
    return f"no risk score of {token.symbol} yet: it takes 30 daily returns"
