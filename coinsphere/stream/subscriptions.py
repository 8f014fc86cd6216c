"""GraphQL subscriptions: the stream's own messages with the fields that a client selects. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    OperationDefinitionNode,
    OperationType,
    build_schema,
    execute_sync,
    parse,
    validate,
)
from graphql.execution.collect_fields import collect_fields
from graphql.execution.values import get_argument_values, get_variable_values
from graphql.utilities import get_operation_ast

from coinsphere.parsing.decimals import plain

SDL = '''
"""What is told as it happens, over the WebSocket by graphql-transport-ws."""
type Subscription {
  """Prices in US dollars: the last known one of each symbol, then each newer one. A slow client gets the newest, not all."""
  prices(
    """In any case; up to 200 of one connection."""
    symbols: [String!]!
  ): PriceUpdate!

  """One's own alerts that are sent to the channel `stream`, as they fire."""
  alerts(
    """Alerts since then come first, those of the last hour and a hundred at most; drop those whose `id` you have."""
    since: DateTime
  ): FiredAlert!
}

"""A token's newest price in US dollars; null is unknown."""
type PriceUpdate {
  """The token of the highest market cap that bears it is meant."""
  symbol: String!

  """The token."""
  tokenId: UUID!

  """US dollars."""
  price: Decimal!

  """Percent."""
  change24h: Decimal

  """US dollars traded in 24 hours."""
  volume24h: Decimal

  """US dollars."""
  marketCap: Decimal

  """Who says so."""
  priceSource: String!

  """When it was observed."""
  timestamp: DateTime!
}

"""An alert that fired."""
type FiredAlert {
  """This firing."""
  id: UUID!

  """The alert."""
  alertId: UUID!

  """What it watches."""
  alertType: String!

  """Of a token."""
  tokenSymbol: String

  """Of a portfolio."""
  portfolioId: UUID

  """What was to happen."""
  condition: String!

  """At which value."""
  threshold: Decimal!

  """The value before."""
  previousValue: Decimal

  """The value that fired it."""
  value: Decimal!

  """Who told the value."""
  source: String!

  """When the value was observed."""
  observedAt: DateTime!

  """When it fired."""
  timestamp: DateTime!
}
'''
"""The part of the schema that the stream answers; the API's has it, too."""
_OTHERS = """
scalar Decimal
scalar UUID
scalar DateTime
type Query { "What else may be asked, is asked by POST." elsewhere: Boolean }
"""
SCHEMA = build_schema(SDL + _OTHERS)
KINDS = {"price_update": "prices", "alert": "alerts"}
"""Which field each of the stream's messages is told by."""
MAX_TOKENS = 200
"""Words and signs of a document."""
_MOST_FAULTS = 5
_Moment = Annotated[datetime, msgspec.Meta(tz=True)]
_decoder = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)


@dataclass(frozen=True, slots=True)
class Asked:
    """A subscription as the client sends it."""

    query: str
    operation_name: str | None = None
    variables: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Subscription:
    """A checked subscription: the field of the root, of `prices` the symbols, and of `alerts` since when they were missed."""

    document: DocumentNode
    asked: Asked
    field: str
    symbols: frozenset[str]
    since: datetime | None

    def wants(self, event: Mapping[str, Any]) -> bool:
        """Whether a message of the stream belongs to it."""
        is_of_field = KINDS[event["type"]] == self.field
        return is_of_field and (self.field != "prices" or event["symbol"] in self.symbols)

    def answer(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """The fields of a message that were asked for, decimals as JSON's own numbers with all their digits."""
        result = execute_sync(
            SCHEMA,
            self.document,
            root_value={self.field: event},
            variable_values=dict(self.asked.variables or {}),
            operation_name=self.asked.operation_name,
        )
        return dict(_wire(result.formatted))


class Refused(Exception):
    """A subscription is refused; `faults` say why, in GraphQL's format of errors."""

    def __init__(self, faults: list[GraphQLError]) -> None:
        super().__init__(faults[0].message)
        self.faults = faults


def event(text: str) -> dict[str, Any]:
    """A message of the stream as a dictionary of its fields, numbers exact."""
    return _decoder.decode(text)


def check(asked: Asked) -> Subscription:
    """Validate a subscription. Raises `Refused`."""
    try:
        document = parse(asked.query, max_tokens=MAX_TOKENS)
        faults = validate(SCHEMA, document, max_errors=_MOST_FAULTS)
    except GraphQLError as error:
        raise Refused([error]) from None
    except RecursionError:
        raise Refused([GraphQLError("it is nested too deeply")]) from None
    if faults:
        raise Refused(faults)
    operation = get_operation_ast(document, asked.operation_name)
    if operation is None:
        raise Refused([GraphQLError("no operation, or several and none is named")])
    if operation.operation is not OperationType.SUBSCRIPTION:
        raise Refused([GraphQLError("queries and mutations go by POST /api/v1/graphql")])
    return _of(document, operation, asked)


def _of(document: DocumentNode, operation: OperationDefinitionNode, asked: Asked) -> Subscription:
    values = get_variable_values(
        SCHEMA,
        operation.variable_definitions or (),
        dict(asked.variables or {}),
        max_errors=_MOST_FAULTS,
    )
    if isinstance(values, list):
        raise Refused(values)
    node = _root_field(document, operation, values)
    root = SCHEMA.subscription_type
    assert root is not None
    arguments = get_argument_values(root.fields[node.name.value], node, values)
    symbols = frozenset(symbol.upper() for symbol in arguments.get("symbols", ()))
    since = _moment(arguments.get("since"))
    return Subscription(document, asked, node.name.value, symbols, since)


def _moment(text: str | None) -> datetime | None:
    """An instant with its time zone. Raises `Refused`."""
    try:
        return None if text is None else msgspec.convert(text, _Moment)
    except msgspec.ValidationError:
        raise Refused([GraphQLError("since is no instant with a time zone")]) from None


def _root_field(
    document: DocumentNode, operation: OperationDefinitionNode, values: dict[str, Any]
) -> FieldNode:
    """The one field of the root that is left once `@skip` and `@include` are heard."""
    fragments = {
        each.name.value: each
        for each in document.definitions
        if isinstance(each, FragmentDefinitionNode)
    }
    root = SCHEMA.subscription_type
    assert root is not None
    fields = collect_fields(SCHEMA, fragments, values, root, operation.selection_set)
    nodes = [each[0] for each in fields.values() if each[0].name.value in root.fields]
    if len(nodes) != 1:
        raise Refused([GraphQLError("a subscription asks for one field")])
    return nodes[0]


def _wire(value: Any) -> Any:
    if isinstance(value, Decimal):
        return msgspec.Raw(plain(value).encode())
    if isinstance(value, dict):
        return {name: _wire(each) for name, each in value.items()}
    return [_wire(each) for each in value] if isinstance(value, list) else value
