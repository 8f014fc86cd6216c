"""Forecasts of the global model: panels as training sets, input snapshots, gate reports, and what reproduces a row."""

from alembic import op

revision = "0018"
down_revision = "0017"

UP = """
alter table model.training_sets alter column token_id drop not null;
comment on column model.training_sets.token_id is 'null: a panel of all tokens';

create table model.snapshots (
    digest text primary key check (digest ~ '^[0-9a-f]{64}$'),
    first_day date not null,
    last_day date not null,
    content bytea not null,
    created_at timestamptz not null default now(),
    check (first_day <= last_day)
);
comment on table model.snapshots is 'The candles that forecasts were computed from, as numpy arrays: what reproduces them';

create table model.gate_reports (
    id uuid primary key,
    model_name text not null,
    model_version integer not null check (model_version > 0),
    algorithm text not null,
    run_id text not null,
    dagster_run_id text not null,
    data_digest text not null references model.training_sets,
    passed boolean not null,
    report jsonb not null,
    created_at timestamptz not null
);
create index gate_reports_data_digest on model.gate_reports (data_digest);
create index gate_reports_version on model.gate_reports (model_name, model_version);
comment on table model.gate_reports is 'What each version showed before it might serve, whether it passed or not';

alter table model.predictions
    add column location double precision,
    add column log_scale double precision,
    add column reference_log_scale double precision,
    add column degrees double precision check (degrees > 0),
    add column width80 double precision check (width80 between 0 and 1),
    add column width95 double precision check (width95 between 0 and 1),
    add column in_distribution boolean,
    add column input_digest text references model.snapshots,
    add column dagster_run_id text;
create index predictions_input_digest on model.predictions (input_digest);
comment on column model.predictions.location is 'Of the log return; with log_scale and degrees a Student t; null where the model states quantiles only';
comment on column model.predictions.reference_log_scale is 'Of the random walk with EWMA(0.94) volatility: what skill is measured against';
comment on column model.predictions.width80 is 'Probability at which the 80 % interval was cut, after calibration';

grant select on model.snapshots, model.gate_reports to coinsphere_api, coinsphere_readonly;
grant select, insert on model.snapshots, model.gate_reports to coinsphere_pipeline;
"""

DOWN = """
alter table model.predictions
    drop column location, drop column log_scale, drop column reference_log_scale, drop column degrees, drop column width80, drop column width95,
    drop column in_distribution, drop column input_digest, drop column dagster_run_id;
drop table model.gate_reports, model.snapshots;
delete from model.predictions p using model.training_sets s where s.digest = p.data_digest and s.token_id is null;
delete from model.evaluations e using model.training_sets s where s.digest = e.data_digest and s.token_id is null;
delete from model.training_sets where token_id is null;
alter table model.training_sets alter column token_id set not null;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
