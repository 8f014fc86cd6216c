"""The kernel's own sub-commands."""

import click

from coinsphere.cli import mail, market


def register(cli: click.Group) -> None:
    """Add them to `coinsphere`."""
    for module in (market, mail):
        module.register(cli)
