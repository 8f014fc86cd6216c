"""All settings in one frozen object, by topic a module.

A setting named `api_port` is the variable `COINSPHERE_API_PORT`. Values come, first match wins, from the
environment, from `.env` in the working directory, from a folder of files and from AWS Secrets Manager where one is
named, and from the `credentials.env` (mode 0600) that the local services write into the state folder, so that every
command finds the running system without exports.
"""

from collections.abc import Mapping
from typing import Any, Self
from urllib.parse import urlsplit

from pydantic import ValidationError, model_validator

from coinsphere.errors import ConfigurationError
from coinsphere.settings.api import Api
from coinsphere.settings.backups import Backups
from coinsphere.settings.base import PREFIX, Base, variable
from coinsphere.settings.billing import Billing
from coinsphere.settings.chains import Chains
from coinsphere.settings.keys import Keys
from coinsphere.settings.login import Login
from coinsphere.settings.market import Market
from coinsphere.settings.models import Models
from coinsphere.settings.servers import Executor, Role, Servers
from coinsphere.settings.sources import CREDENTIALS_FILE, environment
from coinsphere.settings.weak_secrets import weak_secrets

__all__ = [
    "CREDENTIALS_FILE",
    "PREFIX",
    "TOPICS",
    "Executor",
    "Role",
    "Settings",
    "environment",
    "sqlalchemy_url",
    "variable",
]

TOPICS: tuple[type[Base], ...] = (
    Base,
    Servers,
    Market,
    Models,
    Api,
    Login,
    Chains,
    Keys,
    Backups,
    Billing,
)
"""In the order of `docs/settings.md`."""


class Settings(Servers, Market, Models, Api, Login, Chains, Keys, Backups, Billing):
    """The settings of one process. See `docs/settings.md` for the tables made from its topics."""

    @classmethod
    def from_env(cls, env: Mapping[str, str] | None = None) -> Self:
        """Read the settings.

        Args:
            env: the variables; None reads the process's environment, `.env` and the credentials file.

        Raises:
            ConfigurationError: names each variable that is unknown or wrong, and why.
        """
        variables = environment() if env is None else dict(env)
        values = {
            name.removeprefix(PREFIX).lower(): value
            for name, value in variables.items()
            if name.startswith(PREFIX) and value != ""
        }
        try:
            return cls(**{name: _parse(name, value) for name, value in values.items()})
        except ValidationError as error:
            raise ConfigurationError(_explain(error)) from None

    @model_validator(mode="after")
    def _refuseweak_secrets(self) -> Self:
        """In production a secret that could be guessed is no secret."""
        if self.environment == "production":
            faults = [f"{variable(name)} {fault}" for name, fault in weak_secrets(self)]
            if faults:
                raise ValueError("\n  ".join(faults))
        return self


def sqlalchemy_url(url: str, driver: str) -> str:
    """`url` with SQLAlchemy's driver written out, `psycopg` or `psycopg2`; a bare scheme means another one by version."""
    return urlsplit(url)._replace(scheme=f"postgresql+{driver}").geturl()


def _parse(name: str, value: str) -> Any:
    field = Settings.model_fields.get(name)
    if field is not None and field.annotation == tuple[str, ...]:
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _explain(error: ValidationError) -> str:
    """One line a wrong setting, without its value: it may be a secret."""
    lines = []
    for problem in error.errors(include_input=False, include_url=False):
        if not problem["loc"]:
            lines.append(problem["msg"].removeprefix("Value error, "))
            continue
        name = variable(str(problem["loc"][0]))
        what = "is not a setting" if problem["type"] == "extra_forbidden" else problem["msg"]
        lines.append(f"{name}: {what}")
    return "Settings are wrong:\n  " + "\n  ".join(lines)
