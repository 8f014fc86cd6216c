"""The forecasts that a model was judged by before it served: what shows on the first day how it forecasts."""

from alembic import op

revision = "0038"
down_revision = "0037"

UP = """
create table model.held_out_sets (
    id bigint generated always as identity primary key,
    model_name text not null,
    model_version integer not null check (model_version > 0),
    algorithm text not null,
    run_id text not null,
    data_digest text not null references model.training_sets,
    code_version text not null,
    price_source text not null,
    recorded_at timestamptz not null,
    unique (model_name, model_version)
);
create index held_out_sets_data_digest on model.held_out_sets (data_digest);
comment on table model.held_out_sets is 'Versions whose held-out forecasts are kept: those that serve or may';

create table model.held_out_forecasts (
    set_id bigint not null references model.held_out_sets on delete cascade,
    token_id uuid not null references market.tokens,
    horizon_days smallint not null check (horizon_days in (1, 7, 14, 30)),
    origin_at timestamptz not null,
    lower95 double precision not null,
    lower80 double precision not null,
    median double precision not null,
    upper80 double precision not null,
    upper95 double precision not null,
    reference_log_scale double precision,
    primary key (set_id, token_id, horizon_days, origin_at),
    check (lower95 <= lower80 and lower80 <= median and median <= upper80 and upper80 <= upper95)
);
create index held_out_forecasts_token_id on model.held_out_forecasts (token_id, horizon_days);
comment on table model.held_out_forecasts is
    'Log returns that a version, or one made as it was, forecast for days that it had not seen; never issued to anybody';

grant select on model.held_out_sets, model.held_out_forecasts to coinsphere_api, coinsphere_readonly;
grant select, insert, delete on model.held_out_sets to coinsphere_pipeline;
grant select, insert on model.held_out_forecasts to coinsphere_pipeline;
"""

DOWN = "drop table model.held_out_forecasts, model.held_out_sets;"


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
