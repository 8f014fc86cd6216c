"""Announce the jobs of a statement once, and note that they were deferred by one insert."""

from alembic import op

revision = "0098"
down_revision = "0097"

# Procrastinate's own triggers do this for each row. Its worker takes jobs until there are none, whatever a message names.
UP = """
create function jobs.announce_inserted() returns trigger language plpgsql as $$
begin
    insert into jobs.procrastinate_events (job_id, type)
        select id, 'deferred' from inserted where status = 'todo' order by id;
    perform pg_notify(channel, json_build_object('type', 'job_inserted', 'job_id', newest.id)::text)
        from (select queue_name, max(id) as id from inserted where status = 'todo' group by queue_name) as newest
        cross join lateral unnest(array['procrastinate_queue_v1#' || queue_name, 'procrastinate_any_queue_v1']) as channel;
    return null;
end $$;
drop trigger procrastinate_jobs_notify_queue_job_inserted_v1 on jobs.procrastinate_jobs;
drop trigger procrastinate_trigger_status_events_insert_v1 on jobs.procrastinate_jobs;
create trigger jobs_announce_inserted after insert on jobs.procrastinate_jobs
    referencing new table as inserted for each statement execute function jobs.announce_inserted();
"""
DOWN = """
drop trigger jobs_announce_inserted on jobs.procrastinate_jobs;
drop function jobs.announce_inserted;
create trigger procrastinate_trigger_status_events_insert_v1 after insert on jobs.procrastinate_jobs
    for each row when (new.status = 'todo')
    execute function jobs.procrastinate_trigger_function_status_events_insert_v1();
create trigger procrastinate_jobs_notify_queue_job_inserted_v1 after insert on jobs.procrastinate_jobs
    for each row when (new.status = 'todo') execute function jobs.procrastinate_notify_queue_job_inserted_v1();
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
