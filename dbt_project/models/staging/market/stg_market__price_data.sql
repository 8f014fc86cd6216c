select
    token_id,
    interval as candle_interval,
    opened_at,
    (opened_at at time zone 'UTC')::date as price_date,
    open,
    high,
    low,
    close,
    volume,
    source,
    quality,
    is_final,
    observed_at,
    ingested_at
from {{ source('market', 'adjusted_candles') }}
