"""Evaluates all alerts against the newest good values by one statement; a firing, its mail and its job are one transaction."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from psycopg import Connection
from psycopg.rows import dict_row

from coinsphere.alerts import channel_messages, portfolio_bounds, predictions
from coinsphere.alerts.firing import Firing
from coinsphere.alerts.mails import AlertMails
from coinsphere.alerts.rules import OF_PORTFOLIOS, AlertType
from coinsphere.analytics import recording
from coinsphere.analytics.events import AlertFired

# Evaluations follow one another: the statement behind the lock sees all that the one before it has committed, so a
# crossing is seen by one of them only, and none compares with an older price than the last one did.
_ONE_AT_A_TIME = "select pg_advisory_xact_lock(hashtext('app.alerts'))"

# A value that is stale, doubted or unknown is not in `observed`, so nothing can fire on it. Filled prices are never
# quotes. Values are rounded to what `last_value` can hold, and one that it cannot hold is left out: a holding of
# 10^19 units must not end everybody's evaluation. `skip locked`: an alert that its owner is changing waits a minute.
_EVALUATE = """
    with good_quotes as (
        select token_id, price, volume_24h, change_24h, source, observed_at
        from market.quotes
        where quality = 'ok' and observed_at > %(now)s - %(stale_after)s and observed_at <= %(now)s
    ),
    newest_risk as (
        select distinct on (token_id) token_id, overall_score, annual_volatility, price_source, computed_at
        from market.risk_scores
        where computed_at > %(now)s - interval '2 days'
        order by token_id, day desc
    ),
    anchored_predictions as (
        select *
        from unnest(
            %(token_ids)s::uuid[], %(changes)s::numeric[], %(sources)s::text[], %(anchored_at)s::timestamptz[]
        ) as anchored (token_id, change, source, anchored_at)
    ),
    -- What somebody watches: a probe of two indexes for each kind and token, whatever the number of alerts.
    watched_tokens as (
        select kinds.alert_type, tokens.id as subject_id
        from market.tokens
        cross join unnest(%(of_tokens)s::text[]) as kinds (alert_type)
        cross join lateral (
            select 1 from app.alerts
            where alert_type = kinds.alert_type and coalesce(token_id, portfolio_id) = tokens.id and is_active and is_armed
            union all
            select 1 from app.alerts
            where alert_type = kinds.alert_type and coalesce(token_id, portfolio_id) = tokens.id and is_active and not is_armed
            limit 1
        ) as first_alert
    ),
    -- Inlined, as the planner then knows how many there are. Of those whose value is watched, what is near a threshold.
    watched_portfolios as not materialized (
        select alert_type, portfolio_id as subject_id from app.alerts
        where is_active and portfolio_id is not null and alert_type = 'reconciliation'
        union all
        select 'portfolio', portfolio_id from unnest(%(portfolios)s::uuid[]) as due (portfolio_id)
    ),
    -- Of all that are near, so the value alone; where it comes from is asked of those that may fire.
    portfolio_values as (
        select holdings.portfolio_id, sum(holdings.amount * quotes.price) as value
        from app.holdings
        -- What is delisted has a last price alone, and must not keep the alert from seeing the rest.
        join market.tokens on tokens.id = holdings.token_id and tokens.is_active
        left join good_quotes as quotes on quotes.token_id = holdings.token_id
        where holdings.amount > 0
            and holdings.portfolio_id = any(%(portfolios)s)
        group by holdings.portfolio_id
        having count(*) = count(quotes.price)
    ),
    -- Only of what somebody watches: all tokens' candles of a year are not read each minute.
    peaks as (
        select watched_tokens.subject_id as token_id, highest.peak
        from watched_tokens
        cross join lateral (
            select max(close) as peak
            from market.adjusted_candles
            where token_id = watched_tokens.subject_id and interval = '1d' and is_final and quality <> 'suspect'
                and opened_at > %(now)s - interval '365 days'
        ) as highest
        where watched_tokens.alert_type = 'drawdown' and highest.peak is not null
    ),
    differences as (
        select watched.subject_id as portfolio_id, count(issues.id) as value, max(issues.found_at) as found_at
        from (select distinct subject_id from watched_portfolios where alert_type = 'reconciliation') as watched
        left join app.portfolio_issues as issues
            on issues.portfolio_id = watched.subject_id and issues.state = 'open'
            and issues.kind in ('balance_difference', 'negative_balance')
        group by watched.subject_id
    ),
    observed (alert_type, subject_id, value, source, observed_at) as (
        select 'price', token_id, price, source, observed_at from good_quotes
        union all
        select 'percent_change', token_id, change_24h, source, observed_at from good_quotes
        union all
        select 'volume', token_id, volume_24h, source, observed_at from good_quotes
        union all
        select 'risk', token_id, overall_score, price_source, computed_at from newest_risk
        union all
        select 'prediction', token_id, change, source, anchored_at from anchored_predictions
        union all
        select 'portfolio', portfolio_id, value, null, null from portfolio_values
        union all
        select 'volatility', token_id, 100 * annual_volatility, price_source, computed_at
        from newest_risk
        where annual_volatility is not null
        union all
        select 'drawdown', token_id, 100 * (1 - price / greatest(peak, price)), source, observed_at
        from good_quotes
        join peaks using (token_id)
        union all
        select 'stale_data', token_id, extract(epoch from %(now)s - observed_at)::numeric / 60, source, observed_at
        from market.quotes
        where observed_at <= %(now)s
            and token_id in (select subject_id from watched_tokens where alert_type = 'stale_data')
        union all
        select 'reconciliation', portfolio_id, value, 'ledger', coalesce(found_at, %(now)s) from differences
    ),
    sound as (
        select alert_type, subject_id, round(value, 18) as value, source, observed_at
        from observed
        where abs(round(value, 18)) < 1e20
    ),
    -- What has no value is a little of all that is watched, and only its alerts are counted.
    unseen as (
        select alert_type, subject_id from (table watched_tokens union all table watched_portfolios) as watched
        except
        select alert_type, subject_id from sound
    ),
    overlooked as (
        select resting.user_id
        from unseen
        cross join lateral (
            select user_id, expires_at from app.alerts
            where alert_type = unseen.alert_type and coalesce(token_id, portfolio_id) = unseen.subject_id
                and is_active and is_armed
            union all
            select user_id, expires_at from app.alerts
            where alert_type = unseen.alert_type and coalesce(token_id, portfolio_id) = unseen.subject_id
                and is_active and not is_armed
        ) as resting
        cross join lateral (select 1 from app.users where id = resting.user_id and is_active limit 1) as owner
        where resting.expires_at is null or resting.expires_at > %(now)s
    ),
    -- Only what its value has passed, or has to be armed again, can fire or change. What a token's alerts wait for is found
    -- by the indexes `alerts_waiting` and `alerts_disarmed`, whatever the number of alerts (ADR 0313); of portfolios few
    -- have more than one alert each.
    passed as (
        select crossed.*
        from sound
        cross join lateral (
            select id, user_id, expires_at from app.alerts
            where alert_type = sound.alert_type and coalesce(token_id, portfolio_id) = sound.subject_id
                and is_active and is_armed and sign(last_value - threshold) is null
            union all
            select id, user_id, expires_at from app.alerts
            where alert_type = sound.alert_type and coalesce(token_id, portfolio_id) = sound.subject_id
                and is_active and is_armed and sign(last_value - threshold) = -1 and threshold <= sound.value
            union all
            select id, user_id, expires_at from app.alerts
            where alert_type = sound.alert_type and coalesce(token_id, portfolio_id) = sound.subject_id
                and is_active and is_armed and sign(last_value - threshold) = 1 and threshold >= sound.value
            union all
            select id, user_id, expires_at from app.alerts
            where alert_type = sound.alert_type and coalesce(token_id, portfolio_id) = sound.subject_id
                and is_active and is_armed and sign(last_value - threshold) = 0 and threshold <> sound.value
            union all
            select id, user_id, expires_at from app.alerts
            where alert_type = sound.alert_type and coalesce(token_id, portfolio_id) = sound.subject_id
                and is_active and not is_armed
        ) as crossed
        where sound.alert_type <> all(%(of_portfolios)s)
        union all
        select alerts.id, alerts.user_id, alerts.expires_at
        from app.alerts
        join sound on sound.alert_type = alerts.alert_type and sound.subject_id = alerts.portfolio_id
        where alerts.is_active and (
            not alerts.is_armed or sign(alerts.last_value - threshold) is distinct from sign(sound.value - threshold)
        )
    ),
    candidates as (
        select passed.id
        from passed
        join app.users on users.id = passed.user_id and users.is_active
        where passed.expires_at is null or passed.expires_at > %(now)s
    ),
    watched as (
        select
            alerts.id, alerts.user_id, alerts.alert_type, alerts.token_id, alerts.portfolio_id, alerts.channels,
            alerts.condition, alerts.threshold, alerts.hysteresis, alerts.is_armed as was_armed,
            sign(alerts.last_value - threshold) is distinct from sign(sound.value - threshold) as is_passed,
            -- What it was compared with last: its own row says so only as of when that passed its threshold.
            case
                when sign(coalesce(before.value, held.value_before) - threshold) = sign(alerts.last_value - threshold)
                then coalesce(before.value, held.value_before)
                else alerts.last_value
            end as previous,
            alerts.is_armed or case
                when alerts.condition in ('above', 'crosses_above') then sound.value <= threshold - hysteresis
                when alerts.condition in ('below', 'crosses_below') then sound.value >= threshold + hysteresis
                else abs(sound.value - threshold) >= hysteresis
            end as is_armed,
            sound.value, coalesce(sound.source, held.source) as source,
            coalesce(sound.observed_at, held.observed_at) as observed_at,
            alerts.last_triggered_at is null
                or alerts.last_triggered_at + make_interval(secs => alerts.cooldown_seconds) <= %(now)s as is_cooled_down
        from candidates
        join app.alerts on alerts.id = candidates.id
        join sound
            on sound.alert_type = alerts.alert_type
            and sound.subject_id = coalesce(alerts.token_id, alerts.portfolio_id)
        left join app.alert_observations as before
            on before.alert_type = alerts.alert_type
            and before.subject_id = coalesce(alerts.token_id, alerts.portfolio_id)
        left join lateral (
            select string_agg(distinct quotes.source, ', ') as source, min(quotes.observed_at) as observed_at,
                case when count(*) = count(seen.value) then round(sum(holdings.amount * seen.value), 18) end as value_before
            from app.holdings
            join market.tokens on tokens.id = holdings.token_id and tokens.is_active
            join good_quotes as quotes on quotes.token_id = holdings.token_id
            left join app.alert_observations as seen on seen.alert_type = 'price' and seen.subject_id = holdings.token_id
            where holdings.portfolio_id = alerts.portfolio_id and holdings.amount > 0
        ) as held on sound.source is null
        where alerts.is_active
        for update of alerts skip locked
    ),
    judged as (
        select
            watched.*,
            is_cooled_down and is_armed and case condition
                when 'above' then value > threshold and (previous is null or previous <= threshold)
                when 'below' then value < threshold and (previous is null or previous >= threshold)
                when 'crosses_above' then previous <= threshold and value > threshold
                when 'crosses_below' then previous >= threshold and value < threshold
                when 'equal' then (value = threshold and previous is distinct from threshold)
                    or (previous < threshold and value > threshold)
                    or (previous > threshold and value < threshold)
            end is true as fires
        from watched
    ),
    moved as (
        update app.alerts set
            last_value = judged.value,
            last_evaluated_at = %(now)s,
            is_armed = judged.is_armed and not (judged.fires and judged.hysteresis > 0),
            last_triggered_at = case when judged.fires then %(now)s else alerts.last_triggered_at end,
            trigger_count = alerts.trigger_count + judged.fires::integer
        from judged
        where alerts.id = judged.id
          and (judged.fires or judged.is_passed or judged.is_armed <> judged.was_armed)
    ),
    -- When each subject was last compared, and with what: a row a subject, not one an alert. What portfolios are worth follows
    -- from it; of their differences only what changed by a hundredth, or was not written for ten minutes.
    seen as (
        insert into app.alert_observations (alert_type, subject_id, evaluated_at, value)
        select sound.alert_type, sound.subject_id, %(now)s, sound.value
        from sound
        left join app.alert_observations as before using (alert_type, subject_id)
        where sound.alert_type <> 'portfolio' and (
            sound.alert_type <> 'reconciliation' or before.value is null
            or before.evaluated_at <= %(now)s - interval '10 minutes'
            or abs(sound.value - before.value) > abs(before.value) / 100
        )
        on conflict (alert_type, subject_id) do update set evaluated_at = excluded.evaluated_at, value = excluded.value
    ),
    fired as (
        insert into app.alert_events
            (alert_id, fired_at, condition, threshold, previous_value, observed_value, source, observed_at)
        select id, %(now)s, condition, threshold, previous, value, source, observed_at
        from judged
        where fires
        returning id, alert_id
    ),
    announced as (
        select
            fired.id as event_id, fired.alert_id, judged.user_id, users.email, users.email_verified, judged.alert_type, judged.condition, judged.threshold,
            judged.previous as previous_value, judged.value as observed_value, judged.source, judged.observed_at,
            judged.channels, coalesce(tokens.symbol, portfolios.name) as subject, users.locale,
            users.time_zone, users.subscription_tier as plan
        from fired
        join judged on judged.id = fired.alert_id
        join app.users on users.id = judged.user_id
        left join market.tokens on tokens.id = judged.token_id
        left join app.portfolios on portfolios.id = judged.portfolio_id
    ),
    counted as (
        select
            (select count(*) from judged) as judged,
            (select count(*) from fired) as fired,
            (select count(*) from candidates) - (select count(*) from judged) + (select count(*) from overlooked) as skipped
    )
    select counted.*, announced.*
    from counted
    left join announced on true
