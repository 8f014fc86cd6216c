"""A role that reads the audit log and nothing else; the worker takes it on to check and anchor the log."""

from alembic import op

revision = "0032"
down_revision = "0031"

# The worker holds the right only while it says so: whatever else it does cannot read the log.
UP = """
do $$
begin
    create role coinsphere_auditor nologin;
exception when duplicate_object then null;
end $$;
grant usage on schema app to coinsphere_auditor;
grant select on app.audit_logs to coinsphere_auditor;
grant coinsphere_auditor to coinsphere_worker with inherit false, set true;
"""
# Roles, and who may take on which, belong to the whole server: its other databases still need them.
DOWN = """
revoke all on app.audit_logs from coinsphere_auditor;
revoke usage on schema app from coinsphere_auditor;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
