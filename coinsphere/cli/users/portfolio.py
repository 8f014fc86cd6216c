"""`coinsphere portfolio`: rebuild what is computed, and bring exchange rates."""

from pathlib import Path

import click


def register(cli: click.Group) -> None:
    """Add the sub-commands."""
    cli.add_command(portfolio)


@click.group()
def portfolio() -> None:
    """Portfolios: rebuild what is computed, bring exchange rates."""


@portfolio.command()
@click.argument("email", required=False)
def rebuild(email: str | None) -> None:
    """Book and value everything anew from the transactions: of one user, or of all."""
    import psycopg

    from coinsphere.cli import progress
    from coinsphere.clock import utc_now
    from coinsphere.portfolio.jobs import recompute
    from coinsphere.settings import Role, Settings

    options = "-c search_path=app,market,model,jobs,public -c timezone=UTC"
    url = Settings.from_env().url_for(Role.PIPELINE)
    with psycopg.connect(url, autocommit=True, options=options) as conn:
        users = conn.execute(
            "select id, email from app.users where %(email)s::text is null or lower(email) = lower(%(email)s) order by email",
            {"email": email},
        ).fetchall()
        if email is not None and not users:
            raise click.ClickException(f"There is no user {email}.")
        for number, (user_id, address) in enumerate(users, 1):
            progress.count(f"rebuilding {address}, user", number, len(users))
            steps = recompute.rebuild(conn, user_id, utc_now())
            click.echo(f"{address}: {steps} tokens and portfolios rebuilt.")


@portfolio.command()
@click.argument("email")
@click.argument("regime", type=click.Choice(["generic", "de", "us", "uk"]))
@click.argument("year", type=click.IntRange(2009, 2100))
@click.option("--currency", default="USD", help="Of the generic report.")
@click.option(
    "--pdf",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a PDF there instead of a CSV here.",
)
def tax(email: str, regime: str, year: int, currency: str, pdf: Path | None) -> None:
    """Print the tax report of a user's year as CSV, what is unknown first."""
    import sys

    import psycopg

    from coinsphere.portfolio.tax import files, reading
    from coinsphere.portfolio.tax.regimes import REGIMES
    from coinsphere.settings import Role, Settings

    options = "-c search_path=app,market,model,jobs,public -c timezone=UTC"
    with psycopg.connect(Settings.from_env().url_for(Role.PIPELINE), options=options) as conn:
        row = conn.execute(
            "select id from app.users where lower(email) = lower(%(email)s)", {"email": email}
        ).fetchone()
        if row is None:
            raise click.ClickException(f"There is no user {email}.")
        report = reading.read(conn, row[0], REGIMES[regime], year, currency)
    if pdf is None:
        files.write_csv(report, sys.stdout)
    else:
        pdf.write_bytes(files.write_pdf(report))


@portfolio.command()
@click.argument(
    "file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
def rates(file: Path | None) -> None:
    """Bring the reference rates of the European Central Bank: from FILE, or from the bank itself."""
    import httpx2
    import psycopg

    from coinsphere.portfolio.valuation import reference_rates as reference
    from coinsphere.settings import Role, Settings

    settings = Settings.from_env()
    with httpx2.Client() as client:
        address = "" if file is not None else settings.exchange_rates_url
        brought = reference.bring(client, address, file or settings.exchange_rates_file)
    if brought.problem is not None:
        click.echo(f"Read from {brought.source}: {brought.problem}.", err=True)
    with psycopg.connect(settings.url_for(Role.PIPELINE)) as conn:
        written = reference.store(conn, brought.rates)
        newest = reference.newest(conn)
    click.echo(f"{written} of {len(brought.rates)} rates are new; the newest are of {newest}.")
