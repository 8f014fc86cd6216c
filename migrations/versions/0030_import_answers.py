"""Keep with an import what its user answered, and what was decided of the file or left out of it."""

from alembic import op

revision = "0030"
down_revision = "0029"

UP = """
alter table app.import_batches
    add column answers jsonb not null default '{}' check (jsonb_typeof(answers) = 'object'),
    add column findings jsonb not null default '{}' check (jsonb_typeof(findings) = 'object');
comment on column app.import_batches.answers is 'What the user said of what the file leaves open';
comment on column app.import_batches.findings is 'What was decided of the file as a whole, and what of it was left out';
"""
DOWN = "alter table app.import_batches drop column answers, drop column findings"


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
