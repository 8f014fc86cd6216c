"""The kernel's own sub-commands."""

import click

from coinsphere.cli.market import commands as market
from coinsphere.cli.security import audit, keys
from coinsphere.cli.storage import backup, integrity, schema
from coinsphere.cli.system import config, deployment, doctor, jobs, links, status, up
from coinsphere.cli.users import exchanges, experiments, mail, portfolio


def register(cli: click.Group) -> None:
    """Add them to `coinsphere`."""
    for module in (
        up,
        status,
        deployment,
        doctor,
        config,
        schema,
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
