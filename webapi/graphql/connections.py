"""Pagination in GraphQL's usual form: `first` and `after`, `nodes` or `edges`, and the end of the page."""

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

import strawberry

Node = TypeVar("Node")


@strawberry.type(description="Where a page ends.")
class PageInfo:
    """Where a page ends."""

    has_next_page: bool = strawberry.field(description="Whether more follows.")
    end_cursor: str | None = strawberry.field(
        description="What `after` takes to go on; null where the list ends."
    )


@strawberry.type(description="An item of a list, and where it stands.")
class Edge(Generic[Node]):
    """An item, and where it stands."""

    cursor: str = strawberry.field(description="What `after` takes to go on behind it.")
    node: Node = strawberry.field(description="The item.")


@strawberry.type(description="A page of a list.")
class Connection(Generic[Node]):
    """A page of a list; resolvers give `Page`, which looks the same."""

    nodes: list[Node] = strawberry.field(description="The items.")
    edges: list[Edge[Node]] = strawberry.field(description="The items, each with its cursor.")
    page_info: PageInfo = strawberry.field(description="Where the page ends.")


class Page:
    """A page of what was found.

    Args:
        nodes: the rows.
        cursor_of: the cursor behind a row.
        has_more: whether the list goes on.
    """

    def __init__(
        self, nodes: Sequence[Any], cursor_of: Callable[[Any], str], *, has_more: bool
    ) -> None:
        self.nodes, self._cursor_of, self._has_more = nodes, cursor_of, has_more

    @classmethod
    def of(cls, rows: Sequence[Any], first: int, cursor_of: Callable[[Any], str]) -> "Page":
        """The first `first` of the rows; one more was asked for, which is there where the list goes on."""
        return cls(rows[:first], cursor_of, has_more=len(rows) > first)

    @property
    def edges(self) -> list[dict[str, Any]]:
        """The rows with their cursors."""
        return [{"cursor": self._cursor_of(node), "node": node} for node in self.nodes]

    @property
    def page_info(self) -> dict[str, Any]:
        """Where the page ends."""
        end = self._cursor_of(self.nodes[-1]) if self._has_more else None
        return {"has_next_page": self._has_more, "end_cursor": end}
