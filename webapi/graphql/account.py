"""Who asks."""

from typing import Any

import strawberry

from webapi.auth import own
from webapi.auth.schemas import MeOut
from webapi.graphql import shapes
from webapi.graphql.fields import like

_OF_ME = "GET /api/v1/auth/me"


@shapes.of(MeOut)
class Me:
    """Who is asking."""


@strawberry.type
class AccountQueries:
    """What may be asked of the own account."""

    @like(_OF_ME, Me | None)
    def me(self) -> dict[str, Any]:
        """One's own account."""
        return own.account()
