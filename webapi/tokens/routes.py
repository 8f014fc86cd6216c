"""Tokens: list, detail, history, and the administrator's way to add one."""

from dataclasses import asdict
from datetime import datetime
from typing import Any, cast

from apiflask import APIBlueprint
from flask import Response

from coinsphere.market import prices
from webapi.admin.tokens import use_cases
from webapi.http import errors, pages, tables
from webapi.security.access import admin, signed_in
from webapi.services import services
from webapi.tokens import (
    cache_keys,
    history,
    history_files,
    paging,
    price_answers,
    price_schemas,
    queries,
    schemas,
    symbols,
)
from webapi.tokens.history import Point
from webapi.tokens.queries import After

tokens = APIBlueprint("tokens", __name__, tag="Tokens")


@tokens.get("")
@signed_in
@pages.cached
@tokens.input(schemas.ListQuery, location="query")
@tokens.output(schemas.TokensOut)
def list_tokens(query_data: schemas.ListQuery) -> Response:
    """Tokens with their prices, by market cap, unknown last."""
    after = None if query_data.cursor is None else paging.after(query_data.cursor)
    return pages.respond(
        cache_keys.LIST, cache_keys.list_key(query_data), lambda: _list(query_data, after)
    )


@tokens.post("")
@admin
@tokens.input(schemas.TokenIn)
@tokens.output(schemas.CreatedOut, 201)
def create_token(json_data: schemas.TokenIn) -> dict[str, Any]:
    """Add a token.

    Answers 409 where the contract on its chain, or the CoinGecko id, belongs to another. A symbol may occur twice.
    Lists that are cached show it within seconds.
    """
    return {"token": use_cases.create(json_data)}


@tokens.get("/<symbol>")
@signed_in
@pages.cached
@tokens.output(schemas.DetailOut)
def get_token(symbol: str) -> Response:
    """All that is known of a token; of several with the symbol, the one of the highest market cap."""
    return pages.respond(cache_keys.DETAIL, symbol.upper(), lambda: _detail(symbol))


@tokens.get("/<symbol>/history")
@signed_in
@pages.cached
@tokens.input(schemas.HistoryFileQuery, location="query")
@tokens.output(schemas.HistoryOut)
@tokens.doc(responses=tables.INSTEAD)
def get_history(symbol: str, query_data: schemas.HistoryFileQuery) -> Response:
    """Candles of a token, at most 1,000, measured back from the newest; `asOf` shows what was believed then.

    As Parquet or Arrow it is a file of every candle of the frame, with exact decimals and instants in UTC.
    """
    form = tables.asked(query_data.format)
    if form != "json":
        return history_files.answer(symbol, query_data, cast("tables.Form", form))
    frame, as_of = query_data.timeframe, query_data.as_of
    key = f"{symbol.upper()}:{frame}" + (f":{as_of.isoformat()}" if as_of else "")
    page = pages.respond(cache_keys.HISTORY, key, lambda: _history(symbol, frame, as_of))
    return tables.beside(page)


@tokens.get("/<symbol>/price")
@signed_in
@tokens.input(price_schemas.PriceQuery, location="query")
@tokens.output(price_schemas.PriceOut)
def get_price(symbol: str, query_data: price_schemas.PriceQuery) -> dict[str, Any]:
    """The price that venues agreed on, with how sure it is; `explain` tells what it was made of.

    Before venues were asked it is the close of the last candle; 404 where nothing was known at that instant.
    """
    moment = query_data.at or query_data.as_of or services().clock()
    with services().database.connection() as conn:
        token = symbols.find(conn, symbol)
        price = prices.at(conn, token.id, moment, query_data.as_of)
    if price is None:
        raise errors.no_price(token.symbol)
    return price_answers.shown(token.symbol, price, explain=query_data.explain)


def _list(query: schemas.ListQuery, after: After | None) -> schemas.TokensOut:
    with services().database.lagging() as conn:
        rows = queries.search(conn, query.q or None, after, query.limit + 1)
    page = rows[: query.limit]
    return schemas.TokensOut(
        tokens=[schemas.ListedTokenOut.model_validate(token) for token in page],
        next_cursor=paging.cursor_of(page[-1]) if len(rows) > query.limit else None,
    )


def _detail(symbol: str) -> schemas.DetailOut:
    with services().database.lagging() as conn:
        token = asdict(queries.with_extremes(conn, symbols.find(conn, symbol)))
    return schemas.DetailOut.model_validate({**token, "token": token})


def _history(symbol: str, frame: str, as_of: datetime | None) -> schemas.HistoryOut:
    with services().database.lagging() as conn:
        token = symbols.find(conn, symbol)
        points = history.of_frame(conn, token.id, frame, as_of)
        price, source = token.current_price, token.price_source
        if as_of is not None:
            then = prices.at(conn, token.id, as_of, as_of)
            price, source = (then.price, then.source) if then else (None, None)
    return schemas.HistoryOut.model_validate(
        {
            "symbol": token.symbol,
            "timeframe": frame,
            "interval": points[0].interval if points else None,
            "current_price": price,
            "price_source": source,
            "data_points": len(points),
            "price_history": [_point(point) for point in points],
        }
    )


def _point(point: Point) -> dict[str, Any]:
    return {
        **asdict(point),
        "time": int(point.opened_at.timestamp()) * 1000,
        "price": point.close,
        "filled": point.is_filled,
    }
