"""What a query is measured to ask for."""

import pytest
from graphql import parse
from graphql.utilities import get_operation_ast

from webapi.graphql import complexity
from webapi.graphql.complexity import Complexity
from webapi.graphql.schema import EXECUTABLE
from webapi.http import errors


def measured(text: str, **variables: object) -> Complexity:
    document = parse(text)
    operation = get_operation_ast(document)
    assert operation is not None
    return complexity.measure(EXECUTABLE, document, operation, variables)


@pytest.mark.parametrize(
    ("query", "depth", "cost"),
    [
        ("{ me { sessions } }", 2, 11),
        ("{ tokens(first: 7) { nodes { symbol } } }", 3, 11 + 7),
        ("{ tokens(first: 7) { pageInfo { endCursor } } }", 3, 11 + 1),
        ("{ tokens(first: 7) { edges { node { symbol } } } }", 4, 11 + 7 * 2),
        ("{ tokens { nodes { symbol } } }", 3, 11 + 50),
        ("query ($n: Int = 3) { tokens(first: $n) { nodes { symbol } } }", 3, 11 + 3),
        ("{ tokens(first: 3) { nodes { prediction { confidence } } } }", 4, 11 + 3 * 92),
        ("{ alerts { id } }", 2, 10 + 10),
        ("{ tokens(first: -5) { nodes { symbol } } }", 3, 11 + 1),
        ("{ __schema { types { name } } }", 0, 0),
        ("{ ...A } fragment A on Query { ... on Query { me { sessions } } }", 2, 11),
    ],
)
def test_depth_and_cost(query: str, depth: int, cost: int) -> None:
    found = measured(query)
    assert (found.depth, found.cost) == (depth, cost)


def test_a_variable_counts_with_its_value_and_what_is_no_number_as_much() -> None:
    query = "query ($n: Int) { tokens(first: $n) { nodes { symbol } } }"
    assert measured(query, n=9).cost == 11 + 9
    assert measured(query, n="9").cost == 11 + 1000


def test_aliases_count_wherever_they_stand() -> None:
    query = "{ a: me { b: sessions } ...F ...F } fragment F on Query { c: __typename }"
    assert measured(query).aliases == 4


def test_fragments_that_double_are_measured_at_once() -> None:
    doubling = " ".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(90))
    found = measured(f"{{ ...F0 }} {doubling} fragment F90 on Query {{ me {{ sessions }} }}")
    assert found.cost == 11 * 2**90


def test_a_query_counts_as_the_requests_that_it_replaces() -> None:
    several = "{ ...F a: me { sessions } tokens(first: 9) { nodes { prediction { confidence } } } __typename }"
    found = measured(several + " fragment F on Query { alerts { id } }")
    assert (found.root_fields, found.cost) == (3, 20 + 11 + 11 + 9 * 92)
    assert found.requests == 3 + 2
    assert measured("{ __typename }").requests == 1


@pytest.mark.parametrize(
    ("found", "limit"),
    [
        (Complexity(depth=9), "depth"),
        (Complexity(aliases=16), "aliases"),
        (Complexity(cost=2001), "cost"),
    ],
)
def test_each_limit_refuses_by_its_name(found: Complexity, limit: str) -> None:
    complexity.require_within_limits(Complexity(8, 15, 2000))
    with pytest.raises(errors.Problem) as refused:
        complexity.require_within_limits(found)
    assert refused.value.extra["limit"]["of"] == limit
