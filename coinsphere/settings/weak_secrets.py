"""Secrets that could be guessed: placeholders, names of the product, short ones."""

import re
from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from coinsphere.settings.base import Base

LEAST_PASSWORD = 16
"""Characters of a server's password in production."""

_PLACEHOLDER = re.compile(
    r"change.?me|replace.?me|your[-_]|placeholder|example|^todo|^x+$|<.*>|^(admin|coinsphere|default|dummy|guest|pass|"
    r"password|postgres|redis|root|secret|test|user)\W*\d*$|password123|123456",
    re.IGNORECASE,
)


def weak_secrets(settings: Base) -> Iterator[tuple[str, str]]:
    """Each secret that could be guessed, and why; never the secret."""
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr) and (fault := _weakness(name, value.get_secret_value())):
            yield name, fault


def _weakness(name: str, value: str) -> str | None:
    is_url = "://" in value
    secret = unquote(urlsplit(value).password or "") if is_url else value
    serves_us = name.endswith("database_url") or name in (
        "redis_url",
        "celery_broker_url",
        "service_token",
    )
    if secret == "":
        return "has no password" if serves_us else None
    if _PLACEHOLDER.search(secret):
        return "holds a placeholder: put the real secret there"
    if serves_us and (len(secret) < LEAST_PASSWORD or len(set(secret)) < LEAST_PASSWORD // 2):
        return f"has a weak password: generate one of {LEAST_PASSWORD} characters or more"
    return None
