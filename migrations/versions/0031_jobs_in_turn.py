"""Begin a job that waits for a lock as soon as the lock is free, and write the same work once while it waits."""

from alembic import op

revision = "0031"
down_revision = "0030"

UP = """
-- A queueing lock speaks of jobs that wait. One that begins lets go of it, so that it can wait again after a failure
-- though the same work was asked for meanwhile.
create function jobs.begin_job() returns trigger language plpgsql as $$
begin
    new.queueing_lock := null;
    return new;
end $$;
create trigger jobs_begin before update of status on jobs.procrastinate_jobs
    for each row when (old.status = 'todo' and new.status = 'doing' and new.queueing_lock is not null)
    execute function jobs.begin_job();

-- The worker hears of new jobs only; of one that could not begin it would know at its next look.
create function jobs.wake_next() returns trigger language plpgsql as $$
begin
    perform pg_notify('procrastinate_queue_v1#' || waiting.queue_name,
            json_build_object('type', 'job_inserted', 'job_id', waiting.id)::text)
        from jobs.procrastinate_jobs waiting
        where waiting.lock = old.lock and waiting.status = 'todo' and waiting.id <> old.id
        order by waiting.priority desc, waiting.id limit 1;
    return null;
end $$;
create trigger jobs_wake_next after update of status on jobs.procrastinate_jobs
    for each row when (old.status = 'doing' and new.status <> 'doing' and old.lock is not null)
    execute function jobs.wake_next();
create index procrastinate_jobs_waiting_lock on jobs.procrastinate_jobs (lock) where status = 'todo';

-- Held until the caller's transaction ends, a job that waits is not begun before what it has to do can be seen.
create function jobs.defer_once(queue text, task text, job_lock text, args jsonb) returns void
    language plpgsql set search_path = jobs, pg_temp as $$
declare
    found bigint;
begin
    insert into procrastinate_jobs (queue_name, task_name, lock, queueing_lock, args)
        values (queue, task, job_lock, task || ' ' || job_lock, defer_once.args)
        on conflict (queueing_lock) where status = 'todo' do update set priority = procrastinate_jobs.priority
        returning id into found;
    perform pg_notify('procrastinate_queue_v1#' || queue,
        json_build_object('type', 'job_inserted', 'job_id', found)::text);
end $$;
revoke execute on function jobs.defer_once from public;
grant execute on function jobs.defer_once to coinsphere_api, coinsphere_pipeline, coinsphere_worker;
"""
DOWN = """
drop function jobs.defer_once;
drop index jobs.procrastinate_jobs_waiting_lock;
drop trigger jobs_wake_next on jobs.procrastinate_jobs;
drop function jobs.wake_next;
drop trigger jobs_begin on jobs.procrastinate_jobs;
drop function jobs.begin_job;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
