"""One job serves many channels: a channel that is being served is claimed for a while, and a queue has one waiting job."""

from alembic import op

revision = "0085"
down_revision = "0080"

_DEFER_ONCE = """
create or replace function jobs.defer_once(queue text, task text, job_lock text, args jsonb) returns void
    language plpgsql set search_path = jobs, pg_temp as $$
declare
    found bigint;
begin
    insert into procrastinate_jobs (queue_name, task_name, lock, queueing_lock, args)
        values (queue, task, job_lock, {queueing_lock}, defer_once.args)
        on conflict (queueing_lock) where status = 'todo' do update set priority = procrastinate_jobs.priority
        returning id into found;
    perform pg_notify('procrastinate_queue_v1#' || queue,
        json_build_object('type', 'job_inserted', 'job_id', found)::text);
end $$;
"""
_UP = """
alter table app.alert_channels add column claimed_until timestamptz;
comment on column app.alert_channels.claimed_until is 'Until then it is served by whoever claimed it';
grant select (claimed_until), update (claimed_until) on app.alert_channels to coinsphere_worker;
-- What they were to deliver is due still, and is taken up within a minute.
delete from jobs.procrastinate_jobs where task_name = 'deliver_messages' and status = 'todo';
"""
_DOWN = """
alter table app.alert_channels drop column claimed_until;
delete from jobs.procrastinate_jobs where task_name = 'deliver_messages' and status = 'todo';
"""


def upgrade() -> None:
    op.execute(_DEFER_ONCE.format(queueing_lock="concat_ws(' ', task, job_lock)"))
    op.execute(_UP)


def downgrade() -> None:
    op.execute(_DOWN)
    op.execute(_DEFER_ONCE.format(queueing_lock="task || ' ' || job_lock"))
