"""All tokens, by market cap, with a line of their last weeks; searched while one types, and those that one watches."""

from flask import Blueprint, Response, request

from webapi.http.schema import check
from webapi.security import access
from webapi.services import services
from webapi.tokens import paging
from webapi.tokens import queries as tokens
from webapi.tokens.schemas import ListQuery
from webapi.watchlist import queries as watched
from webapi.watchlist import use_cases as watchlist
from webui import charts, rendering, requests
from webui.pages import query_parameters
from webui.pages.markets import queries
from webui.security.access import signed_in

web_tokens = Blueprint("web_tokens", __name__)
_ON_A_PAGE = 50
_LINE_DAYS = 30


@web_tokens.get("/markets")
@signed_in
def markets() -> Response:
    """All tokens, or those that a search finds; htmx gets the rows alone."""
    query = check(ListQuery, query_parameters.given("q", "cursor"))
    after = None if query.cursor is None else paging.after(query.cursor)
    reader = access.principal().user_id
    is_own = request.args.get("watched") == "1"
    with services().database.connection() as conn:
        rows = tokens.search(
            conn, query.q or None, after, _ON_A_PAGE + 1, watcher=reader if is_own else None
        )
        page = rows[:_ON_A_PAGE]
        shown = [each.id for each in page]
        closes = queries.closes(conn, shown, _LINE_DAYS)
        stars = watched.among(conn, reader, shown)
    return rendering.page(
        "markets/rows.html" if requests.is_part() else "markets/index.html",
        tokens=page,
        lines={token_id: charts.sparkline(values) for token_id, values in closes.items()},
        stars=stars,
        q=query.q or "",
        is_own=is_own,
        next_cursor=paging.cursor_of(page[-1]) if len(rows) > _ON_A_PAGE else None,
    )


@web_tokens.post("/tokens/<symbol>/watch")
@signed_in
def watch(symbol: str) -> Response:
    """Put a token on the watchlist, or take it off; htmx gets the button as it is then."""
    is_watched = request.form.get("watched") == "true"
    with services().database.connection() as conn:
        token = (watchlist.watch if is_watched else watchlist.unwatch)(conn, symbol)
    if requests.is_part():
        return rendering.page("markets/star.html", token=token, is_watched=is_watched)
    return requests.lead_to(requests.local(request.form.get("next"), "/markets"))
