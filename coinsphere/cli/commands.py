"""The kernel's own sub-commands."""

import click

from coinsphere.cli import (
    audit,
    backup,
    config,
    db,
    deployment,
    doctor,
    exchanges,
    experiments,
    integrity,
    jobs,
    keys,
    links,
    mail,
    market,
    portfolio,
    status,
    system,
)


def register(cli: click.Group) -> None:
    """Add them to `coinsphere`."""
    for module in (
        system,
        status,
        deployment,
        doctor,
        config,
        db,
        market,
        mail,
        keys,
        links,
        audit,
        portfolio,
        integrity,
        backup,
        jobs,
        exchanges,
        experiments,
    ):
        module.register(cli)
