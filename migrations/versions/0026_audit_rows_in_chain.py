"""Refuse a row of the audit log that is in no chain; those older than the chain stay as they are."""

from alembic import op

revision = "0026"
down_revision = "0025"

# Not valid: rows that are there are not looked at, each new one is.
UP = "alter table app.audit_logs add constraint audit_logs_in_chain check (seq is not null) not valid"
DOWN = "alter table app.audit_logs drop constraint audit_logs_in_chain"


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
