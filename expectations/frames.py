"""The tables that the suites look at: read by SQL, with the measures that rules speak of beside the raw columns.

Prices become floats here: a check compares magnitudes, and nothing that it computes is stored.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, LiteralString

import numpy as np
import pandas as pd
from psycopg import Connection

from coinsphere.market.neighbours import Series, longest_stretch, strays

_CANDLES = """
    select
        t.id::text as token_id, t.symbol, t.peg_usd::float8 as peg_usd, d.opened_at as day,
        d.open::float8 as open, d.high::float8 as high, d.low::float8 as low, d.close::float8 as close,
        d.volume::float8 as volume, d.source, d.is_final, h.close::float8 as second_close,
        exists (
            select from market.set_aside s
            where s.token_id = d.token_id and s.scope = 'candle' and s.about = d.opened_at and s.state = 'released'
        ) as vouched
    from market.price_data d
    join market.tokens t on t.id = d.token_id
    left join market.price_data h
        on h.token_id = d.token_id and h.interval = '1h' and h.opened_at = d.opened_at + interval '23 hours'
        and h.is_final and d.is_final
    where d.interval = '1d' and t.is_active
      and d.opened_at > (
          select max(opened_at) from market.price_data where interval = '1d' and opened_at <= %(now)s
      ) - make_interval(days => %(days)s)
    order by t.symbol, t.id, d.opened_at
"""
_QUOTES = """
    with returns as (
        select
            token_id, opened_at, close,
            ln(close / lag(close) over (partition by token_id order by opened_at)) as log_return
        from market.price_data
        where interval = '1d' and is_final and quality <> 'suspect' and opened_at <= %(now)s
          and opened_at > (
              select max(opened_at) from market.price_data where interval = '1d' and opened_at <= %(now)s
          ) - interval '91 days'
    ),
    recent as (
        select
            token_id, max(opened_at) + interval '1 day' as closed_at, stddev_samp(log_return)::float8 as volatility,
            (array_agg(close order by opened_at desc))[1]::float8 as last_close
        from returns
        group by token_id
    )
    select
        t.id::text as token_id, t.symbol, t.peg_usd::float8 as peg_usd, q.price::float8 as price,
        q.volume_24h::float8 as volume_24h, q.market_cap::float8 as market_cap, q.source, q.observed_at,
        recent.closed_at, recent.volatility, recent.last_close
    from market.tokens t
    left join market.quotes q on q.token_id = t.id
    left join recent on recent.token_id = t.id
    where t.is_active
    order by t.symbol, t.id
"""
_ORIGIN = "select source from market.origin"
_FEATURES = """
    select
        t.id::text as token_id, t.symbol, t.peg_usd::float8 as peg_usd, f.price_date::timestamp as day, f.close_at,
        f.close::float8 as close, f.log_return, f.ewma_volatility, f.rolling_volatility_30d, f.rsi_14, f.macd_signal,
        f.bollinger_upper, f.is_filled, coalesce(p.quality = 'confirmed', false) as is_confirmed,
        row_number() over (partition by f.token_id order by f.price_date) as nth_day
    from marts.ml_features_daily f
    join market.tokens t on t.id = f.token_id
    left join market.price_data p
        on p.token_id = f.token_id and p.interval = '1d' and p.opened_at = f.price_date::timestamp at time zone 'UTC'
    where f.is_final and t.is_active
    order by t.symbol, t.id, f.price_date
"""
_PREDICTIONS = """
    select
        t.id::text as token_id, t.symbol, p.origin_at, p.target_at, p.issued_at, p.horizon_days, p.model_name,
        p.model_version, p.reference_price::float8 as reference_price, p.median::float8 as median,
        p.lower80::float8 as lower80, p.upper80::float8 as upper80, p.lower95::float8 as lower95,
        p.upper95::float8 as upper95, p.is_backfill, p.price_source,
        f.ewma_volatility as volatility,
        (select max(close_at) from marts.ml_features_daily n where n.token_id = p.token_id and n.is_final) as closed_at
    from model.predictions p
    join market.tokens t on t.id = p.token_id
    left join marts.ml_features_daily f
        on f.token_id = p.token_id and f.price_date = (p.origin_at at time zone 'UTC')::date - 1
    where p.issued_at > %(since)s and not p.is_shadow
    order by t.symbol, p.origin_at, p.horizon_days
