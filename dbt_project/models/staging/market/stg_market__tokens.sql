select
    id as token_id,
    symbol,
    name,
    blockchain,
    coingecko_id,
    contract_address,
    decimals::integer as decimals,
    logo_url,
    peg_usd,
    is_active,
    created_at,
    updated_at
from {{ source('market', 'tokens') }}
