"""The forecast that stood at a past instant, laid on the price that was known then."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import LiteralString
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from coinsphere.market import anchoring, prices
from webapi.http import errors
from webapi.predictions.model_server import LEVELS, Forecast, Model, Quality
from webapi.tokens.queries import Token

# The newest that had been issued, and why a check held it or its token aside at that moment.
_STOOD: LiteralString = """
    select p.id, p.origin_at, p.issued_at, p.reference_price, p.quantiles, p.model_name, p.model_version, p.algorithm,
        p.run_id, p.code_version, p.data_digest, p.price_source, p.in_distribution, held.reason as held
    from model.predictions p
    left join lateral (
        select s.reason
        from market.set_aside s
        cross join lateral (
            select t.state from market.set_aside_trail t
            where t.set_aside_id = s.id and t.at <= %(as_of)s
            order by t.at desc, t.id desc
            limit 1
        ) known
        where s.token_id = p.token_id and known.state = 'held'
            and (s.scope = 'token' or s.scope = 'forecast' and s.about = p.origin_at)
        limit 1
    ) held on true
    where p.token_id = %(token_id)s and p.horizon_days = %(days)s and not p.is_shadow and not p.is_backfill
        and p.issued_at <= %(as_of)s and p.quantiles ?& %(levels)s
    order by p.origin_at desc, p.issued_at desc
    limit 1
"""


@dataclass(frozen=True, slots=True)
class _Stood:
    id: UUID
    origin_at: datetime
    issued_at: datetime
    reference_price: Decimal
    quantiles: dict[str, float]
    model_name: str
    model_version: int
    algorithm: str
    run_id: str
    code_version: str
    data_digest: str
    price_source: str
    in_distribution: bool | None
    held: str | None


@dataclass(frozen=True, slots=True)
class _Anchor:
    price: Decimal
    seen_at: datetime


def standing(conn: Connection, token: Token, days: int, as_of: datetime) -> Forecast:
    """The forecast that the API gave at `as_of`; which rung it was of and what that had reached was not stored.

    Args:
        conn: a connection.
        token: that is asked for.
        days: the horizon.
        as_of: the moment; nothing that was recorded later counts.

    Raises:
        errors.Problem: 404 where none had been issued, or a check held it or its token aside then.
    """
    parameters = {"token_id": token.id, "days": days, "as_of": as_of, "levels": list(LEVELS)}
    row = conn.cursor(row_factory=class_row(_Stood)).execute(_STOOD, parameters).fetchone()
    if row is None:
        raise errors.Problem(
            404, f"no forecast of {token.symbol} had been issued by then", code="no-prediction"
        )
    if row.held is not None:
        raise errors.Problem(
            404, f"{token.symbol} was set aside then: {row.held}", code="set-aside"
        )
    return _answered(row, _anchor(conn, token.id, row, as_of), token.symbol, days, as_of)


def _anchor(conn: Connection, token_id: UUID, row: _Stood, as_of: datetime) -> _Anchor:
    """The price that was known then, unless it is older than the close that the forecast begins with."""
    found = prices.at(conn, token_id, as_of, as_of)
    price, seen_at = (None, None) if found is None else (found.price, found.agreed_at)
    if price is None or seen_at is None or seen_at < row.origin_at:
        return _Anchor(row.reference_price, row.origin_at)
    return _Anchor(price, seen_at)


def _answered(row: _Stood, anchor: _Anchor, symbol: str, days: int, as_of: datetime) -> Forecast:
    start, length = anchoring.horizon_start(row.origin_at, anchor.seen_at), timedelta(days=days)
    share = anchoring.share_left(start, length, anchor.seen_at)
    expires_at = row.origin_at + timedelta(days=1 + days // 7)
    return Forecast.model_construct(
        symbol=symbol,
        days_ahead=days,
        algorithm=row.algorithm,
        reference_price=anchor.price,
        origin_at=row.origin_at,
        anchored_at=anchor.seen_at,
        issued_at=row.issued_at,
        target_at=start + length,
        quantiles=_anchored(row, anchor.price, share),
        model=_model(row),
        quality=_quality(row),
        expires_at=expires_at,
        stale=as_of >= expires_at,
        price_source=row.price_source,
        prediction_id=row.id,
        factors=[],
    )


def _anchored(row: _Stood, price: Decimal, share: float) -> dict[str, Decimal]:
    """As the model server does it: the centre shrinks with the time left, the width with its root."""
    reference = float(row.reference_price)
    returns = {level: math.log(row.quantiles[level] / reference) for level in LEVELS}
    centre = returns["0.5"]
    return {
        level: anchoring.price(price, centre * share + (each - centre) * share**0.5)
        for level, each in returns.items()
    }


def _model(row: _Stood) -> Model:
    return Model.model_construct(
        rung=None,
        name=row.model_name,
        version=row.model_version,
        run_id=row.run_id,
        trained_at=None,
        data_cutoff=None,
        code_version=row.code_version,
        data_digest=row.data_digest,
    )


def _quality(row: _Stood) -> Quality:
    return Quality.model_construct(
        coverage80=None,
        coverage95=None,
        skill_vs_naive=None,
        evaluated_on=None,
        in_distribution=row.in_distribution,
        beats_naive=None,
        validated=None,
        reason=None,
    )
