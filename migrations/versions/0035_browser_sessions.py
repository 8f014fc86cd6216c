"""A browser's session is found by the secret of its cookie; of which, as of every token, the SHA-256 is kept."""

from alembic import op

revision = "0035"
down_revision = "0034"

UP = """
alter table app.sessions add column cookie_hash bytea check (length(cookie_hash) = 32);
create unique index sessions_cookie_hash on app.sessions (cookie_hash) where cookie_hash is not null;
comment on column app.sessions.cookie_hash is
    'SHA-256 of the secret in the cookie of a browser; null for a session of a client with tokens';
"""

DOWN = "alter table app.sessions drop column cookie_hash;"


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
