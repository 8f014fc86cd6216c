{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['cohort_week', 'week_number'],
    on_schema_change='fail',
    indexes=[{'columns': ['cohort_week', 'week_number'], 'unique': true}],
) }}

with

sharers as (

    select
        user_id,
        cohort_week
    from {{ ref('stg_app__sharers') }}

),

weeks as (

    select generate_series(min(cohort_week), {{ this_week() }}, interval '1 week')::date as week
    from sharers

),

-- A week that is over is counted once more, and then stays as it was, whoever leaves.
open_weeks as (

    select week
    from weeks
    {{ where_from('week', 'max(cohort_week + 7 * week_number) - 7') }}

),

acts as (

    select distinct
        user_id,
        week
    from {{ ref('stg_app__product_events') }}
    where
        is_act
        and occurred_at >= (
            select min(open_weeks.week)::timestamp at time zone 'UTC'
            from open_weeks
        )

),

counted as (

    select
        sharers.cohort_week,
        open_weeks.week,
        count(*) as cohort_users,
        count(acts.user_id) as active_users
    from sharers
    inner join open_weeks on sharers.cohort_week <= open_weeks.week
    left join acts
        on
            sharers.user_id = acts.user_id
            and open_weeks.week = acts.week
    group by
        sharers.cohort_week,
        open_weeks.week

)

select
    cohort_week,
    ((week - cohort_week) / 7)::integer as week_number,
    {{ unless_few('cohort_users', 'cohort_users') }}::integer as cohort_users,
    {{ unless_few('active_users', 'active_users') }}::integer as active_users
from counted
