"""Schemas, roles and what each role may reach."""

from alembic import op

revision = "0001"
down_revision = None

UP = """
do $$
declare
    wanted text;
begin
    -- Roles belong to the whole server: another database of it may have made them already.
    foreach wanted in array array['coinsphere_api', 'coinsphere_pipeline', 'coinsphere_readonly'] loop
        begin
            execute format('create role %I nologin', wanted);
        exception when duplicate_object then null;
        end;
    end loop;
end $$;

-- The owner hands schemas to the pipeline, and sets its default privileges, only as a member of it.
grant coinsphere_pipeline to current_user;

create schema app;
create schema market;
create schema model;
create schema jobs;
create schema staging authorization coinsphere_pipeline;
create schema intermediate authorization coinsphere_pipeline;
create schema marts authorization coinsphere_pipeline;
create schema snapshots authorization coinsphere_pipeline;

comment on schema app is 'Users and what they own';
comment on schema market is 'Tokens, candles and quotes as the sources gave them';
comment on schema model is 'Training sets, evaluations and the prediction log';
comment on schema jobs is 'Background jobs (procrastinate)';
comment on schema staging is 'dbt: one model per source table';
comment on schema intermediate is 'dbt: steps between staging and marts';
comment on schema marts is 'dbt: what the API, the models and people read';
comment on schema snapshots is 'dbt: slowly changing dimensions';

grant usage on schema app, market, model, jobs, marts to coinsphere_api;
grant usage on schema app, market, model, jobs to coinsphere_pipeline;
grant usage on schema market, model, staging, intermediate, marts, snapshots to coinsphere_readonly;

alter default privileges for role coinsphere_pipeline in schema marts
    grant select on tables to coinsphere_api, coinsphere_readonly;
alter default privileges for role coinsphere_pipeline in schema staging, intermediate, snapshots
    grant select on tables to coinsphere_readonly;

create function app.touch_updated_at() returns trigger language plpgsql as $$
begin
    new.updated_at := now();
    return new;
end $$;
"""

DOWN = """
drop schema snapshots cascade;
drop schema marts cascade;
drop schema intermediate cascade;
drop schema staging cascade;
drop schema jobs cascade;
drop schema model cascade;
drop schema market cascade;
drop schema app cascade;
-- The roles stay: they belong to the server, and other databases may use them.
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
