select
    token_id,
    market_cap_rank,
    circulating_supply,
    total_supply,
    max_supply,
    all_time_high,
    all_time_high_at,
    all_time_low,
    all_time_low_at,
    source,
    observed_at
from {{ source('market', 'token_metadata') }}
