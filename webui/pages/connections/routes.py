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
        exchanges = connections.list_for(conn, user_id)
        newest = {each.id: syncs.latest(conn, user_id, each.id) for each in exchanges}
        owned = wallets.list_for(conn, user_id)
        defi_positions = positions.open_positions(conn, user_id)
    return rendering.page(
        "connections/index.html", exchanges=exchanges, newest=newest, wallets=owned, positions=defi_positions,
        sums=valuation.totals(defi_positions), worth=valuation.value, venues=VENUES,
    )  # fmt: skip
