"""Tell the stream process when a session ends or a user is disabled, so that open pages end at once."""

from alembic import op

revision = "0040"
down_revision = "0039"

UP = """
-- When it was seen last changes often, and ends nothing.
create trigger sessions_announce after update of revoked_at, expires_at or delete on app.sessions
    for each statement execute function market.announce('sessions');
create trigger users_announce after update of is_active or delete on app.users
    for each statement execute function market.announce('sessions');
"""

DOWN = """
drop trigger users_announce on app.users;
drop trigger sessions_announce on app.sessions;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
