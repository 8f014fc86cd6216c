with

prices as (

    select
        token_id,
        price_date,
        close::double precision as close,
        volume::double precision as volume
    from {{ ref('int_prices_daily_filled') }}

),

changes as (

    select
        prices.token_id,
        prices.price_date,
        prices.close,
        prices.volume,
        row_number() over (partition by prices.token_id order by prices.price_date) as day_number,
        -- greatest() ignores a null, and the first day has neither gain nor loss.
        case when returns.price_change is not null then greatest(returns.price_change, 0) end as gain,
        case when returns.price_change is not null then greatest(-returns.price_change, 0) end as loss
    from prices
    inner join {{ ref('int_returns_daily') }} as returns
        on
            prices.token_id = returns.token_id
            and prices.price_date = returns.price_date

),

averages as (

    select
        *,
        {{ ema('gain', 1.0 / 14) }} over past as average_gain,
        {{ ema('loss', 1.0 / 14) }} over past as average_loss,
        {{ ema('close', 2.0 / 13) }} over past as ema_12,
        {{ ema('close', 2.0 / 27) }} over past as ema_26,
        avg(close) over days_20 as mean_20,
        stddev_pop(close) over days_20 as deviation_20,
        avg(volume) over days_30 as mean_volume_30,
        count(volume) over days_30 as volumes_30
    from changes
    window
        past as (partition by token_id order by price_date),
        days_20 as (partition by token_id order by price_date rows between 19 preceding and current row),
        days_30 as (partition by token_id order by price_date rows between 30 preceding and 1 preceding)

),

macds as (

    select
        *,
        ema_12 - ema_26 as macd_line,
        {{ ema('ema_12 - ema_26', 2.0 / 10) }} over (
            partition by token_id order by price_date
        ) as macd_average
    from averages

)

select
    token_id,
    price_date,
    case
        -- A price that did not move in either direction is neither strong nor weak.
        when day_number > 14 and average_gain + average_loss = 0 then 50
        when day_number > 14 then 100 * average_gain / (average_gain + average_loss)
    end as rsi_14,
    case when day_number >= 26 then macd_line end as macd,
    case when day_number >= 34 then macd_average end as macd_signal,
    case when day_number >= 20 then mean_20 + 2 * deviation_20 end as bollinger_upper,
    case when day_number >= 20 then mean_20 end as bollinger_middle,
    case when day_number >= 20 then mean_20 - 2 * deviation_20 end as bollinger_lower,
    case when volumes_30 >= 15 and mean_volume_30 > 0 then volume / mean_volume_30 end as volume_ratio_30d
from macds
