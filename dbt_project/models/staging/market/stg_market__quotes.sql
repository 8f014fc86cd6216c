select
    token_id,
    price,
    volume_24h,
    market_cap,
    change_24h,
    source,
    quality,
    observed_at
from {{ source('market', 'quotes') }}
