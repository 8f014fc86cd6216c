"""`coinsphere market revisions`: changes to final candles and to exchange rates."""

from collections.abc import Iterable
from datetime import datetime

import click
from psycopg import Connection
from rich.markup import escape
from rich.table import Table

from coinsphere.cli.console import console as new_console
from coinsphere.clock import DAY, utc_now
from coinsphere.market.candles import revisions
from coinsphere.market.candles.revisions import Revision
from coinsphere.market.reference import tokens
from coinsphere.portfolio.valuation import rate_revisions, reference_rates
from coinsphere.portfolio.valuation.rate_revisions import RateRevision


def show(conn: Connection, symbol: str | None, days: int, limit: int) -> None:
    """Print the newest revisions of the last `days`, of one token, of one currency, or of all.

    Raises:
        click.ClickException: the symbol is neither a token's nor that of a currency with rates.
    """
    since = utc_now() - days * DAY
    candles, rates = _listed(conn, symbol, since, limit)
    console = new_console()
    if candles:
        console.print(_table("close", map(_candle, candles)), highlight=False)
    if rates:
        console.print(_table("for a euro", map(_rate, rates)), highlight=False)
    if not candles and not rates:
        console.print(
            f"No final candle and no exchange rate changed in the last {days} days.",
            highlight=False,
        )


def _listed(
    conn: Connection, symbol: str | None, since: datetime, limit: int
) -> tuple[list[Revision], list[RateRevision]]:
    if symbol is None:
        return (
            revisions.listed(conn, limit, since=since),
            rate_revisions.listed(conn, limit, since=since),
        )
    currency = symbol.upper()
    try:
        token_id = tokens.by_symbol(conn, symbol).id
    except LookupError as error:
        if currency not in reference_rates.currencies(conn):
            raise click.ClickException(
                f"No token has the symbol {symbol}, and no exchange rate is known of it."
            ) from error
        return [], rate_revisions.listed(conn, limit, since=since, currency=currency)
    return revisions.listed(conn, limit, token_id=token_id, since=since), []


def _table(what: str, rows: Iterable[tuple[str, ...]]) -> Table:
    table = Table("of", "when", f"{what} was", "is", "until", "by", "why")
    for row in rows:
        table.add_row(*row)
    return table


def _candle(each: Revision) -> tuple[str, ...]:
    return (
        each.symbol,
        f"{each.interval} {each.opened_at:%Y-%m-%d %H:%M}",
        f"{each.was.normalize():f} ({each.was_judged})",
        "gone" if each.became is None else f"{each.became.normalize():f} ({each.became_judged})",
        f"{each.believed_until:%Y-%m-%d %H:%M}",
        escape(each.revised_by or ""),
        escape(each.reason or ""),
    )


def _rate(each: RateRevision) -> tuple[str, ...]:
    return (
        each.currency,
        each.day.isoformat(),
        f"{each.was.normalize():f} ({escape(each.source)})",
        "gone" if each.became is None else f"{each.became.normalize():f}",
        f"{each.believed_until:%Y-%m-%d %H:%M}",
        escape(each.revised_by),
        escape(each.reason),
    )
