"""Validates addresses of logos from sources: they are shown to users, so only plain ones pass."""

from typing import Any
from urllib.parse import urlsplit

_LONGEST = 2_000


def logo(value: Any) -> str | None:
    """The address of a picture over HTTPS; None where `value` is none."""
    if not isinstance(value, str) or not value.isascii() or not value.isprintable():
        return None
    if len(value) > _LONGEST or " " in value:
        return None
    try:
        parts = urlsplit(value)
    except ValueError:
        return None
    return value if parts.scheme == "https" and parts.hostname else None
