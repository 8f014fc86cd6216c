"""The schemas of the OpenAPI document: one for each model, in standard keywords, every property described.

APIFlask names a nested model after each model that it lies in (`AlertsOut.AlertOut`), so that one model stands there many
times under names that generators of clients cannot use. Here each has one schema under the name of its class.
"""

import json
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Any

Schema = dict[str, Any]

_PREFIX = "#/components/schemas/"
_KEYWORDS = {
    "ge": "minimum",
    "gt": "exclusiveMinimum",
    "le": "maximum",
    "lt": "exclusiveMaximum",
}
"""Pydantic writes limits in its own words where a field brings a schema of its own (JSON Schema 2020-12, 6.2)."""


class Ambiguous(ValueError):
    """Two different models have the same name."""


def simplify(spec: Schema) -> None:
    """Give each model of `spec` one schema, and each schema standard keywords and described properties.

    Raises:
        Ambiguous: two models that differ have the same name; rename one.
    """
    schemas: dict[str, Schema] = spec["components"]["schemas"]
    for node in _objects(spec):
        _shorten(node)
        _standardise(node)
    spec["components"]["schemas"] = merged = _merge(schemas)
    for name, schema in merged.items():
        _describe(name, schema)


def _objects(node: Any) -> Iterator[Schema]:
    """Every object within `node`, itself included."""
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from _objects(value)
    elif isinstance(node, list):
        for value in node:
            yield from _objects(value)


def _shorten(node: Schema) -> None:
    reference = node.get("$ref")
    if isinstance(reference, str) and reference.startswith(_PREFIX):
        node["$ref"] = _PREFIX + _short(reference.removeprefix(_PREFIX))


def _short(name: str) -> str:
    return name.rpartition(".")[2]


def _standardise(node: Schema) -> None:
    for own, standard in _KEYWORDS.items():
        if isinstance(node.get(own), int | float):
            node[standard] = node.pop(own)


def _merge(schemas: dict[str, Schema]) -> dict[str, Schema]:
    """`schemas` by their short names."""
    merged: dict[str, Schema] = {}
    for name, schema in schemas.items():
        short = _short(name)
        # APIFlask numbers a second model of the same name; its title is the name itself.
        if merged.setdefault(short, schema) != schema or schema.get("title", short) != short:
            raise Ambiguous(
                f"Two models of the API are called {schema.get('title', short)}: rename one."
            )
    return merged


def _describe(model: str, schema: Schema) -> None:
    """Describe properties without a description by the glossary: a word means the same in the whole API."""
    for name, described in schema.get("properties", {}).items():
        if "description" not in described:
            meaning = glossary().get(f"{model}.{name}") or glossary().get(name)
            if meaning is not None:
                described["description"] = meaning


@cache
def glossary() -> dict[str, str]:
    """The meaning of a property by its wire name, or by `Model.name` where a model differs."""
    text = (resources.files("webapi.documentation") / "glossary.json").read_text()
    meanings: dict[str, str] = json.loads(text)
    return meanings
