"""Stored forecasts, and their outcomes."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from psycopg import Connection

from webapi.backends import warehouse

STORED = """
    select
        p.id, p.horizon_days, p.origin_at, p.target_at, p.issued_at, p.reference_price, p.median, p.lower80,
        p.upper80, p.lower95, p.upper95, p.model_name, p.model_version, p.algorithm, p.run_id, p.data_digest,
        p.code_version, p.price_source, p.is_backfill, p.reference_log_scale, false as held_out,
        realised.close as realised_price
    from model.predictions p
"""
# A realised price is the close of a candle that was traded: a filled day proves nothing.
_REALISED = (
    STORED
    + """
    left join marts.fct_prices_daily realised
        on realised.token_id = p.token_id
        and realised.price_date = ((p.target_at at time zone 'UTC')::date - 1)
        and realised.close_at = p.target_at
        and realised.is_final and not realised.is_filled
"""
)
_PUBLIC = (
    _REALISED
    + """
    where p.token_id = %(token_id)s and p.horizon_days = %(days)s and not p.is_shadow
      and not exists (
          select from market.set_aside s
          where s.token_id = p.token_id and s.scope = 'forecast' and s.about = p.origin_at and s.state = 'held'
      )
"""
)
_BY_ID = _REALISED + "where p.id = %(id)s"
_SYMBOL = """
    select t.symbol from model.predictions p join market.tokens t on t.id = p.token_id where p.id = %(id)s
"""
_HISTORY = (
    _PUBLIC
    + """
      and (%(after_id)s::uuid is null or (p.origin_at, p.id) < (%(after_origin)s, %(after_id)s))
    order by p.origin_at desc, p.id desc
    limit %(limit)s
"""
)
# What the version forecast that speaks now, else the one that was judged last. It knew no outcome, and told nobody.
_HELD_OUT = """
    select
        null::uuid as id, f.horizon_days, f.origin_at, realised.close_at as target_at, s.recorded_at as issued_at,
        origin.close as reference_price, round(origin.close * exp(f.median)::numeric, 18) as median,
        round(origin.close * exp(f.lower80)::numeric, 18) as lower80,
        round(origin.close * exp(f.upper80)::numeric, 18) as upper80,
        round(origin.close * exp(f.lower95)::numeric, 18) as lower95,
        round(origin.close * exp(f.upper95)::numeric, 18) as upper95,
        s.model_name, s.model_version, s.algorithm, s.run_id, s.data_digest, s.code_version, s.price_source,
        true as is_backfill, f.reference_log_scale, true as held_out, realised.close as realised_price
    from model.held_out_forecasts f
    join model.held_out_sets s on s.id = f.set_id
    join marts.fct_prices_daily origin
        on origin.token_id = f.token_id
        and origin.price_date = ((f.origin_at at time zone 'UTC')::date - 1)
        and origin.close_at = f.origin_at
        and origin.is_final and not origin.is_filled
    join marts.fct_prices_daily realised
        on realised.token_id = f.token_id
        and realised.price_date = ((f.origin_at at time zone 'UTC')::date + f.horizon_days - 1)
        and realised.is_final and not realised.is_filled
    where f.token_id = %(token_id)s and f.horizon_days = %(days)s and f.set_id = (
        select h.id
        from model.held_out_sets h
        left join lateral (
            select p.model_name, p.model_version from model.predictions p
            where p.token_id = %(token_id)s and p.horizon_days = %(days)s and not p.is_shadow
            order by p.origin_at desc, p.issued_at desc
            limit 1
        ) as speaks on true
        where exists (
            select from model.held_out_forecasts o
            where o.set_id = h.id and o.token_id = %(token_id)s and o.horizon_days = %(days)s
        )
        order by (h.model_name, h.model_version) = (speaks.model_name, speaks.model_version) desc nulls last,
            h.recorded_at desc, h.id desc
        limit 1
    )
"""
_HELD_OUT_HISTORY = (
    _HELD_OUT
    + """
      and (%(after_origin)s::timestamptz is null or f.origin_at < %(after_origin)s)
    order by f.origin_at desc
    limit %(limit)s
