"""Base models of the wire, and the adapter by which APIFlask validates and writes them with pydantic."""

import codecs
import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from apiflask.schema_adapters import registry
from apiflask.schema_adapters.pydantic import PydanticAdapter
from flask import Request
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    WithJsonSchema,
    model_validator,
)

from coinsphere.parsing.untrusted_json import Repeated
from webapi.http import errors, json
from webapi.http.visible import VISIBLE

Given = TypeVar("Given", bound=BaseModel)


@cache
def camel(name: str) -> str:
    """The wire's name of a field: `price_change_24h` becomes `priceChange24h`."""
    first, *rest = name.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)


def _single_line(text: str) -> str:
    # Not isprintable(): that refuses the joiners that Persian and Hindi names need.
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in text):
        raise ValueError("must not hold control characters")
    return text


Number = Annotated[
    Decimal,
    BeforeValidator(json.number),
    WithJsonSchema({"type": ["number", "string"]}, mode="validation"),
    WithJsonSchema({"type": "number"}, mode="serialization"),
]
"""An exact decimal: a number or numeric string on input, a number with every digit on output."""


def _in_utc(at: datetime) -> datetime:
    try:
        return at.astimezone(UTC)
    except OverflowError:
        # Within a day of an end of the calendar, which it means.
        ends = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
        return ends[at.year > 1]


Instant = Annotated[AwareDatetime, AfterValidator(_in_utc)]
"""An instant of a request, in UTC: PostgreSQL takes no offset of 16 hours or more, and Python no year 10000."""

Amount = Annotated[Decimal, WithJsonSchema({"type": "number"})]
"""An exact decimal of an answer."""

SINGLE_LINE = AfterValidator(_single_line)
"""For text that is trimmed and measured first; behind it, a length would count the spaces around."""

Line = Annotated[str, SINGLE_LINE]
"""Text without control characters, kept as it is."""

Name = Annotated[Line, StringConstraints(min_length=1, max_length=100), VISIBLE]


class Input(BaseModel):
    """A body of a request; a field that is not declared is refused."""

    model_config = ConfigDict(extra="forbid", alias_generator=camel)
    body_optional: ClassVar[bool] = False
    old_names: ClassVar[Mapping[str, str]] = {}
    """Names of old clients, each with the one that took its place."""

    @model_validator(mode="before")
    @classmethod
    def _rename(cls, data: Any) -> Any:
        """Refuse a field that is given by both of its names: nobody knows which is meant. Give others their new name."""
        if not isinstance(data, dict):
            return data
        for old, new in cls.old_names.items():
            if old in data and new in data:
                raise ValueError(f"{old} is the old name of {new}: give one of the two")
        return {cls.old_names.get(name, name): value for name, value in data.items()}


class Query(BaseModel):
    """Parameters of a query; others are ignored, as old clients append some against caches."""

    model_config = ConfigDict(extra="ignore", alias_generator=camel)


class Output(BaseModel):
    """A body of an answer; only declared fields leave."""

    model_config = ConfigDict(
        extra="ignore", alias_generator=camel, populate_by_name=True, from_attributes=True
    )


class NotKeptOut(Output):
    """What an answer of a past instant cannot tell: its fields are null."""

    field: str = Field(description="Its name, behind a point within another one.")
    reason: str


class Message(Output):
    """A sentence for people."""

    message: str


def check(model: type[Given], data: Any) -> Given:
    """What was given, as `model` has it. Raises `errors.Problem` with status 400 that names each wrong field."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise errors.invalid(_details(error)) from None


class WireAdapter(PydanticAdapter):
    """APIFlask's pydantic adapter with exact numbers, our errors and strict media types."""

    def validate_input(self, request: Request, location: str, **_: Any) -> BaseModel:
        """The checked input. Raises `errors.Problem` with status 400 or 415."""
        is_body = location == "json"
        data = (
            _json_body(request, self.model_class)
            if is_body
            else _parameters(request, self.model_class)
        )
        faults = _loose(self.model_class, data, is_body=is_body) if isinstance(data, dict) else []
        if faults:
            raise errors.invalid(faults)
        return check(self.model_class, data)

    def serialize_output(self, data: Any, many: bool = False) -> Any:
        """The answer in wire names; numbers stay exact until `webapi.http.json` writes them."""
        if many:
            return [self.serialize_output(item) for item in data]
        if not isinstance(data, self.model_class):
            data = self.model_class.model_validate(data)
        return data.model_dump(by_alias=True)

    def get_schema_name(self) -> str:
        """The model's name in the document."""
        return str(self.model_class.__name__)

    def get_openapi_schema(self, **_: Any) -> dict[str, Any]:
        """JSON schema of the model, as it is written for answers and as it is read for requests."""
        mode: Literal["serialization", "validation"] = (
            "serialization" if issubclass(self.model_class, Output) else "validation"
        )
        template = f"#/components/schemas/{self.get_schema_name()}.{{model}}"
        return self.model_class.model_json_schema(ref_template=template, mode=mode)


