select
    tokens.token_id,
    tokens.symbol,
    tokens.name,
    tokens.blockchain,
    tokens.coingecko_id,
    tokens.contract_address,
    tokens.decimals,
    tokens.logo_url,
    tokens.peg_usd,
    tokens.is_active,
    metadata.market_cap_rank,
    metadata.circulating_supply,
    metadata.total_supply,
    metadata.max_supply,
    tokens.created_at,
    tokens.updated_at
from {{ ref('stg_market__tokens') }} as tokens
left join {{ ref('stg_market__token_metadata') }} as metadata
    on tokens.token_id = metadata.token_id
