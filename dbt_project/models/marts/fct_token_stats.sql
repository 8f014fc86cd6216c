with

prices as (

    select * from {{ ref('fct_prices_daily') }}
    where is_final

),

newest as (

    select distinct on (token_id)
        token_id,
        price_date as last_price_date,
        close as last_close,
        volume as last_volume,
        source as price_source
    from prices
    order by token_id asc, price_date desc

),

extremes as (

    select
        token_id,
        max(high) as all_time_high,
        min(low) as all_time_low
    from prices
    where not is_filled
    group by token_id

),

extreme_dates as (

    select
        prices.token_id,
        min(prices.price_date) filter (where prices.high = extremes.all_time_high) as all_time_high_date,
        min(prices.price_date) filter (where prices.low = extremes.all_time_low) as all_time_low_date
    from prices
    inner join extremes on prices.token_id = extremes.token_id
    where not prices.is_filled
    group by prices.token_id

),

volatility as (

    select
        token_id,
        price_date,
        rolling_volatility_30d * sqrt(365.0::double precision) as volatility_30d
    from {{ ref('int_volatility_daily') }}

)

select
    newest.token_id,
    newest.last_price_date,
    newest.last_close,
    (100 * (newest.last_close / day_1.close - 1))::numeric(38, 18) as change_24h,
    (100 * (newest.last_close / day_7.close - 1))::numeric(38, 18) as change_7d,
    (100 * (newest.last_close / day_30.close - 1))::numeric(38, 18) as change_30d,
    extremes.all_time_high::numeric(38, 18) as all_time_high,
    extreme_dates.all_time_high_date,
    extremes.all_time_low::numeric(38, 18) as all_time_low,
    extreme_dates.all_time_low_date,
    (newest.last_close * newest.last_volume)::numeric(38, 18) as volume_24h_usd,
    volatility.volatility_30d::numeric(38, 18) as volatility_30d,
    newest.price_source
from newest
inner join extremes on newest.token_id = extremes.token_id
inner join extreme_dates on newest.token_id = extreme_dates.token_id
left join volatility
    on
        newest.token_id = volatility.token_id
        and newest.last_price_date = volatility.price_date
left join prices as day_1
    on
        newest.token_id = day_1.token_id
        and day_1.price_date = newest.last_price_date - 1
left join prices as day_7
    on
        newest.token_id = day_7.token_id
        and day_7.price_date = newest.last_price_date - 7
left join prices as day_30
    on
        newest.token_id = day_30.token_id
        and day_30.price_date = newest.last_price_date - 30