registry.register("pydantic", WireAdapter)
MAX_ITEMS = 1000
"""Of any array of a request."""


def _json_body(request: Request, model: type[BaseModel]) -> Any:
    _refuse_coded(request)
    raw = request.get_data(cache=True).removeprefix(codecs.BOM_UTF8)
    if not raw.strip() and getattr(model, "body_optional", False):
        return {}
    if request.mimetype != "application/json" and not request.mimetype.endswith("+json"):
        raise errors.Problem(415)
    try:
        value = json.loads(raw)
    except Repeated as error:
        raise _stands_twice(error.name) from None
    except ValueError:
        errors.raise_bad_json()
    _refuse_unstorable(value, "")
    return value


def _refuse_coded(request: Request) -> None:
    """Refuse a body that is compressed, and say which codings are taken: none (RFC 9110 8.4 and 12.5.3).

    A mark of byte order before the text is none of these: RFC 8259 8.1 lets a reader ignore it, and some clients send it.
    """
    coding = request.headers.get("Content-Encoding", "").strip().lower()
    if coding not in ("", "identity"):
        raise errors.Problem(
            415,
            f"content coding {coding[:40]!r} is not supported",
            detail="Send the body as it is, without `Content-Encoding`.",
            code="content-coding",
            headers={"Accept-Encoding": "identity"},
        )


def _parameters(request: Request, model: type[BaseModel]) -> dict[str, str]:
    """The first value of each parameter; one that the model knows must stand once."""
    for field, described in model.model_fields.items():
        name = described.alias or field
        if len(request.args.getlist(name)) > 1:
            raise _stands_twice(name)
    return request.args.to_dict()


def _stands_twice(name: str) -> errors.Problem:
    fault = {"path": name, "message": "stands twice", "code": "repeated"}
    return errors.invalid([fault])


@cache
def _declared(model: type[BaseModel]) -> dict[str, tuple[str | None, str | None]]:
    """Type and format of each field of a model, where it has one of them beside null."""
    fields = {}
    for name, schema in model.model_json_schema(mode="validation").get("properties", {}).items():
        choices = [each for each in schema.get("anyOf", [schema]) if each.get("type") != "null"]
        if len(choices) == 1:
            fields[name] = (choices[0].get("type"), choices[0].get("format"))
    return fields


def _loose(model: type[BaseModel], data: dict[str, Any], *, is_body: bool) -> list[dict[str, str]]:
    """What pydantic would take for something else: 0 and "no" for a boolean, "5" for 5, 0 for a day in 1970."""
    faults = []
    for name, (kind, form) in _declared(model).items():
        value = data.get(name)
        if value is None:
            continue
        is_day = form in ("date", "date-time")
        if is_day and (not isinstance(value, str) or _NUMERIC.fullmatch(value)):
            faults.append((name, "must be a date as ISO 8601 writes it"))
        elif is_body and kind == "boolean" and not isinstance(value, bool):
            faults.append((name, "must be true or false"))
        elif (
            is_body
            and kind == "integer"
            and (isinstance(value, bool) or not isinstance(value, int))
        ):
            faults.append((name, "must be an integer"))
        elif not is_body and kind == "integer" and not _INTEGER.fullmatch(value):
            # Python takes `1_0` for ten, and 5.0 for five.
            faults.append((name, "must be an integer"))
    return [{"path": name, "message": text, "code": "type"} for name, text in faults]


_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMERIC = re.compile(r"\s*[+-]?[\d_.]+(e[+-]?\d+)?\s*", re.IGNORECASE)


def _refuse_unstorable(value: Any, path: str) -> None:
    """Refuse, before anything looks at the items, an array that is too long and text that PostgreSQL cannot hold."""
    if isinstance(value, list) and len(value) > MAX_ITEMS:
        raise errors.invalid(
            [{"path": path, "message": f"must have at most {MAX_ITEMS} items", "code": "too_long"}]
        )
    # A password is never stored as text.
    if isinstance(value, str) and "\0" in value and "password" not in path.lower():
        raise errors.invalid(
            [{"path": path, "message": "must not hold a zero byte", "code": "zero_byte"}]
        )
    for name, item in _items(value):
        _refuse_unstorable(str(name), path)
        _refuse_unstorable(item, f"{path}.{name}" if path else str(name))


def _items(value: Any) -> Iterable[tuple[Any, Any]]:
    if isinstance(value, dict):
        return value.items()
    return enumerate(value) if isinstance(value, list) else ()


def _details(error: ValidationError) -> list[dict[str, str]]:
    """What is wrong where, without the value: it may be a password."""
    return [
        {
            "path": ".".join(map(str, problem["loc"])),
            "message": problem["msg"].removeprefix("Value error, "),
            "code": problem["type"],
        }
        for problem in error.errors(include_url=False, include_input=False, include_context=False)
    ]
