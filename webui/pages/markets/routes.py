"""All tokens, by market cap, with a line of their last weeks; searched while one types."""

from flask import Blueprint, Response, request

from webapi.http.schema import check
from webapi.services import services
from webapi.tokens import paging
from webapi.tokens import queries as tokens
from webapi.tokens.schemas import ListQuery
from webui import charts, rendering, requests
from webui.pages.markets import queries
from webui.security.access import signed_in

web_tokens = Blueprint("web_tokens", __name__)
_ON_A_PAGE = 50
_LINE_DAYS = 30


@web_tokens.get("/markets")
@signed_in
def markets() -> Response:
    """The list, or what of it a search leaves; htmx gets the rows alone."""
    asked = check(ListQuery, {k: v for k, v in request.args.items() if v and k in ("q", "cursor")})
    after = None if asked.cursor is None else paging.after(asked.cursor)
    with services().database.connection() as conn:
        found = tokens.search(conn, asked.q or None, after, _ON_A_PAGE + 1)
        page = found[:_ON_A_PAGE]
        closes = queries.closes(conn, [each.id for each in page], _LINE_DAYS)
    lines = {token_id: charts.sparkline(values) for token_id, values in closes.items()}
    return rendering.page(
        "markets/rows.html" if requests.is_part() else "markets/index.html",
        tokens=page,
        lines=lines,
        q=asked.q or "",
        next_cursor=paging.cursor_of(page[-1]) if len(found) > _ON_A_PAGE else None,
    )
