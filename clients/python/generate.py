"""Makes the client's types of the API's description: `make client`.

An answer becomes a `msgspec.Struct`, so that it is read once, into exact decimals, instants and ids; a route becomes a
`Route` of its answer, so that type checkers know what a call gives.
"""

# ruff: noqa: INP001 - a program beside the package

import json
import keyword
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "src" / "coinsphere_client"
Schema = Mapping[str, Any]

_HEAD = '''"""{doc} Made by `generate.py` of the API's description: change that one."""

from __future__ import annotations

{imports}
'''
_TYPES = {
    ("string", "date-time"): "dt.datetime",
    ("string", "date"): "dt.date",
    ("string", "uuid"): "_ids.UUID",
    ("string", None): "str",
    ("integer", None): "int",
    ("number", None): "_decimals.Decimal",
    ("boolean", None): "bool",
    ("null", None): "None",
}
_OPEN = "Mapping[str, Any]"
_PARAMETER = re.compile(r"{(\w+)}")


def main(description: Schema) -> dict[str, str]:
    """The text of each module that is made, by its name."""
    routes = list(_routes(description))
    schemas = description["components"]["schemas"]
    wanted = _reached({answer for _, _, _, answer, _ in routes if answer}, schemas)
    return {
        "models": _models({name: schemas[name] for name in sorted(wanted)}),
        "routes": _route_table(routes),
    }


def _routes(description: Schema) -> Iterator[tuple[str, str, str, str | None, str]]:
    """Name, method, path, name of the answer's schema and first line of each operation that gives JSON."""
    for path, operations in sorted(description["paths"].items()):
        if not path.startswith("/api/v1/"):
            continue
        for method, operation in operations.items():
            good = [told for status, told in operation["responses"].items() if status[0] == "2"]
            content = good[0].get("content", {}).get("application/json") if good else None
            if content is None:
                continue
            reference = content["schema"].get("$ref")
            answer = reference.rpartition("/")[2] if reference else None
            path_of = path.removeprefix("/api/v1")
            yield operation["operationId"], method.upper(), path_of, answer, operation["summary"]


def _reached(names: set[str], schemas: Schema) -> set[str]:
    """The schemas that these are made of, and themselves."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            told = json.dumps(schemas[name])
            waiting += re.findall(r'"#/components/schemas/([^"]+)"', told)
    return found


def _models(schemas: Schema) -> str:
    imports = (
        "import datetime as dt\nimport decimal as _decimals\nimport uuid as _ids\n"
        "from collections.abc import Mapping\nfrom typing import Any, Literal\n\nfrom msgspec import Struct, field\n"
    )
    parts = [_model(name, schema) for name, schema in schemas.items()]
    head = _HEAD.format(doc="What the API answers.", imports=imports)
    return head + "\n\n" + "\n\n".join(parts)


def _model(name: str, schema: Schema) -> str:
    if schema.get("type") != "object" or "properties" not in schema:
        return f"{name} = {_kind(schema)}\n"
    lines = [f"class {name}(Struct, kw_only=True, frozen=True):", _docstring(schema), ""]
    required = set(schema.get("required", ()))
    for wire, told in schema["properties"].items():
        lines.append(f"    {_attribute(wire, told, is_required=wire in required)}")
    return "\n".join(lines) + "\n"


def _docstring(schema: Schema) -> str:
    text = schema.get("description", schema.get("title", "")).split("\n\n")[0].replace("\n", " ")
    return f'    """{text}"""'


def _attribute(wire: str, schema: Schema, *, is_required: bool) -> str:
    name, kind = snake(wire), _kind(schema)
    if is_required:
        return f"{name}: {kind}" + ("" if name == wire else f' = field(name="{wire}")')
    # An answer may leave it out.
    kind = kind if kind.endswith("| None") or kind == "Any" else f"{kind} | None"
    given = "None" if name == wire else f'field(name="{wire}", default=None)'
    return f"{name}: {kind} = {given}"


def _kind(schema: Schema) -> str:
    """The type of a value in Python."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    choices = schema.get("enum") or ([schema["const"]] if "const" in schema else None)
    if choices:
        return f"Literal[{', '.join(map(repr, choices))}]"
    parts = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
    if parts:
        return _union([_kind(each) for each in parts])
    return _plain(schema)


def _plain(schema: Schema) -> str:
    told = schema.get("type")
    if isinstance(told, list):
        return _union([_kind({**schema, "type": each}) for each in told])
    if told == "array":
        return f"list[{_kind(schema.get('items', {}))}]"
    if told == "object":
        of = schema.get("additionalProperties")
        return f"Mapping[str, {_kind(of)}]" if isinstance(of, dict) and of else _OPEN
    return _TYPES.get((told, schema.get("format")), _TYPES.get((told, None), "Any"))


def _union(kinds: list[str]) -> str:
    """One type of several; where msgspec could not tell them apart, anything."""
    unique = list(dict.fromkeys(kinds))
    others = sorted((each for each in unique if each != "None"), key=len)
    if len(others) != 1:
        return "Any"
    return others[0] if len(others) == len(unique) else f"{others[0]} | None"


def _route_table(routes: list[tuple[str, str, str, str | None, str]]) -> str:
    imports = "from typing import Any\n\nfrom coinsphere_client import models\nfrom coinsphere_client.protocol import Route\n"
    lines = []
    for operation, method, path, answer, summary in routes:
        kind = f"models.{answer}" if answer else "Any"
        name = snake(operation).partition("_")[2].upper()
        made = f'{name}: Route[{kind}] = Route("{method}", "{path}", {kind})'
        lines.append(f'{made}\n"""{summary}."""')
    head = _HEAD.format(doc="The routes of the API, each with what it answers.", imports=imports)
    return head + "\n".join(lines) + "\n"


def snake(name: str) -> str:
    """A name of the wire in Python's manner: `priceChange24h` becomes `price_change_24h`."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[a-z])(?=[0-9])", "_", name)
    text = re.sub(r"\W", "_", parted).lower()
    if text[:1].isdigit():
        return f"at_{text}"
    return f"{text}_" if keyword.iskeyword(text) else text


if __name__ == "__main__":
    for name, text in main(json.load(sys.stdin)).items():
        (FOLDER / f"{name}.py").write_text(text)
