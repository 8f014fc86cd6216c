"""The variables that settings are read from: this module alone reads the environment."""

import os
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values

from coinsphere.errors import ConfigurationError
from coinsphere.settings.base import PREFIX, Base, variable

CREDENTIALS_FILE = "credentials.env"


def environment(*, with_credentials: bool = True) -> dict[str, str]:
    """The variables that settings are read from.

    The process's own over `.env` over the folder of secrets over AWS Secrets Manager over the local services'
    credentials.

    Args:
        with_credentials: False leaves out what the local services wrote, so that only what a person chose remains.

    Raises:
        ConfigurationError: the folder or the secret that the variables name cannot be read.
    """
    explicit = _with_secrets({**dotenv_values(".env"), **os.environ})
    home = Path(explicit.get(variable("home")) or Base.model_fields["home"].default)
    credentials = dotenv_values(home.expanduser() / CREDENTIALS_FILE) if with_credentials else {}
    merged = {**credentials, **explicit}
    return {name: value for name, value in merged.items() if value is not None}


def _with_secrets(variables: dict[str, str | None]) -> dict[str, str | None]:
    """The variables with those beside them that the folder and the secret hold which they name."""
    folder, secret_id = (
        variables.get(variable("secrets_dir")),
        variables.get(variable("aws_secret_id")),
    )
    if folder:
        variables = {**_folder(Path(folder)), **variables}
    if secret_id:
        variables = {**_aws(secret_id, variables), **variables}
    return variables


def _folder(folder: Path) -> dict[str, str]:
    """A folder's files as variables; hidden ones are Kubernetes' own, and a last line break is an editor's."""
    try:
        files = [path for path in folder.iterdir() if path.is_file() and path.name[0] != "."]
        return {_full_name(path.name): path.read_text().rstrip("\r\n") for path in files}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(
            f"{variable('secrets_dir')}: {folder} cannot be read: {error}"
        ) from error


def _aws(secret_id: str, variables: Mapping[str, str | None]) -> dict[str, str]:
    """A secret of AWS Secrets Manager as variables."""
    # Only who keeps secrets there has these packages, and waits for their import.
    try:
        from boto3.exceptions import Boto3Error  # noqa: PLC0415  optional
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415  optional
        from pydantic_settings import AWSSecretsManagerSettingsSource, BaseSettings  # noqa: PLC0415  optional
    except ImportError as error:
        raise ConfigurationError(
            f"{variable('aws_secret_id')} needs more packages: pip install 'coinsphere[aws]'"
        ) from error
    try:
        source = AWSSecretsManagerSettingsSource(
            BaseSettings,
            secret_id,
            region_name=variables.get(variable("aws_region")) or None,
            endpoint_url=variables.get(variable("aws_endpoint_url")) or None,
        )
        secrets_found = source.env_vars.items()
    except (Boto3Error, BotoCoreError, ClientError, ValueError, AttributeError) as error:
        # A parser's message would show the secret.
        why = "it is no JSON object" if isinstance(error, ValueError | AttributeError) else error
        raise ConfigurationError(
            f"{variable('aws_secret_id')}: {secret_id} cannot be read: {why}"
        ) from None
    return {_full_name(name): str(value) for name, value in secrets_found if value is not None}


def _full_name(name: str) -> str:
    """`database_url` as the variable `COINSPHERE_DATABASE_URL`."""
    name = name.upper()
    return name if name.startswith(PREFIX) else PREFIX + name
