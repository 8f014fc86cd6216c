"""Says which watched portfolios have to be valued: those that a threshold may be within reach of, as prices have moved.

All prices are measured from one reference. A portfolio that was worth V by it is worth between V times the lowest and V
times the highest of their moves, so while neither reaches its nearest threshold over V, nothing about its alerts can change
(`rules.unchanging`). These two quotients are kept for each portfolio and found by an index.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from psycopg import Connection
from psycopg.rows import class_row

_REST = timedelta(minutes=10)
"""For how long a reference stands at least, however far prices go."""

# A price that is doubted now may be good at the next look, and is measured then. What has no reference yet gets one: its
# holders' portfolios are valued each minute until then.
_MOVES = """
    select coalesce(min(quotes.price / reference.price)::float8 * (1 - 1e-9), 1) as lowest,
        coalesce(max(quotes.price / reference.price)::float8 * (1 + 1e-9), 1) as highest,
        min(reference.noted_at) as noted_at,
        coalesce(bool_or(tokens.is_active <> reference.is_active), false) as is_relisted
    from app.alert_reference_prices as reference
    join market.tokens on tokens.id = reference.token_id
    left join market.quotes on quotes.token_id = reference.token_id and quotes.quality = 'ok'
"""
_REFER = """
    insert into app.alert_reference_prices as reference (token_id, price, is_active, noted_at)
    select quotes.token_id, quotes.price, tokens.is_active, %(now)s
    from market.quotes
    join market.tokens on tokens.id = quotes.token_id
    where quotes.quality = 'ok' and quotes.price > 0
        and (%(anew)s or not exists (select from app.alert_reference_prices where token_id = quotes.token_id))
    on conflict (token_id) do update set
        price = excluded.price, is_active = excluded.is_active, noted_at = excluded.noted_at
"""
_REMEMBER = """
    update app.alert_reference_prices as reference set is_active = tokens.is_active, noted_at = %(now)s
    from market.tokens
    where tokens.id = reference.token_id
"""
# Not those that have no bounds: another reference would give them none.
_CROWDED = """
    select count(*) > greatest(1000, (select reltuples / 10 from pg_class where oid = 'app.alert_bounds'::regclass))
    from (
        select from app.alert_bounds where rises_to > 0 and rises_to <= %(highest)s
        union all
        select from app.alert_bounds where falls_to >= %(lowest)s and falls_to < 'infinity'
    ) as near
"""
_DUE = """
    with changed as (
        delete from app.alert_revaluations returning portfolio_id
    )
    select portfolio_id from changed
    where exists (
        select from app.alerts
        where alert_type = 'portfolio' and portfolio_id = changed.portfolio_id and is_active
    )
    union
    select portfolio_id from app.alert_bounds where rises_to <= %(highest)s
    union
    select portfolio_id from app.alert_bounds where falls_to >= %(lowest)s
    union
    select portfolio_id from app.alerts where %(anew)s and alert_type = 'portfolio' and is_active
"""
# What is worth next to nothing by the reference is not divided by. An alert whose value is not known, or equals its
# threshold, may change by any price.
_NOTE = """
    with values_then as (
        select holdings.portfolio_id, sum(holdings.amount * reference.price) as value
        from app.holdings
        join market.tokens on tokens.id = holdings.token_id and tokens.is_active
        left join app.alert_reference_prices as reference on reference.token_id = holdings.token_id
        where holdings.amount > 0 and holdings.portfolio_id = any(%(portfolios)s)
        group by holdings.portfolio_id
        having count(*) = count(reference.price) and sum(holdings.amount * reference.price) > 0.000001
    ),
    standing as (
        select portfolio_id, sign(last_value - threshold) as side, threshold,
            case when not is_armed and condition in ('above', 'crosses_above', 'equal') then threshold - hysteresis end as back,
            case when not is_armed and condition in ('below', 'crosses_below', 'equal') then threshold + hysteresis end as forth
        from app.alerts
        where alert_type = 'portfolio' and is_active and portfolio_id = any(%(portfolios)s)
            and (expires_at is null or expires_at > %(now)s)
    ),
    bounds as (
        select standing.portfolio_id, bool_and(coalesce(side <> 0 and value is not null, false)) as is_known,
            max(greatest(case when side = 1 then threshold end, back) / value)::float8 as falls_to,
            min(least(case when side = -1 then threshold end, forth) / value)::float8 as rises_to
        from standing
        left join values_then using (portfolio_id)
        group by standing.portfolio_id
    ),
    unwatched as (
        delete from app.alert_bounds
        where portfolio_id = any(%(portfolios)s) and portfolio_id not in (select portfolio_id from bounds)
    )
    insert into app.alert_bounds as stored (portfolio_id, falls_to, rises_to)
    select portfolio_id,
        case when is_known then coalesce(falls_to, '-infinity') else 'infinity' end,
        case when is_known then coalesce(rises_to, 'infinity') else 0 end
    from bounds
    on conflict (portfolio_id) do update set falls_to = excluded.falls_to, rises_to = excluded.rises_to
    where (stored.falls_to, stored.rises_to) is distinct from (excluded.falls_to, excluded.rises_to)
"""


@dataclass(frozen=True, slots=True)
class _Moves:
    """The lowest and the highest price as a multiple of its reference; `noted_at` is None where there is no reference."""

    lowest: float
    highest: float
    noted_at: datetime | None
    is_relisted: bool


def due(conn: Connection, now: datetime) -> list[UUID]:
    """The portfolios that have to be valued: near a threshold, changed, or all of them by a new reference.

    They must be handed to `note` in the same transaction, as what is known of them is forgotten here.
    """
    moves = conn.cursor(row_factory=class_row(_Moves)).execute(_MOVES).fetchone()
    if moves is None:
        raise AssertionError("an aggregate has one row")
    anew = _is_outworn(conn, moves, now)
    conn.execute(_REFER, {"now": now, "anew": anew})
    if anew:
        conn.execute(_REMEMBER, {"now": now})
        moves = _Moves(1, float("inf"), now, is_relisted=False)
    given = {"lowest": moves.lowest, "highest": moves.highest, "anew": anew}
    return [portfolio_id for (portfolio_id,) in conn.execute(_DUE, given)]


def note(conn: Connection, portfolios: list[UUID], now: datetime) -> None:
    """Store how far prices may go until these portfolios are due again, as their alerts stand after an evaluation."""
    if portfolios:
        conn.execute(_NOTE, {"portfolios": portfolios, "now": now})


def _is_outworn(conn: Connection, moves: _Moves, now: datetime) -> bool:
    """Whether all have to be measured from new prices: there are none, or what is held is counted otherwise, or too many are near."""
    if moves.noted_at is None or moves.is_relisted:
        return True
    if moves.noted_at > now - _REST:
        return False
    near = {"lowest": moves.lowest, "highest": moves.highest}
    return conn.execute(_CROWDED, near).fetchone() == (True,)
