"""Fields with the rights of a REST route that returns the same."""

import inspect
from collections.abc import Callable
from typing import Any

import strawberry
from strawberry.extensions import FieldExtension
from strawberry.types.info import Info

from webapi.graphql.context import Context

RequestInfo = Info[Context, None]
WEIGHT = "weight"
"""Under this name a field's metadata says what it costs."""

STATEMENT = 10
"""Weight of a field that asks the database; an object costs 1, a value nothing."""


class RoutePermission(FieldExtension):
    """Admits the callers of a REST route, while its feature is on."""

    def __init__(self, route: str) -> None:
        self.route = route

    def resolve(
        self, next_: Callable[..., Any], source: Any, info: RequestInfo, **given: Any
    ) -> Any:
        """The result of a resolver, once the caller is admitted."""
        info.context.require(self.route)
        return next_(source, info, **given)

    async def resolve_async(
        self, next_: Callable[..., Any], source: Any, info: RequestInfo, **given: Any
    ) -> Any:
        """The result of an asynchronous resolver, once the caller is admitted."""
        info.context.require(self.route)
        return await next_(source, info, **given)


def route_field(
    route: str, shows: Any, *, weight: int = STATEMENT
) -> Callable[[Callable[..., Any]], Any]:
    """A field with the rights of a REST route.

    Args:
        route: its method and address, as `webapi/security/policy.json` has it: access, scope and feature are its own.
        shows: its GraphQL type; the resolver gives what a source of that type may be, see `model_types.output_type`.
        weight: what the field costs by itself, see `webapi.graphql.complexity`.

    Returns:
        a decorator of the resolver, whose docstring describes the field.
    """

    def make(resolver: Callable[..., Any]) -> Any:
        return strawberry.field(
            resolver=resolver,
            graphql_type=shows,
            description=inspect.getdoc(resolver),
            extensions=[RoutePermission(route)],
            metadata={WEIGHT: weight},
        )

    return make