"""
_VOLATILITY_DAYS = 90
_LEAST_RETURNS = 30
_LEAST_VOLATILITY = 0.02
"""Volatility that a token is granted at least: a calm one may wake."""
_UNDONE_WITHIN = 5
_UNDONE_LEAST = 0.45
_UNDONE_DEVIATIONS = 8
_WARM_UP = 35
_MOST_RSI = 100 + 1e-9
"""A hundred, and what rounding adds."""
"""Days after which every indicator is known; the MACD's signal is the last, on day 34."""
LEAST_HISTORY = 270
"""Real days that make a training set, as `ml.data.windows.minimum_days` says."""
_HORIZONS = 4
_DAY_SECONDS = 86_400.0
_SIMULATED = "simulated"
_STUCK_DAYS = 6
_STUCK_PEGGED_DAYS = 30
"""Days that a close may stay the same; a peg may hold for long, but not to the last digit."""


def candles(conn: Connection, now: datetime, days: int) -> pd.DataFrame:
    """The last `days` days of daily candles of active tokens, with the measures of `with_candle_measures`."""
    return with_candle_measures(read(conn, _CANDLES, {"days": days, "now": now}), now)


def with_candle_measures(raw: pd.DataFrame, now: datetime) -> pd.DataFrame:
    """`raw` and what the candle suite asks about.

    Args:
        raw: `token_id`, `symbol`, `peg_usd`, `day` (UTC), open, high, low, close, `volume`, `source`, `is_final` and
            `second_close`, ascending by token and day; `vouched`, where there, tells which a person believes.
        now: the instant past which nothing can be known.
    """
    frame = raw.reset_index(drop=True)
    prices = frame[["open", "high", "low", "close"]]
    edge = frame["day"] + pd.to_timedelta(frame["is_final"].astype(int), unit="D")
    newest = frame["day"].where(frame["day"] <= now).max()
    last = ~frame.duplicated("token_id", keep="last")
    measured = frame.assign(
        prices_missing=prices.isna().sum(axis=1),
        least_price=prices.min(axis=1),
        range_margin=np.minimum(
            frame[["open", "close"]].min(axis=1) - frame["low"],
            frame["high"] - frame[["open", "close"]].max(axis=1),
        ),
        days_ahead=_days(edge - now),
        is_foreign=foreign(frame["source"] == _SIMULATED),
        days_missing_before=_missing_before(frame),
        days_behind=_days(newest - frame["day"]).where(last),
        days_unfinished=_days(newest - frame["day"]).where(~frame["is_final"]),
        second_source_gap=logarithm(frame["close"] / frame["second_close"]).abs(),
        peg_gap=(frame["close"] / frame["peg_usd"] - 1).abs(),
        **_jumps(frame),
    )
    return measured.assign(**_strays(measured))


def quotes(conn: Connection, now: datetime, stale_seconds: int) -> pd.DataFrame:
    """The newest quote of each active token, null where it has none.

    `staleness` is its age over `stale_seconds`, `jump` its distance from the last daily close in units of the
    volatility over the time since.
    """
    frame = read(conn, _QUOTES, {"now": now})
    age = (now - frame["observed_at"]).dt.total_seconds()
    since_close = (frame["observed_at"] - frame["closed_at"]).dt.total_seconds() / _DAY_SECONDS
    deviation = frame["volatility"].clip(lower=_LEAST_VOLATILITY) * np.sqrt(
        since_close.clip(lower=1)
    )
    is_history = _scalar(conn, _ORIGIN) == "files"
    return frame.assign(
        least_amount=frame[["volume_24h", "market_cap"]].min(axis=1),
        seconds_ahead=-age,
        staleness=np.nan if is_history else age / stale_seconds,
        is_foreign=foreign(_is_simulated(frame["source"])),
        jump=logarithm(frame["price"] / frame["last_close"]).abs() / deviation,
        peg_gap=(frame["price"] / frame["peg_usd"] - 1).abs(),
    )


