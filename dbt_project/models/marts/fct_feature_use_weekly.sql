{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['week', 'feature'],
    on_schema_change='fail',
    indexes=[{'columns': ['week', 'feature'], 'unique': true}],
) }}

with

events as (

    select
        user_id,
        event_date,
        event_name,
        week,
        is_act
    from {{ ref('stg_app__product_events') }}
    {{ where_from('occurred_at', "(max(week) - 7)::timestamp at time zone 'UTC'") }}

),

features as (

    select distinct
        week,
        event_name as feature,
        user_id,
        event_date
    from events
    union all
    select distinct
        week,
        'any' as feature,
        user_id,
        event_date
    from events
    where is_act

),

counted as (

    select
        week,
        feature,
        count(distinct user_id) as users,
        count(*) as days
    from features
    group by
        week,
        feature

)

select
    week,
    feature,
    {{ unless_few('users', 'users') }}::integer as users,
    {{ unless_few('days', 'users') }}::integer as days
from counted
