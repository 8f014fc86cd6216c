"""`POST /graphql`: one question for what several routes of REST give."""

from apiflask import APIBlueprint
from flask import Response

from webapi.graphql.schemas import GraphqlIn, GraphqlOut
from webapi.http import json
from webapi.security.access import signed_in

blueprint = APIBlueprint("graphql", __name__, tag="GraphQL")


@blueprint.post("")
@signed_in
@blueprint.input(GraphqlIn)
@blueprint.output(GraphqlOut)
def query_graphql(json_data: GraphqlIn) -> Response:
    """Answer a query of GraphQL; each field is for whom the route of REST is that gives the same.

    An API key may be used; each field asks for the scope of its route.

    Answers 400 for what was not run: text that does not fit the schema, or asks for too much (depth 8, 15 aliases, cost
    2,000). Counts as one request for each field of the root, and for each 400 of cost. A field that fails is null and named in
    `errors`. A document may be left out where its digest is known (`extensions.persistedQuery`).
    """
    # Whoever does without GraphQL does not pay for it: the library is loaded by the first query.
    from webapi.graphql import execution  # noqa: PLC0415

    return Response(json.dumps(execution.answer(json_data)), mimetype="application/json")
