"""The period of days that is looked at."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Period:
    """Days of one portfolio of one user, both included."""

    user_id: UUID
    portfolio_id: UUID
    first: date
    last: date

    def parameters(self, **more: object) -> dict[str, object]:
        """The parameters of statements over a period."""
        return {
            "user_id": self.user_id,
            "portfolio_id": self.portfolio_id,
            "first": self.first,
            "last": self.last,
            **more,
        }
