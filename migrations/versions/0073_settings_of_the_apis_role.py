"""The API's role has its settings in the database: a pooler hands out connections to which no client may give options.

Revision ID: 0073
Revises: 0075
"""

from alembic import op

revision = "0073"
down_revision = "0075"

SETTINGS = {
    "timezone": "'UTC'",
    "search_path": "app, market, model, jobs, public",
    "statement_timeout": "'5s'",
    "lock_timeout": "'10s'",
}


def upgrade() -> None:
    for name, value in SETTINGS.items():
        op.execute(f"alter role coinsphere_api set {name} = {value}")


def downgrade() -> None:
    """Nothing: the role is of the whole server, and an older API overrides each of them by options of its own."""
