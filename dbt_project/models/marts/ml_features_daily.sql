{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['token_id', 'price_date'],
    on_schema_change='fail',
    indexes=[{'columns': ['token_id', 'price_date'], 'unique': true}],
    post_hook='{{ without_removed_days() }}',
) }}

with

features as (

    select
        prices.token_id,
        prices.price_date,
        prices.close_at,
        prices.close,
        returns.log_return,
        prices.volume,
        volatility.ewma_volatility,
        volatility.rolling_volatility_7d,
        volatility.rolling_volatility_30d,
        volatility.parkinson_volatility,
        indicators.rsi_14,
        indicators.macd,
        indicators.macd_signal,
        indicators.bollinger_upper,
        indicators.bollinger_middle,
        indicators.bollinger_lower,
        indicators.volume_ratio_30d,
        prices.is_filled,
        prices.is_final
    from {{ ref('int_prices_daily_filled') }} as prices
    inner join {{ ref('int_returns_daily') }} as returns
        on
            prices.token_id = returns.token_id
            and prices.price_date = returns.price_date
    inner join {{ ref('int_volatility_daily') }} as volatility
        on
            prices.token_id = volatility.token_id
            and prices.price_date = volatility.price_date
    inner join {{ ref('int_indicators_daily') }} as indicators
        on
            prices.token_id = indicators.token_id
            and prices.price_date = indicators.price_date

)

{{ changed_rows('features', [
    'close', 'log_return', 'volume', 'ewma_volatility', 'rolling_volatility_7d', 'rolling_volatility_30d',
    'parkinson_volatility', 'rsi_14', 'macd', 'macd_signal', 'bollinger_upper', 'bollinger_middle',
    'bollinger_lower', 'volume_ratio_30d', 'is_filled', 'is_final',
]) }}
