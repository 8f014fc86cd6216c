"""`coinsphere market`: load candle files, see what the market tables hold and what they miss."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import click
from psycopg import Connection
from psycopg.errors import UndefinedTable
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from coinsphere.cli import progress
from coinsphere.cli.console import console as new_console
from coinsphere.cli.market import asset_events, feed, quarantine, revisions
from coinsphere.clock import DAY, utc_now
from coinsphere.db.pool import Database
from coinsphere.errors import CoinsphereError
from coinsphere.market import origin, overview
from coinsphere.market.candles import store as candle_store
from coinsphere.market.imports import file_name, importer
from coinsphere.market.imports.importer import FileReport, ImportReport
from coinsphere.market.model import Interval
from coinsphere.market.quotes import suspects
from coinsphere.market.reference import tokens
from coinsphere.settings import Role, Settings

_ROWS_SHOWN = 10
"""Bad rows shown of one file."""
_TIMEOUT_MS = 600_000


@click.group()
def market() -> None:
    """Market data: import files, see what is there and what is missing."""


@market.command("import")
@click.argument("path", type=click.Path(path_type=Path))
def import_(path: Path) -> None:
    """Load candle files (CSV, Binance dumps, zipped or not) from PATH, a file or a folder, as real history.

    Good rows are kept, bad ones are named by line and column; the same file twice writes nothing.
    """
    with _connection() as (conn, _):
        report = importer.import_folder(conn, path, begun=_begun)
    show_import(new_console(), report)
    if report.refused:
        raise click.exceptions.Exit(1)


def _begun(path: Path, number: int, total: int) -> None:
    progress.count(f"reading {file_name.shown(path)}, file", number, total)


def show_import(console: Console, report: ImportReport) -> None:
    """Print what became of each file, and name what was not kept."""
    console.print(_import_table(report))
    for file in report.files:
        _explain(console, file)
    console.print(_summary(report), highlight=False)


@market.command()
def status() -> None:
    """Show where prices come from, how much is stored, how fresh it is and what is in quarantine."""
    console = new_console()
    now = utc_now()
    with _connection() as (conn, settings):
        _show_origin(console, conn)
        console.print(_holdings_table(conn))
        stale_after = timedelta(seconds=settings.market_stale_seconds)
        feed.show(console, conn)
        _show_quotes(console, overview.quote_state(conn, now, stale_after), now)
        for failure in overview.failures(conn, now - DAY):
            what = failure.error_code.replace("_", " ")
            console.print(
                f"{failure.times} times {what} in the last 24 h, e.g. {escape(failure.example)}"
            )


@market.command()
@click.option(
    "--interval", type=click.Choice([str(interval) for interval in Interval]), default=None
)
def gaps(interval: str | None) -> None:
    """Show the candles that are missing between a token's first and last one."""
    intervals = list(Interval) if interval is None else [Interval(interval)]
    with _connection() as (conn, _):
        missing = [gap for each in intervals for gap in candle_store.gaps(conn, each)]
    console = new_console()
    if not missing:
        console.print("No candle is missing.")
        return
    table = Table("token", "interval", "first missing", "last missing", "candles")
    for gap in missing:
        table.add_row(
            gap.symbol, gap.interval, _moment(gap.first), _moment(gap.last), f"{gap.missing:,}"
        )
    console.print(table)


@market.command("revisions")
@click.argument("symbol", required=False)
@click.option("--days", default=30, show_default=True, type=click.IntRange(1, 10_000))
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 1000))
def revisions_(symbol: str | None, days: int, limit: int) -> None:
    """Show which final candles and rates changed, of SYMBOL (a token or currency) or of all: was, is, by whom and why."""
    with _connection() as (conn, _):
        revisions.show(conn, symbol, days, limit)


@market.command()
@click.argument("symbol")
@click.option("--reason", default=None, help="Why the price is wrong; kept in the quarantine.")
@click.option("--believe", is_flag=True, help="Take a doubted price into use again.")
def doubt(symbol: str, reason: str | None, *, believe: bool) -> None:
    """Mark a token's present price as suspect: nothing uses it until a newer one comes."""
    if not believe and not (reason or "").strip():
        raise click.UsageError("say why with --reason")
    with _connection() as (conn, _):
        try:
            token = tokens.by_symbol(conn, symbol.upper())
        except LookupError as error:
            raise click.ClickException(f"No token has the symbol {symbol}.") from error
        if believe:
            marked = suspects.believe(conn, token.id)
        else:
            marked = suspects.doubt(conn, token.id, (reason or "").strip())
    if marked is None:
        state = "doubted" if believe else "used"
        raise click.ClickException(f"{token.symbol} has no price that is {state}.")
    done = "used again" if believe else "suspect until a newer one comes"
    new_console().print(
        f"{token.symbol}: {marked.price:f} US dollars of {escape(marked.source)}, observed {marked.observed_at}, is {done}."
    )


_OF_REFUSED = click.option(
    "--refused", "of_refused", is_flag=True, help="Of the rows that were refused on arrival."
)


@market.command("quarantine")
@click.argument("symbol", required=False)
@click.option("--all", "past", is_flag=True, help="Also what was decided, or is gone.")
@_OF_REFUSED
def quarantine_(symbol: str | None, *, past: bool, of_refused: bool) -> None:
    """List what checks set aside and why, of one token or of all, and what was refused on arrival."""
    show = quarantine.show_refused if of_refused else quarantine.show
    with _connection() as (conn, _):
        show(conn, symbol, past=past)


