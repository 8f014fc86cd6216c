"""Executes a query: parses, validates, measures and counts it before it runs."""

import asyncio
import inspect
from collections import Counter
from functools import lru_cache
from typing import Any

from flask import g
from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLSyntaxError,
    NoSchemaIntrospectionCustomRule,
    OperationDefinitionNode,
    OperationType,
    Token,
    TokenKind,
    execute,
    parse,
    specified_rules,
    validate,
)
from graphql.utilities import get_operation_ast

from webapi.graphql import complexity, persisted
from webapi.graphql.context import Context
from webapi.graphql.schema import EXECUTABLE
from webapi.graphql.schemas import GraphqlIn
from webapi.http import errors
from webapi.security import limits
from webapi.services import services

MAX_TOKENS = 1_000
"""Words and signs of a document."""
MAX_REPEATS = 100
"""How often one word may stand in a document: equal fields are compared each with each."""
_KNOWN_DOCUMENTS = 200
_MOST_FAULTS = 10


def answer(asked: GraphqlIn) -> dict[str, Any]:
    """The answer to a query: `data`, and `errors` where a field has one.

    Raises:
        errors.Problem: 400, nothing was run: the text is no query of this schema, or asks for too much; 429.
    """
    text = persisted.text_of(asked)
    if text is None:
        return persisted.NOT_FOUND
    document = _document(text, services().settings.graphql_introspection)
    operation = _operation(document, asked.operation_name)
    persisted.remember(asked)
    variables = asked.variables or {}
    measured = complexity.measure(EXECUTABLE, document, operation, variables)
    complexity.require_within_limits(measured)
    limits.count_extra(measured.requests - 1)
    result = asyncio.run(_executed(document, asked, variables))
    return _response(result)


@lru_cache(maxsize=_KNOWN_DOCUMENTS)
def _document(text: str, may_introspect: bool) -> DocumentNode:
    """A valid document; programs send the same few again and again. Raises `errors.Problem` with status 400."""
    rules = [*specified_rules, *([] if may_introspect else [NoSchemaIntrospectionCustomRule])]
    try:
        document = parse(text, max_tokens=MAX_TOKENS)
        _require_few_repeats(document)
        faults = validate(EXECUTABLE, document, rules, max_errors=_MOST_FAULTS)
    except GraphQLSyntaxError as error:
        raise _request_error([error]) from None
    except RecursionError:
        raise _request_error([GraphQLError("it is nested too deeply")]) from None
    if faults:
        raise _request_error(faults)
    return document


def _require_few_repeats(document: DocumentNode) -> None:
    """Refuse a document that says one word again and again, before its fields are compared."""
    assert document.loc is not None
    token: Token | None = document.loc.start_token
    words: Counter[str] = Counter()
    while token is not None:
        if token.kind is TokenKind.NAME:
            words[token.value or ""] += 1
        token = token.next
    if words and max(words.values()) > MAX_REPEATS:
        raise _request_error([GraphQLError(f"a word may stand in it {MAX_REPEATS} times")])


def _operation(document: DocumentNode, name: str | None) -> OperationDefinitionNode:
    operation = get_operation_ast(document, name)
    if operation is None:
        reason = "give operationName: there are several" if name is None else f"no operation {name}"
        raise _request_error([GraphQLError(reason)])
    if operation.operation is OperationType.SUBSCRIPTION:
        reason = "subscriptions go over the WebSocket /api/v1/ws, by graphql-transport-ws"
        raise _request_error([GraphQLError(reason)])
    return operation


async def _executed(
    document: DocumentNode, asked: GraphqlIn, variables: dict[str, Any]
) -> ExecutionResult:
    result = execute(
        EXECUTABLE,
        document,
        context_value=Context(),
        variable_values=variables,
        operation_name=asked.operation_name,
    )
    return await result if inspect.isawaitable(result) else result


def _response(result: ExecutionResult) -> dict[str, Any]:
    faults = result.errors or []
    # What has no path lies before the first field: a variable that does not fit.
    if any(fault.path is None for fault in faults):
        raise _request_error(faults)
    body = {"data": result.data}
    return {**body, "errors": [_error(fault) for fault in faults]} if faults else body


def _error(fault: GraphQLError) -> dict[str, Any]:
    """An error of a field; `extensions` has the answer that REST would have given."""
    problem = _problem(fault)
    body = problem.body(g.get("request_id", ""))
    return {
        "message": body.pop("error"),
        "path": fault.path,
        "locations": [each.formatted for each in fault.locations or []],
        "extensions": body,
    }


def _problem(fault: GraphQLError) -> errors.Problem:
    cause = fault.original_error
    if cause is None or isinstance(cause, GraphQLError):
        return errors.Problem(400, fault.message, code="graphql")
    return errors.problem_of(cause)


def _request_error(faults: list[GraphQLError]) -> errors.Problem:
    """400 for a query that was not run."""
    return errors.Problem(
        400,
        f"the query was not run: {faults[0].message}",
        detail="It does not fit the schema; `errors` says where.",
        code="graphql",
        extra={"errors": [fault.formatted for fault in faults]},
    )
