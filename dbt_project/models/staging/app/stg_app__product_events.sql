select
    user_id,
    day as event_date,
    name as event_name,
    properties,
    occurred_at,
    date_trunc('week', day)::date as week,
    name not in ('alert_fired', 'plan_changed') as is_act
from {{ source('app', 'product_events') }}
