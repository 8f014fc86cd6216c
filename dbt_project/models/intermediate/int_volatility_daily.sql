with

returns as (

    select * from {{ ref('int_returns_daily') }}

),

windows as (

    select
        token_id,
        price_date,
        count(log_return) over (
            partition by token_id order by price_date
        ) as returns_known,
        stddev_samp(log_return) over (
            partition by token_id order by price_date rows between 6 preceding and current row
        ) as deviation_7d,
        stddev_samp(log_return) over (
            partition by token_id order by price_date rows between 29 preceding and current row
        ) as deviation_30d,
        {{ ema('log_return * log_return', 0.06) }} over (
            partition by token_id order by price_date
        ) as ewma_variance,
        log_range / (2 * sqrt(ln(2.0::double precision))) as parkinson_volatility
    from returns

)

select
    token_id,
    price_date,
    case when returns_known >= 7 then deviation_7d end as rolling_volatility_7d,
    case when returns_known >= 30 then deviation_30d end as rolling_volatility_30d,
    case when returns_known >= 30 then sqrt(ewma_variance) end as ewma_volatility,
    parkinson_volatility
from windows
