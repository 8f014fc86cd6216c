"""How good the data of the day before were, of all tokens together, as metadata of an asset."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg
from psycopg import Connection

from coinsphere.market.quality import health
from coinsphere.market.quality.health import TokenDay, Window

_MOST_TOKENS = 1000


def yesterday(conn: Connection, now: datetime) -> dict[str, dg.MetadataValue]:
    """The figures of the page `/admin/data`; what is known of no token is left out."""
    day = now.astimezone(UTC).date() - timedelta(days=1)
    followed = health.followed(conn, _MOST_TOKENS)
    return summary(health.of_tokens(conn, followed, Window(day, day), now))


def summary(days: Sequence[TokenDay]) -> dict[str, dg.MetadataValue]:
    """Mean completeness and disagreement, the greatest age, and the sums of what was quarantined and revised."""
    complete = _mean(each.completeness for each in days)
    apart = _mean(None if each.disagreement is None else float(each.disagreement) for each in days)
    ages = [each.age for each in days if each.age is not None]
    known = {
        "yesterday/completeness_percent": None if complete is None else complete * 100,
        "yesterday/oldest_price_minutes": max(ages) / 60 if ages else None,
        "yesterday/disagreement_basis_points": apart,
        "yesterday/rows_quarantined": sum(each.quarantined for each in days),
        "yesterday/candles_revised": sum(each.revisions for each in days),
    }
    return {
        name: dg.MetadataValue.float(round(float(value), 2))
        for name, value in known.items()
        if value is not None
    }


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
