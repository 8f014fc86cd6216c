select
    id as user_id,
    usage_shared_since as shared_since,
    date_trunc('week', usage_shared_since at time zone 'UTC')::date as cohort_week
from {{ source('app', 'users') }}
where usage_shared_since is not null
