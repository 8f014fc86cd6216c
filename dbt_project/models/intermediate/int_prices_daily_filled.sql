with

candles as (

    select * from {{ ref('stg_market__price_data') }}
    where candle_interval = '1d'

),

spans as (

    select
        token_id,
        min(price_date) as first_date,
        max(price_date) as last_date
    from candles
    group by token_id

),

calendar as (

    select
        spans.token_id,
        day::date as price_date
    from spans
    cross join lateral generate_series(
        spans.first_date::timestamp, spans.last_date::timestamp, interval '1 day'
    ) as day

),

numbered as (

    -- Each missing day falls into the group of the last candle before it.
    select
        calendar.token_id,
        calendar.price_date,
        candles.open,
        candles.high,
        candles.low,
        candles.close,
        candles.volume,
        candles.source,
        candles.is_final,
        count(candles.close) over (
            partition by calendar.token_id order by calendar.price_date
        ) as candle_number
    from calendar
    left join candles
        on
            calendar.token_id = candles.token_id
            and calendar.price_date = candles.price_date

),

carried as (

    select
        *,
        first_value(close) over (
            partition by token_id, candle_number order by price_date
        ) as last_close,
        first_value(source) over (
            partition by token_id, candle_number order by price_date
        ) as last_source
    from numbered

)

select
    token_id,
    price_date,
    coalesce(open, last_close)::numeric(38, 18) as open,
    coalesce(high, last_close)::numeric(38, 18) as high,
    coalesce(low, last_close)::numeric(38, 18) as low,
    coalesce(close, last_close)::numeric(38, 18) as close,
    volume,
    last_source as source,
    close is null as is_filled,
    coalesce(is_final, true) as is_final,
    (price_date + 1)::timestamp at time zone 'UTC' as close_at
from carried
