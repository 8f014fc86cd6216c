"""Helpers for the examples of the OpenAPI document."""

from typing import Any

from pydantic import ConfigDict

ID = "8f14e45f-ceea-4672-a0b5-1c6f2a9d3c77"
AT = "2026-11-24T08:00:00Z"


def example(**body: Any) -> ConfigDict:
    """A model's configuration with `body`, in the names of the wire, as its example."""
    return ConfigDict(json_schema_extra={"example": body})
