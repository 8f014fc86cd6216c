"""The schema: what may be asked, and what may be done."""

import strawberry
from graphql import GraphQLSchema, extend_schema, parse, print_schema
from strawberry.schema.config import StrawberryConfig

from coinsphere.stream import subscriptions
from webapi.graphql import model_types
from webapi.graphql.account import AccountQueries
from webapi.graphql.alerts import AlertActs, AlertQueries
from webapi.graphql.portfolios import PortfolioQueries
from webapi.graphql.scalars import SCALARS
from webapi.graphql.tokens import TokenQueries


@strawberry.type
class Query(TokenQueries, PortfolioQueries, AlertQueries, AccountQueries):
    """What may be asked."""


@strawberry.type
class Mutation(AlertActs):
    """What may be done."""


_schema = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    config=StrawberryConfig(scalar_map=SCALARS, default_resolver=model_types.resolve),
)
# What is subscribed to, another process answers: strawberry would want resolvers for it.
_SUBSCRIPTIONS = parse("extend schema { subscription: Subscription }" + subscriptions.SDL)
EXECUTABLE: GraphQLSchema = extend_schema(
    _schema._schema,  # noqa: SLF001 - the library documents it as the way to graphql-core's own
    _SUBSCRIPTIONS,
)


def printed() -> str:
    """The schema in its own language, as `docs/schema.graphql` has it."""
    return print_schema(EXECUTABLE) + "\n"
