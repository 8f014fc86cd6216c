"""Settings of the installation: its folder of state and its environment."""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from coinsphere.errors import ConfigurationError

PREFIX = "COINSPHERE_"


class Base(BaseModel):
    """Where the state lies, and what kind of installation it is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    home: Path = Field(Path(".coinsphere"), description="Folder of all local state.")
    environment: str = Field(
        "local",
        pattern="^(local|production)$",
        description="`production` refuses placeholder secrets and hides the debug surface.",
    )
    log_level: str = Field(
        "INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="Least level logged."
    )

    flags_url: str | None = Field(
        None,
        pattern="^https?://",
        description="Server that decides flags by OpenFeature's remote protocol (OFREP), instead of the rules of administrators.",
    )
    flags_token: SecretStr | None = Field(
        None, description="What that server is shown as a bearer token."
    )

    @property
    def state(self) -> Path:
        """The state folder as an absolute path."""
        return self.home.expanduser().resolve()


def variable(field: str) -> str:
    """The environment variable of a field."""
    return PREFIX + field.upper()


def required(url: SecretStr | None, name: str = "COINSPHERE_DATABASE_URL") -> str:
    """The URL in clear; raises ConfigurationError, which names the setting, if there is none."""
    if url is None:
        raise ConfigurationError(
            f"{name} is not set and no local services run: start them with `coinsphere up`."
        )
    return url.get_secret_value()
