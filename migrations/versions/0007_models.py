"""Training sets, evaluations, the prediction log and risk scores."""

from alembic import op

revision = "0007"
down_revision = "0006"

UP = """
create table model.training_sets (
    digest text primary key check (digest ~ '^[0-9a-f]{64}$'),
    token_id uuid not null references market.tokens,
    first_day date not null,
    last_day date not null,
    rows integer not null check (rows > 0),
    price_source text not null,
    location text not null,
    created_at timestamptz not null default now(),
    check (first_day <= last_day)
);
create index training_sets_token_id on model.training_sets (token_id);
comment on table model.training_sets is 'Snapshots that models were trained on; the digest is SHA-256 of the canonical rows';

create table model.evaluations (
    id bigint generated always as identity primary key,
    token_id uuid not null references market.tokens,
    model_name text not null,
    model_version integer not null check (model_version > 0),
    algorithm text not null,
    run_id text not null,
    horizon_days smallint not null check (horizon_days in (1, 7, 14, 30)),
    first_origin date not null,
    last_origin date not null,
    forecasts integer not null check (forecasts > 0),
    pinball_loss double precision not null,
    mean_absolute_error double precision not null,
    skill_vs_naive double precision not null,
    coverage80 double precision not null check (coverage80 between 0 and 1),
    coverage95 double precision not null check (coverage95 between 0 and 1),
    data_digest text not null references model.training_sets,
    is_champion boolean not null,
    evaluated_at timestamptz not null default now(),
    unique (model_name, model_version, horizon_days, evaluated_at)
);
create index evaluations_token_id on model.evaluations (token_id, evaluated_at desc);
create index evaluations_data_digest on model.evaluations (data_digest);
comment on column model.evaluations.skill_vs_naive is '1 - pinball loss / pinball loss of the naive forecast, same rows';

create table model.predictions (
    id uuid primary key default gen_random_uuid(),
    token_id uuid not null references market.tokens,
    horizon_days smallint not null check (horizon_days in (1, 7, 14, 30)),
    origin_at timestamptz not null,
    target_at timestamptz not null,
    issued_at timestamptz not null,
    reference_price numeric(38, 18) not null check (reference_price > 0),
    quantiles jsonb not null,
    median numeric(38, 18) not null check (median > 0),
    lower80 numeric(38, 18) not null,
    upper80 numeric(38, 18) not null,
    lower95 numeric(38, 18) not null,
    upper95 numeric(38, 18) not null,
    model_name text not null,
    model_version integer not null,
    algorithm text not null,
    run_id text not null,
    data_digest text not null references model.training_sets,
    code_version text not null,
    price_source text not null,
    is_shadow boolean not null default false,
    is_backfill boolean not null default false,
    check (target_at = origin_at + make_interval(days => horizon_days)),
    -- Proof of no hindsight: a forecast issued after its outcome is marked as such.
    check (is_backfill or issued_at < target_at),
    check (lower95 <= lower80 and lower80 <= median and median <= upper80 and upper80 <= upper95),
    unique (token_id, origin_at, horizon_days, model_name, model_version)
);
create index predictions_data_digest on model.predictions (data_digest);
comment on column model.predictions.origin_at is 'Close of the last final candle that the forecast knows';

create table market.risk_scores (
    token_id uuid not null references market.tokens,
    day date not null,
    overall_score numeric(38, 18) not null check (overall_score between 0 and 100),
    risk_level text not null check (risk_level in ('safe', 'low', 'medium', 'high', 'extreme')),
    liquidity_score numeric(38, 18) check (liquidity_score between 0 and 100),
    volatility_score numeric(38, 18) check (volatility_score between 0 and 100),
    market_cap_score numeric(38, 18) check (market_cap_score between 0 and 100),
    volume_score numeric(38, 18) check (volume_score between 0 and 100),
    annual_volatility numeric(38, 18) check (annual_volatility >= 0),
    price_source text not null,
    computed_at timestamptz not null default now(),
    primary key (token_id, day)
);
comment on table market.risk_scores is 'The risk scores as they were published, one row per token and day';
"""

DOWN = """
drop table market.risk_scores, model.predictions, model.evaluations, model.training_sets;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
