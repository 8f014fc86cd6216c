"""Which alarms of the models stand, so that each is told of once."""

from alembic import op

revision = "0023"
down_revision = "0022"

UP = """
create table model.alarms (
    id bigint generated always as identity primary key,
    subject text not null,
    name text not null,
    detail text not null,
    model_version integer not null check (model_version > 0),
    raised_at timestamptz not null,
    cleared_at timestamptz check (cleared_at >= raised_at)
);
create unique index alarms_standing on model.alarms (subject, name) where cleared_at is null;
comment on table model.alarms is 'What was found wrong with issued forecasts or a new version, from when to when';

grant select on model.alarms to coinsphere_api, coinsphere_readonly;
grant select, insert, update on model.alarms to coinsphere_pipeline;
"""

DOWN = "drop table model.alarms;"


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
