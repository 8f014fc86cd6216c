"""The daemon of backups forgets how far the log was stored at places that it no longer has."""

from alembic import op

revision = "0087"
down_revision = "0086"


def upgrade() -> None:
    op.execute("grant delete on app.backup_progress to coinsphere_worker")


def downgrade() -> None:
    op.execute("revoke delete on app.backup_progress from coinsphere_worker")
