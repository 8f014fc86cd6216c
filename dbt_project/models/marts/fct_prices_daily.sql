{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['token_id', 'price_date'],
    on_schema_change='fail',
    indexes=[{'columns': ['token_id', 'price_date'], 'unique': true}],
    post_hook='{{ without_removed_days() }}',
) }}

with

prices as (

    select
        token_id,
        price_date,
        open,
        high,
        low,
        close,
        volume,
        source,
        is_filled,
        is_final,
        close_at
    from {{ ref('int_prices_daily_filled') }}

)

{{ changed_rows('prices', ['open', 'high', 'low', 'close', 'volume', 'source', 'is_filled', 'is_final']) }}
