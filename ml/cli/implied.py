"""`coinsphere ml implied` fetches volatility that options imply, for `ml backtest --implied`."""

from datetime import date, datetime, timedelta
from pathlib import Path

import click
import httpx2

from coinsphere.cli.progress import stage
from coinsphere.clock import utc_now
from coinsphere.errors import CoinsphereError, ProviderError
from coinsphere.market.sources.deribit import CURRENCIES, FIRST_DAY, PATIENCE, Deribit
from coinsphere.settings import Settings


@click.command()
@click.option(
    "--out", required=True, type=click.Path(dir_okay=False, path_type=Path), help="File to write."
)
@click.option("--currency", "currencies", multiple=True, default=CURRENCIES, show_default=True)
@click.option("--start", type=click.DateTime(["%Y-%m-%d"]), help="First day; DVOL's by default.")
@click.option(
    "--end", type=click.DateTime(["%Y-%m-%d"]), help="Day after the last; today's by default."
)
def implied(
    out: Path, currencies: tuple[str, ...], start: datetime | None, end: datetime | None
) -> None:
    """Write Deribit's implied volatility (DVOL) at each day's close to a file of `day,currency,percent`.

    A currency that cannot be had is named, and the others are written; nothing is written where there is none.
    """
    from ml.data import implied as files

    first = start.date() if start else FIRST_DAY
    last = end.date() if end else utc_now().date() + timedelta(days=1)
    closes = {}
    with httpx2.Client(timeout=PATIENCE, follow_redirects=False) as client:
        source = Deribit(Settings.from_env().deribit_url, client, utc_now)
        for currency in dict.fromkeys(each.strip().upper() for each in currencies):
            with stage(f"Asking Deribit for {currency}"):
                daily = _fetched(source, currency, first, last)
            if daily:
                closes[currency] = daily
    if not closes:
        raise CoinsphereError("Deribit gave no implied volatility; nothing was written")
    click.echo(f"{files.write(out, closes)} closes of {', '.join(closes)} are in {out}.")


def _fetched(source: Deribit, currency: str, first: date, last: date) -> dict[date, float]:
    """The closes; none, and why, where it cannot be had."""
    try:
        daily = source.implied_volatility(currency, first, last)
    except ProviderError as error:
        click.echo(f"{currency}: {error}", err=True)
        return {}
    for problem in source.take_problems():
        click.echo(f"Left out: {problem}", err=True)
    return daily
