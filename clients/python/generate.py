"""Makes the client's types of the API's description: `make client`.

An answer becomes a `msgspec.Struct`, so that it is read once, into exact decimals, instants and ids; a body becomes a
`TypedDict`; a route becomes a `Route` of both, so that type checkers know what a call takes and gives.
"""

# ruff: noqa: INP001 - a program beside the package

import json
import keyword
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).parent / "src" / "coinsphere_client"
Schema = Mapping[str, Any]

_HEAD = '''"""{doc} Made by `generate.py` of the API's description: change that one."""

from __future__ import annotations

{imports}
'''
Types = Mapping[tuple[str | None, str | None], str]
_TYPES: Types = {
    ("string", "date-time"): "dt.datetime",
    ("string", "date"): "dt.date",
    ("string", "uuid"): "_ids.UUID",
    ("string", None): "str",
    ("integer", None): "int",
    ("number", None): "_decimals.Decimal",
    ("boolean", None): "bool",
    ("null", None): "None",
}
_GIVEN: Types = {
    **_TYPES,
    ("string", "date-time"): "dt.datetime | str",
    ("string", "date"): "dt.date | str",
    ("string", "uuid"): "_ids.UUID | str",
    ("number", None): "_decimals.Decimal | int",
}
_OPEN = "Mapping[str, Any]"


class Side(NamedTuple):
    """How values are written of one side: types of scalars, of lists, and whether one may be any of several."""

    types: Types
    many: str
    has_unions: bool


_ANSWERED = Side(_TYPES, "list", has_unions=False)
_SENT = Side(_GIVEN, "Sequence", has_unions=True)


class Operation(NamedTuple):
    """A route that answers JSON: the names of the schemas of its body and answer, and the first line of what it says."""

    name: str
    method: str
    path: str
    body: str | None
    is_body_required: bool
    answer: str | None
    summary: str


def main(description: Schema) -> dict[str, str]:
    """The text of each module that is made, by its name."""
    routes = list(_routes(description))
    schemas = description["components"]["schemas"]
    answers = _reached({each.answer for each in routes if each.answer}, schemas)
    given = _reached({each.body for each in routes if each.body}, schemas)
    return {
        "models": _models({name: schemas[name] for name in sorted(answers)}),
        "bodies": _bodies({name: schemas[name] for name in sorted(given)}),
        "routes": _route_table(routes),
    }


def _routes(description: Schema) -> Iterator[Operation]:
    """Each operation that gives JSON."""
    for path, operations in sorted(description["paths"].items()):
        if not path.startswith("/api/v1/"):
            continue
        for method, operation in operations.items():
            good = [told for status, told in operation["responses"].items() if status[0] == "2"]
            if not good or "application/json" not in good[0].get("content", {}):
                continue
            body = operation.get("requestBody", {})
            yield Operation(
                operation["operationId"], method.upper(), path.removeprefix("/api/v1"), _named(body),
                body.get("required", False), _named(good[0]), operation["summary"],
            )  # fmt: skip


def _named(told: Schema) -> str | None:
    """The schema of what is sent or answered in JSON, where it has a name."""
    schema = told.get("content", {}).get("application/json", {}).get("schema", {})
    return schema["$ref"].rpartition("/")[2] if "$ref" in schema else None


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


def _bodies(schemas: Schema) -> str:
    imports = (
        "import datetime as dt\nimport decimal as _decimals\nimport uuid as _ids\n"
        "from collections.abc import Mapping, Sequence\nfrom typing import Any, Literal, NotRequired, TypedDict\n"
    )
    parts = [_body(name, schema) for name, schema in schemas.items()]
    head = _HEAD.format(doc="What the API takes, in the wire's names.", imports=imports)
    return head + "\n\n" + "\n\n".join(parts)


def _body(name: str, schema: Schema) -> str:
    if "properties" not in schema:
        return f"{name} = {_kind(schema, _SENT)}\n"
    required = set(schema.get("required", ()))
    lines = [f"class {name}(TypedDict):", _docstring(schema), ""]
    for wire, told in schema["properties"].items():
        kind = _kind(told, _SENT)
        lines.append(f"    {wire}: {kind if wire in required else f'NotRequired[{kind}]'}")
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


def _kind(schema: Schema, side: Side = _ANSWERED) -> str:
    """The type of a value in Python."""
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    choices = schema.get("enum") or ([schema["const"]] if "const" in schema else None)
    if choices:
        return f"Literal[{', '.join(map(repr, choices))}]"
    parts = schema.get("anyOf") or schema.get("oneOf") or schema.get("allOf")
    if parts:
        return _union([_kind(each, side) for each in parts], side)
    return _plain(schema, side)


def _plain(schema: Schema, side: Side) -> str:
    told = schema.get("type")
    if isinstance(told, list):
        return _union([_kind({**schema, "type": each}, side) for each in told], side)
    if told == "array":
        return f"{side.many}[{_kind(schema.get('items', {}), side)}]"
    if told == "object":
        of = schema.get("additionalProperties")
        return f"Mapping[str, {_kind(of, side)}]" if isinstance(of, dict) and of else _OPEN
    types = side.types
    return types.get((told, schema.get("format")), types.get((told, None), "Any"))


def _union(kinds: list[str], side: Side) -> str:
    """One type of several; of an answer anything, where msgspec could not tell them apart."""
    unique = list(dict.fromkeys(part for kind in kinds for part in _parts(kind, side)))
    others = sorted((each for each in unique if each != "None"), key=len)
    if len(others) != 1 and not side.has_unions:
        return "Any"
    return " | ".join([*others, *(["None"] if "None" in unique else [])])


def _parts(kind: str, side: Side) -> list[str]:
    return kind.split(" | ") if side.has_unions and "[" not in kind else [kind]


def _route_table(routes: list[Operation]) -> str:
    imports = "from typing import Any\n\nfrom coinsphere_client import bodies, models\nfrom coinsphere_client.protocol import Route\n"
    lines = []
    for each in routes:
        kind = f"models.{each.answer}" if each.answer else "Any"
        body = f"bodies.{each.body}" if each.body else "None"
        body = body if each.is_body_required or not each.body else f"{body} | None"
        name = snake(each.name).partition("_")[2].upper()
        made = f'{name}: Route[{body}, {kind}] = Route("{each.method}", "{each.path}", {kind})'
        lines.append(f'{made}\n"""{each.summary}."""')
    head = _HEAD.format(
        doc="The routes of the API, each with what it takes and answers.", imports=imports
    )
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