@market.command()
@click.argument("which")
@click.option("--reason", required=True, help="Why it is believed; kept in the trail.")
@_OF_REFUSED
def release(which: str, reason: str, *, of_refused: bool) -> None:
    """Use again what was set aside, or refused: WHICH is a row's number, or a token's symbol for all of its rows."""
    with _connection() as (conn, _):
        quarantine.decide(conn, "release", which, reason, of_refused=of_refused)


@market.command()
@click.argument("which")
@click.option("--reason", required=True, help="Why it is wrong; kept in the trail.")
@_OF_REFUSED
def remove(which: str, reason: str, *, of_refused: bool) -> None:
    """Take candles that were set aside out of the history, or confirm that refused rows are wrong: WHICH as for release.

    What is taken out is kept in `market.quarantine`.
    """
    with _connection() as (conn, _):
        quarantine.decide(conn, "remove", which, reason, of_refused=of_refused)


def register(cli: click.Group) -> None:
    """Add these commands to `cli`."""
    asset_events.register(market, _connection)
    cli.add_command(market)


@contextmanager
def _connection() -> Iterator[tuple[Connection, Settings]]:
    """A connection in the pipeline's role; our own errors end the command with their message."""
    try:
        settings = Settings.from_env()
        url = settings.url_for(Role.PIPELINE)
        with (
            Database(url, size=1, statement_timeout_ms=_TIMEOUT_MS) as database,
            database.connection() as conn,
        ):
            yield conn, settings
    except CoinsphereError as error:
        raise click.ClickException(str(error)) from error
    except UndefinedTable as error:
        raise click.ClickException(
            "The database has no schema, or an old one: run `coinsphere db upgrade`."
        ) from error


def _import_table(report: ImportReport) -> Table:
    table = Table(title="Imported candles")
    table.add_column("file", no_wrap=True)
    for heading in ("token", "interval", "from", "to"):
        table.add_column(heading, no_wrap=True)
    for heading in ("rows", "written", "rejected"):
        table.add_column(heading, justify="right", no_wrap=True)
    for file in report.files:
        if file.refused:
            table.add_row(escape(file.name), file.symbol or "?", "[red]refused[/red]")
            continue
        table.add_row(
            escape(file.name),
            file.symbol,
            file.interval,
            _moment(file.first),
            _moment(file.last),
            f"{file.rows:,}",
            f"{file.written:,}",
            f"[red]{file.rejected_rows:,}[/red]" if file.rejected_rows else "0",
        )
    return table


def _explain(console: Console, file: FileReport) -> None:
    """Say what was not kept of a file."""
    if file.refused:
        console.print(f"[red]refused[/red] {escape(file.refused)}", highlight=False)
    for note in file.notes:
        console.print(f"  {escape(file.name)}: {escape(note)}", highlight=False)
    for row in file.rejected[:_ROWS_SHOWN]:
        console.print(f"  {escape(file.name)}, {escape(str(row))}", highlight=False)
    if file.rejected_rows > _ROWS_SHOWN:
        more = file.rejected_rows - _ROWS_SHOWN
        console.print(f"  {escape(file.name)}: and {more:,} more", highlight=False)


def _summary(report: ImportReport) -> str:
    rows = sum(file.rows for file in report.files)
    unchanged = rows - report.written - report.rejected
    parts = [
        f"{report.written:,} candles written",
        f"{unchanged:,} were there already",
    ]
    if unchanged:
        parts[-1] += ", and stay as they were given first"
    if report.rejected:
        parts.append(f"{report.rejected:,} rows rejected (see `coinsphere market quarantine`)")
    if report.refused:
        parts.append(f"{report.refused} of {len(report.files)} files refused, nothing of them kept")
    return "; ".join(parts) + "."


def _show_origin(console: Console, conn: Connection) -> None:
    taken = origin.get(conn)
    if taken is None:
        console.print("Where prices come from is not decided yet: run `coinsphere up`.")
    elif taken.is_simulated:
        console.print(
            f"[bold yellow]Prices are SIMULATED[/bold yellow] (seed {taken.seed}): no figure is a real market's."
        )
    else:
        place = f" in {escape(taken.location)}" if taken.location else ""
        console.print(f"Prices come from {taken.source}{place}.")


def _holdings_table(conn: Connection) -> Table:
    table = Table("interval", "candles", "tokens", "first", "last", "unfinished", title="Candles")
    for row in overview.holdings(conn):
        table.add_row(
            row.interval,
            f"{row.rows:,}",
            str(row.tokens),
            _moment(row.first),
            _moment(row.last),
            str(row.unfinished),
        )
    return table


def _show_quotes(console: Console, state: overview.QuoteState, now: datetime) -> None:
    if state.newest is None:
        console.print("No quote is stored.")
    else:
        age = timedelta(seconds=round((now - state.newest).total_seconds()))
        console.print(
            f"{state.quotes} quotes, the newest {age} old, {state.stale} stale; {state.unquoted} tokens without any."
        )
    console.print(f"{state.quarantined} rows in quarantine wait for a decision.")


def _moment(moment: datetime | None) -> str:
    if moment is None:
        return ""
    return f"{moment:%Y-%m-%d}" if moment.hour == 0 else f"{moment:%Y-%m-%d %H:%M}"
