"""What is known of backups: those that were made, how far the log is stored, and how drills went."""

from alembic import op

revision = "0045"
down_revision = "0044"

UP = """
create table app.backups (
    id text primary key,
    kind text not null check (kind in ('full', 'incremental')),
    started_at timestamptz not null,
    finished_at timestamptz not null,
    bytes bigint not null check (bytes >= 0)
);
comment on table app.backups is 'Base backups that were stored at every place; the places themselves say which are left';

create table app.backup_progress (
    place text primary key,
    at timestamptz not null,
    segment text,
    problem text
);
comment on table app.backup_progress is
    'Until when everything that was committed is stored at each place; restored, it says how much was lost';

create table app.backup_drills (
    id bigint generated always as identity primary key,
    backup_id text,
    started_at timestamptz not null,
    rpo_seconds double precision,
    rto_seconds double precision not null,
    is_good boolean not null,
    report jsonb not null
);
comment on table app.backup_drills is 'Restores that were tried: what was lost, how long they took, what was found';

grant select on app.backups, app.backup_progress, app.backup_drills
    to coinsphere_api, coinsphere_pipeline, coinsphere_worker, coinsphere_readonly;
grant insert on app.backups, app.backup_drills to coinsphere_pipeline, coinsphere_worker;
grant insert, update on app.backup_progress to coinsphere_worker;
"""

DOWN = "drop table app.backup_drills, app.backup_progress, app.backups;"


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
