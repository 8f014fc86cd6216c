"""What users tell may have a screenshot; it is answered by mail, and the answer is kept beside it."""

from alembic import op

revision = "0086"
down_revision = "0085"


def upgrade() -> None:
    op.execute("""
        alter table app.feedback
            add column answer text check (length(answer) between 1 and 4000),
            add column screenshot bytea check (length(screenshot) <= 1000000),
            add check (answer is null or closed_at is not null);
        comment on column app.feedback.answer is 'What its owner was answered by mail when it was closed';
        comment on column app.feedback.screenshot is 'WebP, drawn anew without what was told beside it';
        grant update (answer) on app.feedback to coinsphere_api;
    """)


def downgrade() -> None:
    op.execute("alter table app.feedback drop column answer, drop column screenshot")
