with

stats as (

    select * from {{ ref('fct_token_stats') }}
    where volatility_30d is not null

),

last_year as (

    select
        prices.token_id,
        prices.price_date,
        prices.close,
        prices.close * prices.volume as volume_usd,
        stats.last_price_date,
        max(prices.close) over (
            partition by prices.token_id order by prices.price_date
        ) as peak,
        prices.close / lag(prices.close) over (
            partition by prices.token_id order by prices.price_date
        ) - 1 as move
    from {{ ref('fct_prices_daily') }} as prices
    inner join stats on prices.token_id = stats.token_id
    where
        prices.is_final
        and prices.price_date > stats.last_price_date - 365

),

tails as (

    select
        token_id,
        percentile_cont(0.05) within group (order by move) as worst_day_of_twenty
    from last_year
    group by token_id

),

measures as (

    select
        last_year.token_id,
        max(1 - last_year.close / last_year.peak) as max_drawdown_365d,
        -avg(last_year.move) filter (where last_year.move <= tails.worst_day_of_twenty) as expected_shortfall_365d,
        avg(last_year.volume_usd) filter (where last_year.price_date > last_year.last_price_date - 30)
            as mean_volume_usd,
        stddev_samp(last_year.volume_usd) filter (where last_year.price_date > last_year.last_price_date - 30)
            as deviation_volume_usd
    from last_year
    inner join tails on last_year.token_id = tails.token_id
    group by last_year.token_id

),

parts as (

    select
        stats.token_id,
        stats.last_price_date,
        stats.volatility_30d,
        stats.price_source,
        measures.max_drawdown_365d,
        measures.expected_shortfall_365d,
        {{ risk_between('stats.volatility_30d', 1.5, 0.0) }} as volatility_score,
        {{ risk_between('measures.max_drawdown_365d', 0.9, 0.0) }} as drawdown_score,
        case
            when measures.expected_shortfall_365d is not null
                then
                    {{ risk_between('measures.expected_shortfall_365d', 0.16, 0.0) }}
        end as tail_score,
        case
            when measures.mean_volume_usd > 0
                then
                    {{ risk_between('log(measures.mean_volume_usd)', 4.0, 9.5) }}
        end as liquidity_score,
        case
            when tokens.circulating_supply > 0
                then
                    {{ risk_between('log(tokens.circulating_supply * stats.last_close)', 6.0, 11.0) }}
        end as market_cap_score,
        case
            when measures.mean_volume_usd > 0
                then
                    {{ risk_between('measures.deviation_volume_usd / measures.mean_volume_usd', 2.0, 0.0) }}
        end as volume_score
    from stats
    inner join measures on stats.token_id = measures.token_id
    inner join {{ ref('dim_tokens') }} as tokens on stats.token_id = tokens.token_id

),

weighted as (

    -- What is unknown is left out of the mean, and its weight with it.
    select
        *,
        (
            0.30 * volatility_score
            + 0.25 * drawdown_score
            + coalesce(0.20 * tail_score, 0)
            + coalesce(0.10 * liquidity_score, 0)
            + coalesce(0.10 * market_cap_score, 0)
            + coalesce(0.05 * volume_score, 0)
        ) / (
            0.55
            + case when tail_score is null then 0 else 0.20 end
            + case when liquidity_score is null then 0 else 0.10 end
            + case when market_cap_score is null then 0 else 0.10 end
            + case when volume_score is null then 0 else 0.05 end
        ) as overall_score
    from parts

)

select
    token_id,
    last_price_date as as_of,
    overall_score::numeric(38, 18) as overall_score,
    case
        when overall_score < 20 then 'safe'
        when overall_score < 40 then 'low'
        when overall_score < 60 then 'medium'
        when overall_score < 75 then 'high'
        else 'extreme'
    end as risk_level,
    liquidity_score::numeric(38, 18) as liquidity_score,
    volatility_score::numeric(38, 18) as volatility_score,
    market_cap_score::numeric(38, 18) as market_cap_score,
    volume_score::numeric(38, 18) as volume_score,
    drawdown_score::numeric(38, 18) as drawdown_score,
    tail_score::numeric(38, 18) as tail_score,
    volatility_30d as annual_volatility,
    max_drawdown_365d::numeric(38, 18) as max_drawdown_365d,
    expected_shortfall_365d::numeric(38, 18) as expected_shortfall_365d,
    price_source
from weighted
