"""Let a refresh token that was just used give the same successor again: a salt, useless without the token itself."""

from alembic import op

revision = "0027"
down_revision = "0026"

UP = "alter table app.refresh_tokens add column successor_salt bytea check (length(successor_salt) = 32)"
DOWN = "alter table app.refresh_tokens drop column successor_salt"


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
