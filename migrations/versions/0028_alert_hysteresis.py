"""Let an alert fire again only after its value went back by a margin, and keep when each subject was evaluated."""

from alembic import op

revision = "0028"
down_revision = "0027"

UP = """
alter table app.alerts
    add column hysteresis numeric(38, 18) not null default 0 check (hysteresis >= 0),
    add column is_armed boolean not null default true;

create table app.alert_observations (
    alert_type text not null check (alert_type in ('price', 'percent_change', 'volume', 'prediction', 'risk', 'portfolio')),
    subject_id uuid not null,
    evaluated_at timestamptz not null,
    primary key (alert_type, subject_id)
);
comment on table app.alert_observations is 'When the alerts on a token or portfolio were last compared with a good value';
grant select, insert, update on app.alert_observations to coinsphere_pipeline, coinsphere_worker;
grant select on app.alert_observations to coinsphere_api;
"""
DOWN = """
drop table app.alert_observations;
alter table app.alerts drop column hysteresis, drop column is_armed;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
