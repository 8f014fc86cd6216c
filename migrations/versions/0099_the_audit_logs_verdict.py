"""The last verification of the audit log, for whoever asks whether the system is well."""

from alembic import op

revision = "0099"
down_revision = "0096"

# One row: to read the whole chain takes seconds, and `/health` asks all the time.
UP = """
create table app.audit_verdict (
    only_row boolean primary key default true check (only_row),
    verified_at timestamptz not null,
    problem text
);
comment on table app.audit_verdict is 'What the last verification of the audit log found, one row';
comment on column app.audit_verdict.problem is 'The first thing that is wrong; null where nothing is';
grant select on app.audit_verdict to coinsphere_api, coinsphere_worker, coinsphere_readonly;
grant select, insert, update on app.audit_verdict to coinsphere_auditor;
"""
DOWN = "drop table app.audit_verdict"


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
