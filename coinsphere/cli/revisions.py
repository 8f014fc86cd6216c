"""`coinsphere market revisions`: what changed of candles that were final."""

import click
from psycopg import Connection
from rich.markup import escape
from rich.table import Table

from coinsphere.cli.console import console as new_console
from coinsphere.clock import DAY, utc_now
from coinsphere.market.candles import revisions
from coinsphere.market.candles.revisions import Revision
from coinsphere.market.reference import tokens


def show(conn: Connection, symbol: str | None, days: int, limit: int) -> None:
    """Print the newest revisions of the last `days`, of one token or of all."""
    try:
        token_id = tokens.by_symbol(conn, symbol).id if symbol else None
    except LookupError as error:
        raise click.ClickException(f"No token has the symbol {symbol}.") from error
    found = revisions.listed(conn, limit, token_id=token_id, since=utc_now() - days * DAY)
    console = new_console()
    console.print(
        _table(found) if found else f"No final candle changed in the last {days} days.",
        highlight=False,
    )


def _table(found: list[Revision]) -> Table:
    table = Table("token", "candle", "close was", "is", "until", "by", "why")
    for each in found:
        table.add_row(
            each.symbol,
            f"{each.interval} {each.opened_at:%Y-%m-%d %H:%M}",
            f"{each.was.normalize():f} ({each.was_judged})",
            "gone"
            if each.became is None
            else f"{each.became.normalize():f} ({each.became_judged})",
            f"{each.believed_until:%Y-%m-%d %H:%M}",
            escape(each.revised_by or ""),
            escape(each.reason or ""),
        )
    return table
