"""Measures the depth, aliases and cost of a query before it runs.

A fragment is measured once however often it is spread, so that a document of a thousand words costs no more than its words:
fragments that each spread the next one twice would otherwise be walked 2^n times.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    GraphQLSchema,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
    is_leaf_type,
    is_list_type,
)
from graphql.utilities import value_from_ast_untyped

from webapi.graphql.fields import WEIGHT
from webapi.http import errors

MAX_DEPTH = 8
MAX_ALIASES = 15
MAX_COST = 2_000
COST_OF_REQUEST = 400
"""A query counts as one request against the limits for each field of the root, as in REST, and for each such part of its cost."""

_ITEMS = 10
"""Of a list that takes no `first`: most portfolios hold fewer things."""
_MOST = 1_000
"""Of a list whose `first` is no number: the query will be refused."""


@dataclass(frozen=True, slots=True)
class Complexity:
    """Levels of fields, fields that are renamed, cost, and fields of the root; introspection counts for aliases alone."""

    depth: int = 0
    aliases: int = 0
    cost: int = 0
    root_fields: int = 0

    @property
    def requests(self) -> int:
        """The number of requests that it counts as."""
        return max(self.root_fields, 1) + self.cost // COST_OF_REQUEST

    def __add__(self, other: "Complexity") -> "Complexity":
        return Complexity(
            max(self.depth, other.depth),
            self.aliases + other.aliases,
            self.cost + other.cost,
            self.root_fields + other.root_fields,
        )


def measure(
    schema: GraphQLSchema,
    document: DocumentNode,
    operation: OperationDefinitionNode,
    variables: Mapping[str, Any],
) -> Complexity:
    """The complexity of an operation in a valid document."""
    walk = _Walk(schema, document, _values(operation, variables))
    root = schema.get_root_type(operation.operation)
    assert root is not None
    return walk.selections(operation.selection_set, root)


def require_within_limits(complexity: Complexity) -> None:
    """Refuse an operation beyond the limits. Raises `errors.Problem` with status 400."""
    limits = (
        ("depth", complexity.depth, MAX_DEPTH),
        ("aliases", complexity.aliases, MAX_ALIASES),
        ("cost", complexity.cost, MAX_COST),
    )
    for name, value, most in limits:
        if value > most:
            raise errors.Problem(
                400,
                f"the query asks for too much: its {name} may be {most}",
                code="query-too-large",
                extra={"limit": {"of": name, "most": most}},
            )


class _Walk:
    """Through one operation."""

    def __init__(
        self, schema: GraphQLSchema, document: DocumentNode, variables: Mapping[str, Any]
    ) -> None:
        self._schema, self._variables = schema, variables
        self._roots = (schema.query_type, schema.mutation_type)
        self._fragments = {
            each.name.value: each
            for each in document.definitions
            if isinstance(each, FragmentDefinitionNode)
        }
        self._measured: dict[tuple[str, int], Complexity] = {}

    def selections(
        self, node: SelectionSetNode, parent: GraphQLObjectType, size: int = _ITEMS
    ) -> Complexity:
        """What is asked of an object whose lists have so many items."""
        total = Complexity()
        for each in node.selections:
            if isinstance(each, FieldNode):
                total += self._field(each, parent, size)
            elif isinstance(each, FragmentSpreadNode):
                total += self._fragment(each.name.value, size)
            elif isinstance(each, InlineFragmentNode):
                total += self.selections(each.selection_set, parent, size)
        return total

    def _fragment(self, name: str, size: int) -> Complexity:
        if (name, size) not in self._measured:
            fragment = self._fragments[name]
            parent = self._schema.get_type(fragment.type_condition.name.value)
            self._measured[name, size] = self.selections(
                fragment.selection_set, cast("GraphQLObjectType", parent), size
            )
        return self._measured[name, size]

    def _field(self, node: FieldNode, parent: GraphQLObjectType, size: int) -> Complexity:
        aliases = int(node.alias is not None)
        if node.name.value.startswith("__"):
            return Complexity(aliases=aliases)
        field, root_fields = parent.fields[node.name.value], int(parent in self._roots)
        kind = get_named_type(field.type)
        if is_leaf_type(kind) or node.selection_set is None:
            return Complexity(1, aliases, _weight(field), root_fields)
        # A connection's lists are the page that it was asked for.
        page = self._first(node, field) if "first" in field.args else _ITEMS
        inner = self.selections(node.selection_set, cast("GraphQLObjectType", kind), page)
        items = size if is_list_type(_without_null(field.type)) else 1
        cost = _weight(field) + items * (1 + inner.cost)
        return Complexity(1 + inner.depth, aliases + inner.aliases, cost, root_fields)

    def _first(self, node: FieldNode, field: GraphQLField) -> int:
        """The value of the argument `first`."""
        literal = next((each.value for each in node.arguments if each.name.value == "first"), None)
        value: Any = field.args["first"].default_value
        if isinstance(literal, VariableNode):
            value = self._variables.get(literal.name.value, value)
        elif isinstance(literal, IntValueNode):
            value = int(literal.value)
        return max(value, 1) if isinstance(value, int) else _MOST


def _without_null(kind: GraphQLOutputType) -> GraphQLOutputType:
    return cast("GraphQLOutputType", kind.of_type) if isinstance(kind, GraphQLNonNull) else kind


def _values(operation: OperationDefinitionNode, variables: Mapping[str, Any]) -> dict[str, Any]:
    """The variables' values, their defaults among them."""
    defaults = {
        each.variable.name.value: value_from_ast_untyped(each.default_value)
        for each in operation.variable_definitions
        if each.default_value is not None
    }
    return {**defaults, **variables}


def _weight(field: GraphQLField) -> int:
    definition = field.extensions.get("strawberry-definition")
    metadata: Mapping[str, Any] = getattr(definition, "metadata", {})
    return int(metadata.get(WEIGHT, 0))
