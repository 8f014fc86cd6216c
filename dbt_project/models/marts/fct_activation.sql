{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['registered_month', 'step_number'],
    on_schema_change='fail',
    indexes=[{'columns': ['registered_month', 'step_number'], 'unique': true}],
) }}

with

step_events (step_number, step, event_name) as (

    values
    (1, 'registered', 'registered'),
    (2, 'confirmed', 'confirmed'),
    (3, 'portfolio_made', 'portfolio_made'),
    (4, 'portfolio_filled', 'transaction_added'),
    (4, 'portfolio_filled', 'transactions_imported'),
    (4, 'portfolio_filled', 'exchange_connected'),
    (4, 'portfolio_filled', 'wallet_connected'),
    (5, 'alert_created', 'alert_created')

),

-- Who registered in an older month has had thirty days: such months stay as they were.
events as (

    select
        user_id,
        event_name,
        occurred_at
    from {{ ref('stg_app__product_events') }}
    {{ where_from('occurred_at', "(max(registered_month) - interval '2 months') at time zone 'UTC'") }}

),

registered as (

    select
        user_id,
        min(occurred_at) as registered_at,
        date_trunc('month', min(occurred_at) at time zone 'UTC')::date as registered_month
    from events
    where event_name = 'registered'
    group by user_id

),

reached as (

    select
        registered.user_id,
        registered.registered_at,
        registered.registered_month,
        step_events.step_number,
        min(events.occurred_at) as reached_at
    from registered
    inner join events
        on
            registered.user_id = events.user_id
            and events.occurred_at < registered.registered_at + interval '30 days'
    inner join step_events on events.event_name = step_events.event_name
    group by
        registered.user_id,
        registered.registered_at,
        registered.registered_month,
        step_events.step_number

),

passed as (

    select
        registered_month,
        step_number,
        count(*) over so_far as steps_passed,
        extract(epoch from max(reached_at) over so_far - registered_at) / 3600 as hours
    from reached
    window so_far as (
        partition by user_id
        order by step_number
        rows between unbounded preceding and current row
    )

),

months as (

    select distinct registered_month
    from registered

),

steps as (

    select distinct
        step_number,
        step
    from step_events

),

funnel as (

    select
        months.registered_month,
        steps.step_number,
        steps.step,
        count(passed.hours) as users,
        percentile_cont(0.5) within group (order by passed.hours) as median_hours
    from months
    cross join steps
    left join passed
        on
            months.registered_month = passed.registered_month
            and steps.step_number = passed.step_number
            and passed.steps_passed = passed.step_number
    group by
        months.registered_month,
        steps.step_number,
        steps.step

)

select
    registered_month,
    step_number,
    step,
    {{ unless_few('users', 'users') }}::integer as users,
    {{ unless_few('median_hours', 'users') }}::numeric(38, 18) as median_hours
from funnel
