"""Portfolios that their owners share: whoever has the link sees them, nobody may change them."""

from apiflask import APIBlueprint
from flask import Response

from webapi.portfolios import scope
from webapi.security.access import public
from webapi.shared import schemas, shared_portfolio

blueprint = APIBlueprint("shared", __name__, tag="Portfolios")


@blueprint.get("/<secret>")
@public
@blueprint.output(schemas.SharedOut)
def get_shared(secret: str) -> Response:
    """A portfolio as its owner shares it; with amounts hidden, only parts of the whole and growth are shown, rounded.

    Of exact parts one could tell amounts that are round numbers of units: they stand to each other as whole numbers.
    """
    answer = scope.tagged(shared_portfolio.open_link(secret))
    # Kept nowhere: it ends when the link does. Found by no search engine.
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
    return answer
