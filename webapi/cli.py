"""The sub-commands of `webapi`."""

import click


def register(cli: click.Group) -> None:
    """Add them to `coinsphere`."""
