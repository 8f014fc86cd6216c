"""How risky tokens are."""

from typing import Any

from apiflask import APIBlueprint

from webapi.http import idempotency
from webapi.risk import answers, queries, schemas
from webapi.security import limits
from webapi.security.access import signed_in
from webapi.services import services
from webapi.tokens import symbols

risk = APIBlueprint("risk", __name__, tag="Risk")


@risk.get("/<symbol>")
@signed_in
@risk.output(schemas.RiskOut)
def get_risk(symbol: str) -> dict[str, Any]:
    """The newest risk score of a token.

    Answers 503 with the reason where there is none yet: it takes 30 daily returns.
    """
    with services().database.lagging() as conn:
        token = symbols.find(conn, symbol)
        score = queries.newest(conn, [token.id]).get(token.id)
    return answers.risk(token, score)


@risk.post("/batch")
@signed_in
@limits.weighs(5)
@idempotency.reads_only
@risk.input(schemas.RiskBatchIn)
@risk.output(schemas.RisksOut)
def get_risks(json_data: schemas.RiskBatchIn) -> dict[str, Any]:
    """The newest risk scores of several tokens; one without an answer does not spoil the others."""
    with services().database.lagging() as conn:
        wanted = symbols.find_all(conn, json_data.symbols)
        scores = queries.newest(conn, [token.id for _, token in wanted if token is not None])
    risks, failures = symbols.answer_each(
        wanted, lambda token: answers.risk(token, scores.get(token.id))
    )
    return {"risks": risks, "errors": failures, "count": len(risks)}