def features(conn: Connection, now: datetime, trained: Sequence[str]) -> pd.DataFrame:
    """All final days of `marts.ml_features_daily` of active tokens.

    `filled_share`, and `days_short` for the symbols in `trained`, stand on the last row of each token alone.
    """
    frame = read(conn, _FEATURES, {})
    last = ~frame.duplicated("token_id", keep="last")
    by_token = frame.groupby("token_id")["is_filled"]
    real_days = by_token.transform("size") - by_token.transform("sum")
    indicators = frame[
        [
            "log_return",
            "ewma_volatility",
            "rolling_volatility_30d",
            "rsi_14",
            "macd_signal",
            "bollinger_upper",
        ]
    ]
    unchanged = _unchanged(frame)
    patience = frame["peg_usd"].isna().map({True: _STUCK_DAYS, False: _STUCK_PEGGED_DAYS})
    return frame.assign(
        close_missing=frame["close"].isna().astype(int),
        days_ahead=_days(frame["close_at"] - now),
        days_missing_before=_missing_before(frame),
        indicators_missing=indicators.isna().sum(axis=1).where(frame["nth_day"] >= _WARM_UP),
        out_of_range=_out_of_range(frame),
        filled_share=by_token.transform("mean").where(last),
        days_unchanged=unchanged.where(frame["peg_usd"].isna()),
        stillness=(unchanged / patience.astype(float)).where(last),
        unconfirmed_return=frame["log_return"].where(~frame["is_confirmed"].astype(bool)),
        days_short=(LEAST_HISTORY - real_days).where(last & frame["symbol"].isin(list(trained))),
    )


def _out_of_range(frame: pd.DataFrame) -> pd.Series:
    """How many indicators of a row cannot be, of those that are known."""
    volatilities = frame[["ewma_volatility", "rolling_volatility_30d"]]
    return (
        (frame["rsi_14"] < 0).astype(int)
        + (frame["rsi_14"] > _MOST_RSI)
        + (volatilities < 0).sum(axis=1)
    )


def predictions(conn: Connection, now: datetime, days: int = 90) -> pd.DataFrame:
    """The forecasts issued in the last `days` days, without those of shadow models."""
    frame = read(conn, _PREDICTIONS, {"since": now - pd.Timedelta(days=days)})
    deviation = frame["volatility"].clip(lower=_LEAST_VOLATILITY / 4) * np.sqrt(
        frame["horizon_days"]
    )
    half = logarithm(frame["upper95"] / frame["lower95"]) / 2
    ladder = frame[["lower95", "lower80", "median", "upper80", "upper95"]].to_numpy(dtype=float)
    # One model may speak of one day, and another of thirty.
    origin = ["token_id", "origin_at"]
    # Of a token that hardly moves the least volatility that is taken says nothing of how wide an interval should be.
    moves = frame["volatility"] >= _LEAST_VOLATILITY / 4
    hindsight = _days(frame["issued_at"] - frame["target_at"]).where(
        ~frame["is_backfill"].astype(bool)
    )
    newest = frame.groupby("token_id")["origin_at"].transform("max") == frame["origin_at"]
    return frame.assign(
        quantile_margin=np.diff(ladder, axis=1).min(axis=1) if len(frame) else 0.0,
        half_width=half,
        days_ahead=np.maximum(hindsight.fillna(-np.inf), _days(frame["origin_at"] - now)),
        horizons_missing=_HORIZONS - frame.groupby(origin)["horizon_days"].transform("nunique"),
        median_deviations=logarithm(frame["median"] / frame["reference_price"]).abs() / deviation,
        width_deviations=(half / deviation).where(moves),
        days_behind=_days(frame["closed_at"] - frame["origin_at"]).where(newest),
        is_foreign=foreign(_is_simulated(frame["price_source"])),
    )


def _jumps(frame: pd.DataFrame) -> dict[str, pd.Series]:
    """Daily moves of unpegged tokens: as log returns, in units of volatility, and how far they were undone.

    The move into a day after a gap is unknown. `spring_back` is the part of a move that the next days take back, over
    what is allowed; above 1 is too far.
    """
    log = logarithm(frame["close"]).where(frame["peg_usd"].isna())
    tokens = frame["token_id"]
    move = log.groupby(tokens).diff().where(_missing_before(frame) == 0)
    volatility = move.groupby(tokens).transform(
        lambda series: series.rolling(_VOLATILITY_DAYS, min_periods=_LEAST_RETURNS).std().shift(1)
    )
    volatility = volatility.clip(lower=_LEAST_VOLATILITY)
    allowed = (_UNDONE_DEVIATIONS * volatility).clip(lower=_UNDONE_LEAST)
    return {
        "move": move,
        "jump": move.abs() / volatility,
        "spring_back": _undone(log, move, tokens) / allowed,
    }


