"""Forecasts of the champions, live from the model server, and how earlier ones fared."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from apiflask import APIBlueprint
from flask import Response

from webapi.http import cursor, errors, idempotency, pages, paths
from webapi.predictions import (
    answers,
    current,
    indicator_queries,
    outcome_schemas,
    past_answer,
    point_in_time,
    queries,
    schemas,
)
from webapi.predictions.queries import After, Stored
from webapi.security import limits
from webapi.security.access import signed_in
from webapi.services import services
from webapi.tokens import symbols

predictions = APIBlueprint("predictions", __name__, tag="Predictions")

_PAGE = "prediction"


@predictions.get("/<symbol>")
@signed_in
@pages.cached
@predictions.input(schemas.PredictionQuery, location="query")
@predictions.output(schemas.PredictionOut)
def get_prediction(symbol: str, query_data: schemas.PredictionQuery) -> Response:
    """The champion's forecast of a token.

    Answers 503 with the reason where there is no champion or too little history. While the model server is away, the forecast that
    was issued after the last close stands, and `notKept` names what is missing of it. A forecast that has
    expired is given with `stale: true`. As a price, it is kept for some seconds; `anchoredAt` says of when it is.

    `asOf` gives the forecast that stood then, on the price that was known then; 404 where none had been issued, or a check
    held it aside.
    """
    days, as_of = query_data.horizon, query_data.as_of
    if as_of is not None:
        key = f"{symbol.upper()}:{days}:{as_of.isoformat()}"
        return pages.respond(_PAGE, key, lambda: _past_prediction(symbol, days, as_of))
    return pages.respond(_PAGE, f"{symbol.upper()}:{days}", lambda: _prediction(symbol, days))


@predictions.post("/batch")
@signed_in
@limits.weighs(5)
@idempotency.reads_only
@predictions.input(schemas.BatchIn)
@predictions.output(schemas.BatchOut)
def get_predictions(json_data: schemas.BatchIn) -> dict[str, Any]:
    """The champions' forecasts of several tokens; one without an answer does not spoil the others."""
    work = services()
    with work.database.connection() as conn:
        wanted = symbols.find_all(conn, json_data.symbols)
        known = [token for _, token in wanted if token]
        grounds = current.grounds(conn, known)
    waiting = current.submit(work, [(token, json_data.horizon) for token in known], grounds)
    asked = {token.id: wait for token, wait in zip(known, waiting, strict=True)}
    forecasts, failures = symbols.answer_each(wanted, lambda token: asked[token.id]())
    return {
        "predictions": forecasts,
        "errors": failures,
        "count": len(forecasts),
        "timeframe": schemas.FRAMES[json_data.horizon],
    }


@predictions.get("/by-id/<prediction_id>")
@signed_in
@predictions.output(outcome_schemas.StoredOneOut)
def get_stored(prediction_id: str) -> dict[str, Any]:
    """A forecast as it was stored after a close, with the price that came where that is known."""
    with services().database.connection() as conn:
        stored = queries.by_id(conn, paths.uuid(prediction_id, "prediction"))
    if stored is None:
        raise errors.not_found("prediction")
    symbol, row = stored
    return {
        "symbol": symbol,
        "timeframe": schemas.FRAMES[row.horizon_days],
        **answers.stored(row),
    }


@predictions.get("/<symbol>/history")
@signed_in
@predictions.input(schemas.HistoryQuery, location="query")
@predictions.output(outcome_schemas.StoredListOut)
def get_history(symbol: str, query_data: schemas.HistoryQuery) -> dict[str, Any]:
    """Forecasts as they were issued, newest first, each with the price that came.

    Behind them, marked `heldOut`, what the model forecast for the days by which it was judged: those were shown to nobody.
    `asOf` shows what was issued by then alone, each with the price that was believed to have come.
    """
    after = None if query_data.cursor is None else _after(query_data.cursor)
    days, limit, as_of = query_data.horizon, query_data.limit + 1, query_data.as_of
    with services().database.connection() as conn:
        token = symbols.find(conn, symbol)
        if as_of is None:
            rows = queries.history(conn, token.id, days, after, limit)
        else:
            rows = point_in_time.history(conn, token.id, days, after, limit, as_of=as_of)
    page = rows[: query_data.limit]
    return {
        "symbol": token.symbol,
        "timeframe": schemas.FRAMES[query_data.horizon],
        "predictions": [answers.stored(row) for row in page],
        "next_cursor": _cursor(page[-1]) if len(rows) > query_data.limit else None,
    }


@predictions.get("/<symbol>/accuracy")
@signed_in
@predictions.input(schemas.AccuracyQuery, location="query")
@predictions.output(outcome_schemas.AccuracyOut)
def get_accuracy(symbol: str, query_data: schemas.AccuracyQuery) -> dict[str, Any]:
    """How the forecasts fared whose outcome is known, beside "tomorrow equals today".

    Forecasts that were issued after their outcome are left out. Those by which the model was judged before it served are
    apart, in `heldOutOrigins`; while no issued one has met its outcome, they stand for it and the answer is `heldOut`.
    """
    work = services()
    now = work.clock()
    horizon = query_data.horizon
    with work.database.connection() as conn:
        token = symbols.find(conn, symbol)
        since = now - timedelta(days=query_data.days)
        issued = queries.accuracy(conn, token.id, horizon, since, now)
        held_out = queries.held_out_accuracy(conn, token.id, horizon)
    shown = issued or held_out
    return {
        "forecasts": 0,
        **(asdict(shown) if shown else {}),
        "held_out": issued is None and held_out is not None,
        "held_out_origins": {**asdict(held_out), "held_out": True} if held_out else None,
        "symbol": token.symbol,
        "timeframe": schemas.FRAMES[horizon],
        "days": query_data.days,
    }


def _prediction(symbol: str, days: int) -> schemas.PredictionOut:
    work = services()
    with work.database.connection() as conn:
        token = symbols.find(conn, symbol)
        technical = indicator_queries.indicators(conn, [token.id]).get(token.id)
        current.require_none_against(conn, token)
    # The connection is back in the pool while the model server is asked.
    forecast = current.of_server(work, token, days)
    return schemas.PredictionOut.model_validate(answers.prediction(token, forecast, technical))


def _past_prediction(symbol: str, days: int, as_of: datetime) -> schemas.PredictionOut:
    with services().database.connection() as conn:
        token = symbols.find(conn, symbol)
        answer = past_answer.answer(conn, token, days, as_of)
    return schemas.PredictionOut.model_validate(answer)


def _cursor(row: Stored) -> str:
    return cursor.encode([row.origin_at, None if row.id is None else str(row.id)])


def _after(text: str) -> After:
    origin_at, prediction_id = cursor.decode(text, 2)
    try:
        moment = datetime.fromisoformat(str(origin_at))
        return After(moment, None if prediction_id is None else UUID(str(prediction_id)))
    except ValueError:
        raise cursor.refused() from None
