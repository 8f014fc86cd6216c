with

candles as (

    select * from {{ ref('stg_market__price_data') }}
    where candle_interval = '1d'

),

sound as (

    -- What a check set aside is used by nothing: its day is filled as if it were missing.
    select * from candles
    where quality is distinct from 'suspect'

),

spans as (

    select
        token_id,
        min(price_date) as first_date,
        max(price_date) as last_date
    from candles
    where price_date <= (now() at time zone 'UTC')::date
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
        sound.open,
        sound.high,
        sound.low,
        sound.close,
        sound.volume,
        sound.source,
        sound.is_final,
        count(sound.close) over (
            partition by calendar.token_id order by calendar.price_date
        ) as candle_number
    from calendar
    left join sound
        on
            calendar.token_id = sound.token_id
            and calendar.price_date = sound.price_date

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
    coalesce(is_final, (price_date + 1)::timestamp at time zone 'UTC' <= now()) as is_final,
    (price_date + 1)::timestamp at time zone 'UTC' as close_at
from carried
where last_close is not null
