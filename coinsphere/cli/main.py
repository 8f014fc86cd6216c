"""The `coinsphere` command, assembled from the entry points `coinsphere.commands` of every package."""

import sys
from importlib.metadata import entry_points
from importlib.util import find_spec

import click

from coinsphere.errors import CoinsphereError


class _Commands(click.Group):
    """Shows our own errors as one message without a stack trace: they are written for the person at the keyboard."""

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except CoinsphereError as error:
            raise click.ClickException(str(error)) from error
        except Exception as error:
            away = _outage(error)
            if away is None:
                raise
            raise click.ClickException(
                f"The database cannot be reached: start it with `coinsphere up`, or check COINSPHERE_DATABASE_URL "
                f"({away})."
            ) from error


def _outage(error: BaseException) -> str | None:
    """What PostgreSQL's client says of a server that is away; None where `error` is something else.

    Commands import the client when they need it: where nobody did, it raised nothing.
    """
    psycopg = sys.modules.get("psycopg")
    for each in (error, error.__cause__):
        if psycopg is not None and isinstance(each, psycopg.OperationalError):
            return str(each).strip().splitlines()[0]
    return None


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="coinsphere")
def cli() -> None:
    """Crypto portfolios and forecasts whose every number can be proved."""


for _entry_point in sorted(entry_points(group="coinsphere.commands"), key=lambda each: each.name):
    # The image of the API holds neither models nor Dagster.
    if find_spec(_entry_point.module.partition(".")[0]) is not None:
        _entry_point.load()(cli)


if __name__ == "__main__":
    sys.exit(cli())
