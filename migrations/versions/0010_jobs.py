"""Background jobs: procrastinate's own tables, in a schema of their own."""

from alembic import op
from procrastinate.schema import SchemaManager
from sqlalchemy import text

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    connection = op.get_bind()
    connection.execute(text("set local search_path = jobs"))
    # By the driver: the statements hold colons and percent signs that SQLAlchemy would read as parameters.
    connection.connection.cursor().execute(SchemaManager.get_schema())
    connection.execute(text("set local search_path to default"))


def downgrade() -> None:
    op.execute("drop schema jobs cascade; create schema jobs;")
    op.execute("grant usage on schema jobs to coinsphere_api, coinsphere_pipeline")
