"""The forecast in force at a past instant, anchored at the price that was known then."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, LiteralString
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

from coinsphere.clock import DAY
from coinsphere.market import anchoring, prices
from coinsphere.market.prices import Price
from webapi.http import errors
from webapi.predictions import answers
from webapi.predictions.model_server import LEVELS, Forecast, Model, Quality
from webapi.predictions.point_in_time import STATE_THEN
from webapi.tokens.queries import Token

# The newest that had been issued, and why a check held it or its token aside at that moment.
_STOOD: LiteralString = f"""
    select asked.place, stood.*
    from unnest(%(token_ids)s::uuid[], %(days)s::int[]) with ordinality as asked (token_id, days, place)
    cross join lateral (
    select p.id, p.token_id, p.origin_at, p.issued_at, p.reference_price, p.quantiles, p.model_name, p.model_version, p.algorithm,
        p.run_id, p.code_version, p.data_digest, p.price_source, p.in_distribution, held.reason as held, trained.last_day,
        reached.coverage80, reached.coverage95, reached.skill_vs_naive, reached.first_origin, reached.last_origin
    from model.predictions p
    join model.training_sets trained on trained.digest = p.data_digest
    left join lateral (
        select round(e.coverage80::numeric, 6) as coverage80, round(e.coverage95::numeric, 6) as coverage95,
            round(e.skill_vs_naive::numeric, 6) as skill_vs_naive, e.first_origin, e.last_origin
        from model.evaluations e
        where e.token_id = p.token_id and e.model_name = p.model_name and e.model_version = p.model_version
            and e.horizon_days = p.horizon_days and e.evaluated_at <= %(as_of)s
        order by e.evaluated_at desc
        limit 1
    ) reached on true
    left join lateral (
        select s.reason
        from market.set_aside s
        {STATE_THEN}
        where s.token_id = p.token_id and known.state = 'held'
            and (s.scope = 'token' or s.scope = 'forecast' and s.about = p.origin_at)
        limit 1
    ) held on true
    where p.token_id = asked.token_id and p.horizon_days = asked.days and not p.is_shadow and not p.is_backfill
        and p.issued_at <= %(as_of)s and p.quantiles ?& %(levels)s
    order by p.origin_at desc, p.issued_at desc
    limit 1
    ) as stood
"""  # noqa: S608 - constants alone


_OF_ALL_TOKENS = "all-tokens-forecaster"


@dataclass(frozen=True, slots=True)
class _Stood:
    place: int
    id: UUID
    token_id: UUID
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
    last_day: date
    coverage80: Decimal | None
    coverage95: Decimal | None
    skill_vs_naive: Decimal | None
    first_origin: date | None
    last_origin: date | None


@dataclass(frozen=True, slots=True)
class _Anchor:
    price: Decimal
    seen_at: datetime


def answer(conn: Connection, token: Token, days: int, as_of: datetime) -> dict[str, Any]:
    """The answer that stood at `as_of`, as `PredictionOut` takes it. Arguments and errors as of `standing`."""
    forecast = standing(conn, token, days, as_of)
    # What quotes the token now is no source of that price.
    return answers.prediction(replace(token, price_source=None), forecast, None)


def standing(conn: Connection, token: Token, days: int, as_of: datetime) -> Forecast:
    """The forecast that the API gave at `as_of`; fields that were not stored with it are None.

    Args:
        conn: a connection.
        token: that is asked for.
        days: the horizon.
        as_of: the moment; nothing that was recorded later counts.

    Raises:
        errors.Problem: 404 where none had been issued, or a check held it or its token aside then.
    """
    answer = standing_all(conn, [(token, days)], as_of)[token, days]
    if isinstance(answer, errors.Problem):
        raise answer
    return answer


def standing_all(
    conn: Connection, wanted: Sequence[tuple[Token, int]], as_of: datetime
) -> dict[tuple[Token, int], Forecast | errors.Problem]:
    """As `standing`, of tokens and horizons together; the problem of each that has no answer."""
    parameters = {
        "token_ids": [token.id for token, _ in wanted],
        "days": [days for _, days in wanted],
        "as_of": as_of,
        "levels": list(LEVELS),
    }
    rows = conn.cursor(row_factory=class_row(_Stood)).execute(_STOOD, parameters).fetchall()
    known = prices.at_all(conn, list({row.token_id for row in rows}), as_of, as_of)
    stood = {wanted[row.place - 1]: row for row in rows}
    return {
        (token, days): _one(token, days, stood.get((token, days)), known.get(token.id), as_of)
        for token, days in wanted
    }


def _one(
    token: Token, days: int, row: _Stood | None, price: Price | None, as_of: datetime
) -> Forecast | errors.Problem:
    if row is None:
        return errors.Problem(
            404, f"no forecast of {token.symbol} had been issued by then", code="no-prediction"
        )
    if row.held is not None:
        return errors.Problem(
            404, f"{token.symbol} was set aside then: {row.held}", code="set-aside"
        )
    return _answered(row, _anchor(row, price), token.symbol, days, as_of)


def _anchor(row: _Stood, known: Price | None) -> _Anchor:
    """The price that was known then, unless it is older than the close that the forecast begins with."""
    price, seen_at = (None, None) if known is None else (known.price, known.agreed_at)
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
        is_of_log=True,
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
        # Only of a model of the token alone it follows from the name: nothing else of it may speak.
        rung=None if row.model_name == _OF_ALL_TOKENS else "token_champion",
        name=row.model_name,
        version=row.model_version,
        run_id=row.run_id,
        trained_at=None,
        data_cutoff=datetime.combine(row.last_day, time(), UTC) + DAY,
        code_version=row.code_version,
        data_digest=row.data_digest,
    )


def _quality(row: _Stood) -> Quality:
    return Quality.model_construct(
        coverage80=row.coverage80,
        coverage95=row.coverage95,
        skill_vs_naive=row.skill_vs_naive,
        evaluated_on=None if row.first_origin is None else f"{row.first_origin}/{row.last_origin}",
        in_distribution=row.in_distribution,
        beats_naive=None if row.skill_vs_naive is None else row.skill_vs_naive > 0,
        # A token's own model speaks where none of all tokens has passed its gates.
        validated=None if row.model_name == _OF_ALL_TOKENS else False,
        reason=None,
    )
