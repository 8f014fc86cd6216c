"""Count an account's live sessions without those that have ended."""

from alembic import op

revision = "0043"
down_revision = "0042"

UP = """
create index sessions_live on app.sessions (user_id, expires_at) where revoked_at is null;
"""
DOWN = """
drop index app.sessions_live;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
