"""`coinsphere links`: links that let the operator's browser into Dagster's UI and MLflow."""

import click

from coinsphere.guard.passes import link
from coinsphere.settings import Settings, variable

_MODEL_TRAINING = "#/experiments?workflowType=machine_learning"
"""MLflow's view of trained models. A browser keeps what follows the # through the redirect of the sign-in (RFC 9110, 10.2.2)."""


def register(cli: click.Group) -> None:
    """Add the command."""
    cli.add_command(links)


@click.command()
@click.option("--token", "wants_token", is_flag=True, help="The token itself, for programs.")
def links(*, wants_token: bool) -> None:
    """Print links that sign a browser in; each opens once, within an hour."""
    settings = Settings.from_env()
    if settings.service_token is None:
        raise click.ClickException(
            f"{variable('service_token')} is not set: start the system with `coinsphere up`."
        )
    click.echo(settings.service_token.get_secret_value() if wants_token else as_text(settings))


def as_text(settings: Settings) -> str:
    """New links, a line each."""
    return "\n".join(
        [
            "Sign in in a browser (each link opens once, within an hour; `coinsphere links` makes new ones):",
            f"  Dagster  {link(settings, 'dagster', settings.orchestrator_url)}",
            f"  MLflow   {link(settings, 'mlflow', settings.tracking_url)}{_MODEL_TRAINING}",
        ]
    )
