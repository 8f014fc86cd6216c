"""Risk scores in the form of the API's answers."""

from typing import Any

from webapi.http import errors
from webapi.risk import analysis, schemas
from webapi.risk.queries import Score
from webapi.tokens.queries import Token

_PARTS = tuple(schemas.ComponentsOut.model_fields)


def risk(token: Token, score: Score | None) -> dict[str, Any]:
    """The newest score as `RiskOut` takes it. Raises `errors.Problem` with status 503 where there is none yet."""
    if score is None:
        error = f"no risk score of {token.symbol} yet: it takes 30 daily returns"
        raise errors.unavailable(error, code="no-risk-score")
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
