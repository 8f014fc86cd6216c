"""Request and response bodies of `/graphql`, around the schema that `docs/schema.graphql` has."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints

from webapi.http.schema import Input, Output

_QUERY = "query Prices($first: Int) { tokens(first: $first) { nodes { symbol currentPrice } } }"


class PersistedQueryIn(Input):
    """A document by its digest, as Apollo's clients name it."""

    version: Literal[1]
    sha256_hash: Annotated[str, StringConstraints(pattern="^[0-9a-f]{64}$")] = Field(
        description="SHA-256 of the document in UTF-8, in hexadecimal."
    )


class ExtensionsIn(Input):
    """What clients send besides; all but `persistedQuery` is taken and not looked at."""

    model_config = ConfigDict(extra="ignore")

    persisted_query: PersistedQueryIn | None = Field(
        None,
        description="With it `query` may be left out: where nobody knows it, `errors` says `PersistedQueryNotFound`, and who sends "
        "both has it remembered for a day.",
    )


class GraphqlIn(Input):
    """A query of GraphQL, or a mutation."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"query": _QUERY, "variables": {"first": 2}}}
    )

    query: Annotated[str, StringConstraints(min_length=1, max_length=20_000)] | None = Field(
        None, description="The document; `docs/schema.graphql` has what may be asked for."
    )
    operation_name: Annotated[str, StringConstraints(max_length=200)] | None = Field(
        None, description="Which of the document's operations is meant, where it has several."
    )
    variables: dict[str, Any] | None = Field(
        None, description="Values of the variables of the operation, by name."
    )
    extensions: ExtensionsIn | None = Field(
        None, description="What clients send besides: the digest of a persisted query."
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
