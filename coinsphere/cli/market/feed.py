"""The feed of live quotes as `coinsphere status` and `coinsphere market status` show it."""

from psycopg import Connection
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from coinsphere.market.feed import states

_STATES = {"streaming": "heard", "polling": "asked"}
_NO_REASON = {"polling": "has no stream"}


def show_briefly(console: Console, conn: Connection) -> None:
    """Print how many venues stream, and why the others are polled; nothing where no feed ever ran."""
    venues = states.venues(conn)
    if not venues:
        return
    heard = sum(each.state == "streaming" for each in venues)
    console.print(f"{heard} of {len(venues)} venues stream their prices.", highlight=False)
    for each in venues:
        if each.state == "polling" and each.reason:
            sentence = f"{each.venue} is asked since {each.since:%H:%M:%S} UTC: {each.reason}."
            console.print(f"[yellow]{escape(sentence)}[/yellow]", highlight=False)


def show(console: Console, conn: Connection) -> None:
    """Print how each venue streams, and how far the feed is; nothing where none ever ran."""
    feed = states.feed(conn)
    if feed is None:
        return
    table = Table("venue", "prices are", "since", "last", "count", "breaks", "gaps", "why")
    for each in states.venues(conn):
        table.add_row(
            each.venue,
            _STATES.get(each.state, each.state),
            f"{each.since:%m-%d %H:%M:%S}",
            f"{each.heard_at:%H:%M:%S}" if each.heard_at else "",
            f"{each.updates:,}",
            str(each.breaks),
            str(each.gaps),
            escape(each.reason or _NO_REASON.get(each.state, "")),
        )
    console.print(table)
    minute = f"{feed.settled_at:%Y-%m-%d %H:%M:%S}" if feed.settled_at else "none yet"
    console.print(
        f"The feed looked round at {feed.beat_at:%Y-%m-%d %H:%M:%S} UTC; its last minute is {minute}, with {feed.tokens} tokens.",
        highlight=False,
    )