"""


_COUNTS = ("judged", "fired", "skipped")
_SUBJECTS = {
    "of_tokens": [each.value for each in AlertType if each not in OF_PORTFOLIOS],
    "of_portfolios": [each.value for each in OF_PORTFOLIOS],
}


@dataclass(frozen=True, slots=True)
class AlertReport:
    """How many alerts an evaluation compared, how many fired, and how many had no good value or were being changed.

    Attributes:
        judged: alerts whose value passed their threshold, or that wait to be armed again: no other can fire.
        fired: of those.
        skipped: alerts that had no good value, or were being changed.
    """

    judged: int
    fired: int
    skipped: int


def evaluate(
    conn: Connection, now: datetime, stale_after: timedelta, mails: AlertMails
) -> AlertReport:
    """Evaluate every active alert of every active user once.

    Args:
        conn: a connection of the pipeline's role, read committed; the caller owns the transaction, and another
            evaluation waits for its end.
        now: the instant of the evaluation.
        stale_after: a quote older than this fires nothing.
        mails: writes those about alerts that fire.
    """
    conn.execute(_ONE_AT_A_TIME)
    cursor = conn.cursor(row_factory=dict_row)
    anchored = predictions.anchored(conn, now, stale_after)
    portfolios = portfolio_bounds.due(conn, now)
    parameters = {
        "now": now,
        "stale_after": stale_after,
        "portfolios": portfolios,
        **_SUBJECTS,
        **predictions.columns(anchored),
    }
    rows = cursor.execute(_EVALUATE, parameters).fetchall()
    portfolio_bounds.note(conn, portfolios, now)
    # Each row repeats the counts; without a firing there is one row, of nulls.
    counts, *_ = [{name: row.pop(name) for name in _COUNTS} for row in rows]
    firings = [Firing(**row) for row in rows if row["event_id"] is not None]
    mails.write(conn, firings, now)
    channel_messages.write(conn, firings, now)
    fired = [(each.user_id, AlertFired(each.alert_type)) for each in firings]
    recording.record_all(conn, fired, now)
    return AlertReport(**counts)
