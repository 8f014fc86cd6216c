"""`coinsphere config`: the settings in force, whether they are right, and their documentation."""

import click
from pydantic import SecretStr
from rich.table import Table

from coinsphere.cli.console import console as new_console
from coinsphere.settings import TOPICS, Settings, environment, variable
from coinsphere.settings.base import Base

_DOCUMENT = """\
# Settings

Made from `coinsphere/settings/` by `make docs`. Every setting is an environment variable; values come, first match
wins, from the environment, from `.env` in the working directory, from the files in `COINSPHERE_SECRETS_DIR`, from the
secret `COINSPHERE_AWS_SECRET_ID`, and from `credentials.env` in the state folder, which `coinsphere up` writes. A
variable that begins with `COINSPHERE_` and is not listed here is an error. An empty value counts as not set. Lists are
comma-separated. `coinsphere config show` prints what is in force, secrets masked.
"""
_TOPIC = """
## {title}

| variable | default | meaning |
|---|---|---|
"""


def register(cli: click.Group) -> None:
    """Add the sub-commands."""
    cli.add_command(config)


@click.group()
def config() -> None:
    """Settings: what is in force, whether it is right, what there is."""


@config.command()
def show() -> None:
    """Print every setting in force, and where it differs from its default. Secrets are masked."""
    settings = Settings.from_env()
    variables = environment()
    table = Table("variable", "value", "")
    for name in Settings.model_fields:
        value = getattr(settings, name)
        mark = "set" if variables.get(variable(name)) else ""
        table.add_row(variable(name), "" if value is None else _plain(value), mark)
    new_console().print(table)


@config.command()
def check() -> None:
    """Check every setting; a wrong one is named, and why it is wrong."""
    Settings.from_env()
    click.echo("All settings are right.")


@config.command()
def docs() -> None:
    """Print the table of all settings, as `docs/settings.md` holds it."""
    click.echo(document(), nl=False)


def document() -> str:
    """The page of all settings, as Markdown: a table a topic."""
    return _DOCUMENT + "".join(map(_topic, TOPICS))


def _topic(topic: type[Base]) -> str:
    shared = Base.model_fields if topic is not Base else {}
    rows = [
        f"| `{variable(name)}` | {_default(field.default)} | {field.description} |\n"
        for name, field in topic.model_fields.items()
        if name not in shared
    ]
    title = (topic.__doc__ or "").removesuffix(".")
    return _TOPIC.format(title=title) + "".join(rows)


def _default(value: object) -> str:
    return "" if value is None else f"`{_plain(value) or ' '}`"


def _plain(value: object) -> str:
    if isinstance(value, SecretStr):
        return "***"
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    return str(value)
