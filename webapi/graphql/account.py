"""Who asks."""

from typing import Any

import strawberry

from webapi.auth import current_user
from webapi.auth.schemas import MeOut
from webapi.graphql import model_types
from webapi.graphql.fields import route_field

_OF_ME = "GET /api/v1/auth/me"


@model_types.output_type(MeOut)
class Me:
    """Who is asking."""


@strawberry.type
class AccountQueries:
    """What may be asked of the own account."""

    @route_field(_OF_ME, Me | None)
    def me(self) -> dict[str, Any]:
        """One's own account."""
        return current_user.current_user()
