"""The sub-commands of `ml`."""

import click


def register(cli: click.Group) -> None:
    """Add them to `coinsphere`."""
