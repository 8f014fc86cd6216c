"""A role of the worker alone, which reads the keys of exchange accounts; the pipeline's role no longer can."""

from alembic import op

revision = "0022"
down_revision = "0021"

UP = """
do $$
declare
    granted record;
begin
    begin
        create role coinsphere_worker nologin;
    exception when duplicate_object then null;
    end;
    -- Of users and jobs the worker needs what the pipeline's role had for it.
    for granted in
        select format('grant %s on %s %s to coinsphere_worker', a.privilege_type,
            case c.relkind when 'S' then 'sequence' else 'table' end, c.oid::regclass) as statement
        from pg_class c cross join aclexplode(c.relacl) a
        where c.relnamespace in ('app'::regnamespace, 'jobs'::regnamespace)
            and a.grantee = 'coinsphere_pipeline'::regrole
        union all
        select format('grant %s (%I) on %s to coinsphere_worker', a.privilege_type, t.attname, c.oid::regclass)
        from pg_class c join pg_attribute t on t.attrelid = c.oid cross join aclexplode(t.attacl) a
        where c.relnamespace in ('app'::regnamespace, 'jobs'::regnamespace)
            and a.grantee = 'coinsphere_pipeline'::regrole
        union all
        select format('grant execute on function %s to coinsphere_worker', p.oid::regprocedure)
        from pg_proc p cross join aclexplode(p.proacl) a
        where p.pronamespace in ('app'::regnamespace, 'jobs'::regnamespace)
            and a.grantee = 'coinsphere_pipeline'::regrole
    loop
        execute granted.statement;
    end loop;
end $$;

grant usage on schema app, market, model, jobs to coinsphere_worker;
grant select on all tables in schema market, model to coinsphere_worker;
alter default privileges in schema market, model grant select on tables to coinsphere_worker;

-- What only the sync of exchange accounts does.
revoke execute on function app.sealed_exchange_credentials from coinsphere_pipeline;
revoke all on app.exchange_nonces, app.exchange_cursors, app.exchange_unbooked, app.exchange_syncs
    from coinsphere_pipeline;
revoke insert, update, delete on app.exchange_balances from coinsphere_pipeline;
revoke update (status, last_error, last_synced_at, next_sync_at, permissions, permissions_checked_at, account, assets,
    updated_at) on app.exchange_connections from coinsphere_pipeline;
"""

DOWN = """
grant execute on function app.sealed_exchange_credentials to coinsphere_pipeline;
grant select, insert, update on app.exchange_nonces, app.exchange_syncs to coinsphere_pipeline;
grant select, insert, update, delete on app.exchange_cursors, app.exchange_unbooked, app.exchange_balances
    to coinsphere_pipeline;
grant update (status, last_error, last_synced_at, next_sync_at, permissions, permissions_checked_at, account, assets,
    updated_at) on app.exchange_connections to coinsphere_pipeline;
alter default privileges in schema market, model revoke select on tables from coinsphere_worker;
revoke all on all tables in schema app, market, model, jobs from coinsphere_worker;
revoke all on all sequences in schema app, jobs from coinsphere_worker;
revoke all on all functions in schema app, jobs from coinsphere_worker;
revoke all on schema app, market, model, jobs from coinsphere_worker;
"""

# The policies that show the pipeline's role every row show them to the worker's, too.
POLICIES = """
do $$
declare
    policy record;
begin
    for policy in
        select polname, polrelid::regclass as place from pg_policy
        where 'coinsphere_pipeline'::regrole = any(polroles)
    loop
        execute format('alter policy %I on %s to {roles}', policy.polname, policy.place);
    end loop;
end $$;
"""


def upgrade() -> None:
    op.execute(UP)
    op.execute(POLICIES.format(roles="coinsphere_pipeline, coinsphere_worker"))


def downgrade() -> None:
    op.execute(POLICIES.format(roles="coinsphere_pipeline"))
    op.execute(DOWN)
