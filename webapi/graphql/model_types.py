"""GraphQL types made from REST's models, with the same fields, nullability and descriptions."""

from collections.abc import Callable, Mapping
from datetime import datetime
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import strawberry
from pydantic import AwareDatetime, BaseModel
from pydantic.fields import FieldInfo
from strawberry.scalars import JSON
from strawberry.types.field import StrawberryField

from webapi.documentation.components import glossary
from webapi.http.schema import Input, Output, camel

Shape = TypeVar("Shape", bound=type)

_shapes: dict[type[Output], type] = {}
"""The type of each model that has one."""


def output_type(model: type[Output], *, without: tuple[str, ...] = ()) -> Callable[[Shape], Shape]:
    """Make a class the GraphQL type of a model: it has the model's fields beside its own.

    Args:
        model: of REST's answer; a source may be the model, a row with its names, or a dict with those of the wire.
        without: fields that it does not show.
    """

    def make(shape: Shape) -> Shape:
        own = vars(shape)
        annotations = dict(own.get("__annotations__", {}))
        for name, field in model.model_fields.items():
            declared = own.get(name)
            if isinstance(declared, StrawberryField):
                declared.description = declared.description or _meaning(model, name, field)
            elif name not in without:
                annotations[name] = _type(field.annotation)
                setattr(shape, name, _field(model, name, field))
        shape.__annotations__ = annotations
        graphql_type = strawberry.type(shape, description=_prose(model.__doc__))
        _shapes[model] = graphql_type
        return graphql_type

    return make


def input_type(model: type[Input]) -> Callable[[Shape], Shape]:
    """Make a class the GraphQL input of a model; fields that the model does not require are optional."""

    def make(shape: Shape) -> Shape:
        annotations = {}
        for name, field in model.model_fields.items():
            kind = _type(field.annotation)
            is_needed = field.is_required()
            annotations[name] = kind if is_needed else kind | None
            meaning = _meaning(model, name, field)
            default = {} if is_needed else {"default": strawberry.UNSET}
            setattr(shape, name, strawberry.field(description=meaning, **default))
        shape.__annotations__ = annotations
        return strawberry.input(shape, description=_prose(model.__doc__))

    return make


def input_values(input_object: object) -> dict[str, Any]:
    """The values of an input by wire name, for `webapi.http.schema.check`; omitted fields are missing."""
    return {
        camel(name): value
        for name, value in vars(input_object).items()
        if value is not strawberry.UNSET
    }


def resolve(source: Any, name: str) -> Any:
    """The value of a field that has no resolver: of a row or model by its name, of a dict by the wire's."""
    if not isinstance(source, Mapping):
        return getattr(source, name)
    return source[name] if name in source else source[camel(name)]


def _shape(model: type[Output]) -> type:
    known = _shapes.get(model)
    return known or output_type(model)(type(model.__name__.removesuffix("Out"), (), {}))


def _field(model: type[Output], name: str, field: FieldInfo) -> Any:
    return strawberry.field(name=camel(name), description=_meaning(model, name, field))


def _meaning(model: type[BaseModel], name: str, field: FieldInfo) -> str | None:
    """The description of a field, from REST's document."""
    meanings, wire = glossary(), field.serialization_alias or camel(name)
    return field.description or meanings.get(f"{model.__name__}.{wire}") or meanings.get(wire)


def _type(annotation: Any) -> Any:
    """The GraphQL type of a field of a model, as strawberry takes it."""
    origin, parts = get_origin(annotation) or annotation, get_args(annotation)
    if origin is Annotated:
        return _type(parts[0])
    if origin in (Union, UnionType):
        return _either(parts)
    if origin in (list, tuple):
        return list[_type(parts[0])]  # type: ignore[misc]  # made at run time
    return type(parts[0]) if origin is Literal else _plain_type(origin)


def _plain_type(kind: Any) -> Any:
    if issubclass(kind, Output):
        return _shape(kind)
    # Words of REST such as `24h` are no names of an enum in GraphQL.
    return str if issubclass(kind, Enum) else _NAMES.get(kind, kind)


_NAMES = {dict: JSON, AwareDatetime: datetime}


def _either(parts: tuple[Any, ...]) -> Any:
    some = [part for part in parts if part is not NoneType]
    # What is an instant or a text is written as a text.
    chosen = _type(datetime if datetime in some else some[0])
    return chosen | None if NoneType in parts else chosen


def _prose(text: str | None) -> str:
    return " ".join((text or "").split())
