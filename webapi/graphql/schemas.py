"""Request and response bodies of `/graphql`, around the schema that `docs/schema.graphql` has."""

from typing import Annotated, Any

from pydantic import ConfigDict, Field, StringConstraints

from webapi.http.schema import Input, Output

_QUERY = "query Prices($first: Int) { tokens(first: $first) { nodes { symbol currentPrice } } }"


class GraphqlIn(Input):
    """A query of GraphQL, or a mutation."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"query": _QUERY, "variables": {"first": 2}}}
    )

    query: Annotated[str, StringConstraints(min_length=1, max_length=20_000)] = Field(
        description="The document; `docs/schema.graphql` has what may be asked for."
    )
    operation_name: Annotated[str, StringConstraints(max_length=200)] | None = Field(
        None, description="Which of the document's operations is meant, where it has several."
    )
    variables: dict[str, Any] | None = Field(
        None, description="Values of the variables of the operation, by name."
    )
    extensions: dict[str, Any] | None = Field(
        None, description="Taken because clients send it, and not looked at."
    )


class GraphqlErrorOut(Output):
    """Why a field is null."""

    message: str = Field(description="One line: `error` of what REST would answer.")
    path: list[str | int] = Field(description="Names and indices that lead to the field.")
    locations: list[dict[str, int]] = Field(description="Lines and columns of the document.")
    extensions: dict[str, Any] = Field(
        description="The problem that REST would answer: `type`, `title`, `status`, `detail`, `instance`."
    )


class GraphqlOut(Output):
    """What was asked for; a field with an error is null and leaves the others."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "data": {"tokens": {"nodes": [{"symbol": "BTC", "currentPrice": 91234.56}]}}
            }
        }
    )

    data: dict[str, Any] | None = Field(description="By the names, or aliases, of the query.")
    errors: list[GraphqlErrorOut] = Field(
        default_factory=list, description="Errors of fields; left out where there are none."
    )
