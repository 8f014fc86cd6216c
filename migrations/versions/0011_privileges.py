"""What each role may do, and no more."""

from alembic import op

revision = "0011"
down_revision = "0010"

UP = """
-- The API: user data in full, market and model data to read, jobs to enqueue. No delete where history must stay.
grant select, insert, update, delete on all tables in schema app to coinsphere_api;
revoke update, delete on app.audit_logs from coinsphere_api;
revoke insert, update, delete on app.alert_events, app.defi_protocols from coinsphere_api;
grant select on all tables in schema market, model to coinsphere_api;
grant insert, update on market.tokens to coinsphere_api;

-- The pipeline: market and model data, and what alerts and jobs need of user data.
grant select, insert, update on all tables in schema market, model to coinsphere_pipeline;
grant delete on market.price_data to coinsphere_pipeline;
revoke update on model.predictions, model.training_sets from coinsphere_pipeline;
revoke insert, update on market.price_revisions from coinsphere_pipeline;
grant select on app.users, app.portfolios, app.holdings, app.alerts, app.alert_events, app.mails, app.defi_protocols
    to coinsphere_pipeline;
grant update on app.alerts, app.mails, app.defi_protocols to coinsphere_pipeline;
grant insert on app.alert_events, app.mails to coinsphere_pipeline;
revoke select on app.users from coinsphere_pipeline;
grant select (id, email, role, is_active, email_verified) on app.users to coinsphere_pipeline;

grant select, insert, update, delete on all tables in schema jobs to coinsphere_api, coinsphere_pipeline;
grant usage on all sequences in schema app, jobs to coinsphere_api;
grant usage on all sequences in schema market, model, jobs to coinsphere_pipeline;

grant select on all tables in schema market, model to coinsphere_readonly;
revoke execute on function market.ensure_price_partitions, market.keep_price_revision from public;
grant execute on function market.ensure_price_partitions to coinsphere_pipeline;
"""

DOWN = """
revoke all on all tables in schema app, market, model, jobs
    from coinsphere_api, coinsphere_pipeline, coinsphere_readonly;
revoke all on all sequences in schema app, market, model, jobs
    from coinsphere_api, coinsphere_pipeline, coinsphere_readonly;
revoke all on function market.ensure_price_partitions from coinsphere_pipeline;
"""


def upgrade() -> None:
    op.execute(UP)


def downgrade() -> None:
    op.execute(DOWN)
