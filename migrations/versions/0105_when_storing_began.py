"""When the backup daemon last began to store, from which a restored state knows how old it is."""

from alembic import op

revision = "0105"
down_revision = "0098"


def upgrade() -> None:
    op.execute("""
        alter table app.backup_progress add column begun_at timestamptz;
        comment on column app.backup_progress.begun_at is
            'Written ahead of the log that is stored, and so with it: a restored state has all that was committed before';
    """)


def downgrade() -> None:
    op.execute("alter table app.backup_progress drop column begun_at")
