"""Jobs know the request that set them off.

The API names its request in each transaction (`app.request_id`); whatever is enqueued in it takes the name from there,
so no way to enqueue a job has to pass it on. The table is procrastinate's, which names its own columns wherever it
writes to it.

Revision ID: 0052
Revises: 0051
"""

from alembic import op

revision = "0052"
down_revision = "0051"
branch_labels = None
depends_on = None

UP = """
alter table jobs.procrastinate_jobs
    add column request_id text default nullif(current_setting('app.request_id', true), '');
comment on column jobs.procrastinate_jobs.request_id is
    'Id of the request in whose transaction the job was enqueued; null for what no request set off';
"""
DOWN = "alter table jobs.procrastinate_jobs drop column request_id;"


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
