"""Where one's things are: accounts at exchanges, wallets, and what these have in protocols, on one page."""

from flask import Blueprint, Response

from coinsphere.defi import repository as positions
from coinsphere.defi import valuation
from coinsphere.exchanges import connections
from coinsphere.exchanges.sync import syncs
from coinsphere.exchanges.venues.all import VENUES
from coinsphere.wallets import repository as wallets
from webapi.portfolios import scope
from webui import rendering
from webui.security.access import signed_in

web_connections = Blueprint("web_connections", __name__)


@web_connections.get("/connections")
@signed_in
def everything() -> Response:
    """All connections with how they are."""
    user_id = scope.user_id()
    with scope.connection() as conn:
        found = connections.list_for(conn, user_id)
        newest = {each.id: syncs.latest(conn, user_id, each.id) for each in found}
        owned = wallets.list_for(conn, user_id)
        held = positions.open_positions(conn, user_id)
    return rendering.page(
        "connections/index.html", exchanges=found, newest=newest, wallets=owned, positions=held,
        sums=valuation.totals(held), worth=valuation.value, venues=VENUES,
    )  # fmt: skip
