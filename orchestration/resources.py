"""Resources of the assets: settings, the database, the market's source, the clock and dbt.

Each is the kernel's own object, so that a test passes its own in its place without a base class.
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from coinsphere.clock import utc_now
from coinsphere.db.pool import Database
from coinsphere.errors import ConfigurationError
from coinsphere.market import origin
from coinsphere.market.model import MarketDataSource
from coinsphere.settings import Role, Settings
from orchestration.warehouse.dbt import Dbt

_STATEMENT_TIMEOUT_MS = 10 * 60 * 1000
"""A statement of the pipeline may take minutes; one of the API may not."""


def build(settings: Settings) -> dict[str, Any]:
    """The resources by the names that assets ask for. Nothing is opened before a run needs it."""
    return {
        "settings": settings,
        "clock": dg.ResourceDefinition.hardcoded_resource(utc_now, "The present instant in UTC."),
        "database": _database(settings),
        "source": _source(settings),
        "dbt": dg.ResourceDefinition.hardcoded_resource(
            Dbt(settings), "dbt with the pipeline's database role."
        ),
    }


def _database(settings: Settings) -> dg.ResourceDefinition:
    @dg.resource(description="Pool of connections with the pipeline's role.")
    def database(_: dg.InitResourceContext) -> Iterator[Database]:
        with Database(
            settings.url_for(Role.PIPELINE), size=4, statement_timeout_ms=_STATEMENT_TIMEOUT_MS
        ) as opened:
            yield opened

    return database


def _source(settings: Settings) -> dg.ResourceDefinition:
    @dg.resource(
        required_resource_keys={"database", "clock"},
        description="Where prices come from, as recorded when the database was created.",
    )
    def source(context: dg.InitResourceContext) -> Iterator[MarketDataSource]:
        from coinsphere.market.sources import factory

        with context.resources.database.connection() as conn:
            decided = origin.get(conn)
        if decided is None:
            raise ConfigurationError(
                "Nobody has decided where prices come from: `coinsphere up` does, once for a database."
            )
        with factory.opened(settings, decided, context.resources.clock) as market:
            yield market

    return source