"""
)
_FIGURES = """
    -- Levels with the quantiles of the standard normal, which the random walk's are multiples of.
    losses as (
        select origin_at, model_name, model_version, avg(greatest(level * above, (level - 1) * above)) as ours,
            avg(greatest(level * beyond, (level - 1) * beyond)) as walks
        from realised,
            lateral (values
                (0.025, lower95, -1.959963984540054), (0.1, lower80, -1.2815515655446004), (0.5, median, 0),
                (0.9, upper80, 1.2815515655446004), (0.975, upper95, 1.959963984540054)
            ) as published (level, price, z),
            lateral (select ln(realised_price::float8 / price::float8) as above,
                ln(realised_price::float8 / reference_price::float8) - z * exp(reference_log_scale) as beyond) as returns
        group by origin_at, model_name, model_version
    )
    select
        horizon_days,
        count(*) as forecasts,
        avg(abs(median - realised_price)) as mean_absolute_error,
        100 * avg(abs(median - realised_price) / realised_price) as mean_absolute_percentage_error,
        avg((realised_price between lower80 and upper80)::integer) as coverage80,
        avg((realised_price between lower95 and upper95)::integer) as coverage95,
        avg(abs(reference_price - realised_price)) as naive_mean_absolute_error,
        1 - avg(abs(median - realised_price)) / nullif(avg(abs(reference_price - realised_price)), 0)
            as skill_vs_naive,
        avg(ours)::numeric(20, 10) as pinball_loss,
        avg(walks)::numeric(20, 10) as random_walk_pinball_loss,
        (1 - avg(ours) filter (where walks is not null) / nullif(avg(walks), 0))::numeric(20, 10)
            as skill_vs_random_walk,
        min(target_at) as first_target_at,
        max(target_at) as last_target_at
    from realised join losses using (origin_at, model_name, model_version)
    where realised_price is not null
    group by horizon_days
"""
# Forecasts that were issued after their outcome prove nothing.
_ACCURACY = (
    "with realised as ("
    + _PUBLIC
    + """
      and not p.is_backfill and p.target_at > %(since)s and p.target_at <= %(now)s
    ),
"""
    + _FIGURES
)
_HELD_OUT_ACCURACY = f"with realised as ({_HELD_OUT}), {_FIGURES}"


@dataclass(frozen=True, slots=True)
class Stored:
    """A forecast with the price that came; None while that is unknown. A held-out one was not issued, and has no id."""

    id: UUID | None
    horizon_days: int
    origin_at: datetime
    target_at: datetime
    issued_at: datetime
    reference_price: Decimal
    median: Decimal
    lower80: Decimal
    upper80: Decimal
    lower95: Decimal
    upper95: Decimal
    model_name: str
    model_version: int
    algorithm: str
    run_id: str
    data_digest: str
    code_version: str
    price_source: str
    is_backfill: bool
    reference_log_scale: float | None
    held_out: bool
    realised_price: Decimal | None


@dataclass(frozen=True, slots=True)
class Accuracy:
    """The accuracy of forecasts of one horizon; errors in US dollars and percent, coverages as fractions.

    Pinball losses are of log returns; the random walk's is known where the model names the scale that it was measured
    against.
    """

    horizon_days: int
    forecasts: int
    mean_absolute_error: Decimal
    mean_absolute_percentage_error: Decimal
    coverage80: Decimal
    coverage95: Decimal
    naive_mean_absolute_error: Decimal
    skill_vs_naive: Decimal | None
    pinball_loss: Decimal
    random_walk_pinball_loss: Decimal | None
    skill_vs_random_walk: Decimal | None
    first_target_at: datetime
    last_target_at: datetime


@dataclass(frozen=True, slots=True)
class After:
    """The forecast after which a page begins; one without an id was held out."""

    origin_at: datetime
    prediction_id: UUID | None


def history(
    conn: Connection, token_id: UUID, days: int, after: After | None, limit: int
) -> list[Stored]:
    """Forecasts of one horizon, newest first: those that were issued, then those that were held out.

    None before the warehouse is built.
    """
    asked = {"token_id": token_id, "days": days}
    issued, is_among_held_out = [], after is not None and after.prediction_id is None
    if not is_among_held_out:
        parameters = {
            **asked,
            "after_origin": after.origin_at if after else None,
            "after_id": after.prediction_id if after else None,
            "limit": limit,
        }
        issued = warehouse.rows(conn, _HISTORY, parameters, Stored) or []
    parameters = {
        **asked,
        "after_origin": after.origin_at if after and is_among_held_out else None,
        "limit": limit - len(issued),
    }
    return issued + (warehouse.rows(conn, _HELD_OUT_HISTORY, parameters, Stored) or [])


def by_id(conn: Connection, prediction_id: UUID) -> tuple[str, Stored] | None:
    """A stored forecast and the symbol of its token; None where there is none, or the warehouse is not built."""
    symbol = conn.execute(_SYMBOL, {"id": prediction_id}).fetchone()
    rows = warehouse.rows(conn, _BY_ID, {"id": prediction_id}, Stored)
    return (symbol[0], rows[0]) if symbol and rows else None


def accuracy(
    conn: Connection, token_id: UUID, days: int, since: datetime, now: datetime
) -> Accuracy | None:
    """The accuracy of forecasts with targets after `since`; None where none has an outcome yet."""
    parameters = {"token_id": token_id, "days": days, "since": since, "now": now}
    rows = warehouse.rows(conn, _ACCURACY, parameters, Accuracy)
    return rows[0] if rows else None


def held_out_accuracy(conn: Connection, token_id: UUID, days: int) -> Accuracy | None:
    """The accuracy of the serving version on its held-out days; None where none of its forecasts are kept."""
    parameters = {"token_id": token_id, "days": days}
    rows = warehouse.rows(conn, _HELD_OUT_ACCURACY, parameters, Accuracy)
    return rows[0] if rows else None