def _strays(frame: pd.DataFrame) -> dict[str, pd.Series]:
    """1 where a close contradicts its neighbours, and the moves of those that are far from them and explained."""
    sound = (frame[["open", "close"]] > 0).all(axis=1) & (frame["days_ahead"] <= 0)
    usable = frame[sound & frame["peg_usd"].isna()]
    stray = pd.Series(0, index=frame.index)
    for _, rows in usable.groupby("token_id"):
        series = Series(
            ((rows["day"] - rows["day"].iloc[0]).dt.days).tolist(),
            rows["open"].tolist(),
            rows["close"].tolist(),
        )
        sure = np.flatnonzero(rows["vouched"]).tolist() if "vouched" in rows else []
        stretch = longest_stretch(series)
        wrong = {*strays(series, [*stretch, *sure])}
        # What somebody vouches for is still found, or its release would end as if its cause were gone.
        wrong |= {*sure} & {*strays(series, stretch)}
        stray.loc[rows.index[sorted(wrong)]] = 1
    return {"stray": stray, "confirmed_move": frame["move"].where(stray == 0)}


def foreign(is_simulated: pd.Series) -> pd.Series:
    """1 where a row is of another origin than most, null where its own is unknown."""
    usual = is_simulated.mode()
    if usual.empty:
        return pd.Series(np.nan, index=is_simulated.index)
    return (is_simulated != usual.iloc[0]).astype(float).where(is_simulated.notna())


def _undone(log: pd.Series, move: pd.Series, tokens: pd.Series) -> pd.Series:
    """The greatest part of each move that one of the next days takes back; 0 where none does."""
    parts = []
    for days in range(1, _UNDONE_WITHIN + 1):
        back = log.groupby(tokens).shift(-days) - log
        taken = pd.concat([back.abs(), move.abs()], axis=1).min(axis=1)
        parts.append(taken.where(back * move < 0, 0.0))
    return pd.concat(parts, axis=1).max(axis=1)


def _missing_before(frame: pd.DataFrame) -> pd.Series:
    """Days between a row and the one before it of the same token; 0 on a token's first."""
    step = _days(frame.groupby("token_id")["day"].diff())
    return (step - 1).clip(lower=0).fillna(0)


def _unchanged(frame: pd.DataFrame) -> pd.Series:
    """For how many real days a token's close has been the same, this one excluded."""
    same = (frame["close"] == frame.groupby("token_id")["close"].shift()) & ~frame["is_filled"]
    return same.astype(int).groupby((~same).cumsum()).cumsum()


def _is_simulated(source: pd.Series) -> pd.Series:
    return source.str.contains(_SIMULATED).where(source.notna())


def logarithm(ratio: pd.Series) -> pd.Series:
    """The logarithm where there is one: a price that is not positive is another rule's matter."""
    return pd.Series(np.log(ratio.where(ratio > 0)))


def _days(span: pd.Series) -> pd.Series:
    return pd.Series(span.dt.total_seconds() / _DAY_SECONDS)


def read(conn: Connection, query: LiteralString, arguments: dict[str, Any]) -> pd.DataFrame:
    """The rows of `query`; numbers that are null are NaN, and times are UTC, also where there is no row."""
    cursor = conn.execute(query, arguments)
    columns = cursor.description or []
    frame = pd.DataFrame(cursor.fetchall(), columns=[column.name for column in columns])
    return frame.astype(
        {
            column.name: _DTYPES[column.type_code]
            for column in columns
            if column.type_code in _DTYPES
        }
    )


_DTYPES = {
    701: "float64",
    23: "int64",
    21: "int64",
    20: "int64",
    1184: "datetime64[us, UTC]",
    1114: "datetime64[us]",
}
"""pandas' types by PostgreSQL's."""


def _scalar(conn: Connection, query: LiteralString) -> Any:
    row = conn.execute(query).fetchone()
    return row and row[0]
