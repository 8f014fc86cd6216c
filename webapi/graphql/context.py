"""The state that the resolvers of one request share."""

from functools import cached_property

from webapi.graphql.loaders import Loaders
from webapi.http import errors
from webapi.security import access


class Context:
    """The rights of a request's caller, and the loaders of its data."""

    def __init__(self) -> None:
        self._refused: dict[str, errors.Problem | None] = {}

    @cached_property
    def loaders(self) -> Loaders:
        """The loaders of this request."""
        return Loaders()

    def require(self, route: str) -> None:
        """Check, once a request, that the caller may use a route. Raises `errors.Problem`: 403, or 503 if it is off."""
        if route not in self._refused:
            self._refused[route] = _refusal(route)
        refused = self._refused[route]
        if refused is not None:
            raise refused


def _refusal(route: str) -> errors.Problem | None:
    try:
        access.require_route_access(route)
    except errors.Problem as problem:
        return problem
    return None
