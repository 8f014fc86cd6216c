"""Scalars: exact decimals, instants, ids. They pass unchanged; `webapi.http.json` writes them, as in REST."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import strawberry
from graphql import FloatValueNode, IntValueNode, StringValueNode, ValueNode
from pydantic import AwareDatetime, TypeAdapter
from strawberry.scalars import JSON
from strawberry.types.scalar import ScalarDefinition

from webapi.http import json

_instant = TypeAdapter(AwareDatetime)


def _as_it_is(value: Any) -> Any:
    return value


def _number_literal(node: ValueNode, _: dict[str, Any] | None = None) -> Decimal:
    """A number literal with its own digits, where graphql-core would make a float."""
    if isinstance(node, IntValueNode | FloatValueNode | StringValueNode):
        return json.number(node.value)
    raise ValueError("must be a number or a string that holds one")


def _moment(value: object) -> datetime:
    if not isinstance(value, str):
        raise ValueError("must be a date as ISO 8601 writes it")  # noqa: TRY004 - as `json.number`
    return _instant.validate_python(value)


def _identity(value: object) -> UUID:
    """An id. Raises ValueError for anything else."""
    return UUID(str(value))


SCALARS: dict[object, ScalarDefinition] = {
    Decimal: strawberry.scalar(
        name="Decimal",
        description="An exact decimal: a number with every digit. On input a number or a string that holds one.",
        serialize=_as_it_is,
        parse_value=json.number,
        parse_literal=_number_literal,
    ),
    datetime: strawberry.scalar(
        name="DateTime",
        description="An instant as ISO 8601 writes it, in UTC with `Z`.",
        serialize=_as_it_is,
        parse_value=_moment,
    ),
    date: strawberry.scalar(
        name="Date",
        description="A day as ISO 8601 writes it.",
        serialize=_as_it_is,
        parse_value=date.fromisoformat,
    ),
    UUID: strawberry.scalar(
        name="UUID",
        description="The id of a thing.",
        serialize=_as_it_is,
        parse_value=_identity,
    ),
    JSON: strawberry.scalar(
        name="JSON",
        description="A JSON object whose names REST documents.",
        serialize=_as_it_is,
        parse_value=_as_it_is,
    ),
}
"""How each Python type goes over the wire."""
