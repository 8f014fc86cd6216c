"""Each role may do what it must, and no more: the whole matrix, and the edges by trying."""

from collections.abc import Callable
from datetime import date

import psycopg
import pytest
from psycopg import errors

_HELD = """
    select r.role, c.relnamespace::regnamespace::text || '.' || c.relname,
        string_agg(p.letter, '' order by p.rank)
    from unnest(array['coinsphere_api', 'coinsphere_pipeline', 'coinsphere_worker', 'coinsphere_readonly']) as r (role)
    cross join (values ('select', 'r', 1), ('insert', 'a', 2), ('update', 'w', 3), ('delete', 'd', 4),
                       ('truncate', 'D', 5), ('references', 'x', 6), ('trigger', 't', 7)) as p (name, letter, rank)
    join pg_class c on c.relkind in ('r', 'p', 'v', 'm') and not c.relispartition
    where c.relnamespace::regnamespace::text in ('app', 'market', 'model', 'jobs')
        and has_table_privilege(r.role, c.oid, p.name)
    group by 1, 2
"""
# Letters as in PostgreSQL's own access lists: r select, a insert, w update, d delete.
USUAL = {
    ("coinsphere_api", "app"): "rawd",
    ("coinsphere_api", "market"): "r",
    ("coinsphere_api", "model"): "r",
    ("coinsphere_api", "jobs"): "rawd",
    ("coinsphere_pipeline", "app"): "",
    ("coinsphere_pipeline", "market"): "raw",
    ("coinsphere_pipeline", "model"): "raw",
    ("coinsphere_pipeline", "jobs"): "rawd",
    ("coinsphere_worker", "app"): "",
    ("coinsphere_worker", "market"): "r",
    ("coinsphere_worker", "model"): "r",
    ("coinsphere_worker", "jobs"): "rawd",
    ("coinsphere_readonly", "app"): "",
    ("coinsphere_readonly", "market"): "r",
    ("coinsphere_readonly", "model"): "r",
    ("coinsphere_readonly", "jobs"): "",
}
EXCEPT = {
    ("coinsphere_pipeline", "market.feed_venues"): "rawd",
    ("coinsphere_api", "app.audit_logs"): "ra",
    ("coinsphere_api", "app.alert_events"): "r",
    ("coinsphere_api", "app.defi_protocols"): "r",
    ("coinsphere_api", "app.defi_yields"): "r",
    ("coinsphere_api", "market.tokens"): "raw",
    ("coinsphere_api", "market.asset_events"): "ra",
    ("coinsphere_pipeline", "market.asset_events"): "ra",
    ("coinsphere_pipeline", "market.adjusted_candles"): "r",
    ("coinsphere_api", "app.backups"): "r",
    ("coinsphere_api", "app.audit_verdict"): "r",
    ("coinsphere_readonly", "app.audit_verdict"): "r",
    ("coinsphere_pipeline", "app.audit_verdict"): "",
    ("coinsphere_api", "app.books_verdict"): "r",
    ("coinsphere_readonly", "app.books_verdict"): "r",
    ("coinsphere_api", "app.backup_progress"): "r",
    ("coinsphere_api", "app.backup_drills"): "r",
    ("coinsphere_pipeline", "app.backups"): "ra",
    ("coinsphere_pipeline", "app.backup_progress"): "r",
    ("coinsphere_pipeline", "app.backup_drills"): "ra",
    ("coinsphere_readonly", "app.backups"): "r",
    ("coinsphere_readonly", "app.backup_progress"): "r",
    ("coinsphere_readonly", "app.backup_drills"): "r",
    ("coinsphere_api", "app.transactions"): "raw",
    ("coinsphere_api", "app.ledger_entries"): "ra",
    ("coinsphere_api", "app.portfolio_states"): "rw",
    ("coinsphere_api", "app.position_values_daily"): "r",
    ("coinsphere_api", "app.signature_nonces"): "rad",
    ("coinsphere_api", "app.feature_switches"): "raw",
    ("coinsphere_api", "app.exchange_connections"): "awd",
    ("coinsphere_api", "app.alert_channels"): "awd",
    ("coinsphere_api", "app.alert_channel_choices"): "rad",
    ("coinsphere_api", "app.channel_messages"): "ra",
    ("coinsphere_api", "app.billing_customers"): "ra",
    ("coinsphere_api", "app.subscriptions"): "r",
    ("coinsphere_api", "app.payment_events"): "ra",
    ("coinsphere_api", "app.feedback"): "ra",
    ("coinsphere_api", "app.product_events"): "rad",
    ("coinsphere_pipeline", "app.product_events"): "ra",
    ("coinsphere_api", "app.flags"): "raw",
    ("coinsphere_pipeline", "app.flags"): "r",
    ("coinsphere_api", "app.experiment_assignments"): "rd",
    ("coinsphere_pipeline", "app.experiment_assignments"): "raw",
    ("coinsphere_api", "app.experiment_outcomes"): "ra",
    ("coinsphere_pipeline", "app.experiment_outcomes"): "r",
    ("coinsphere_api", "app.alert_verdicts"): "r",
    ("coinsphere_pipeline", "app.alert_verdicts"): "ra",
    ("coinsphere_pipeline", "app.alert_channel_choices"): "r",
    ("coinsphere_pipeline", "app.channel_messages"): "ra",
    ("coinsphere_api", "app.exchange_nonces"): "raw",
    ("coinsphere_api", "app.exchange_cursors"): "r",
    ("coinsphere_api", "app.exchange_unbooked"): "r",
    ("coinsphere_api", "app.exchange_balances"): "r",
    ("coinsphere_api", "app.exchange_differences"): "r",
    ("coinsphere_api", "app.exchange_syncs"): "raw",
    ("coinsphere_api", "app.portfolio_sync_parts"): "ra",
    ("coinsphere_pipeline", "app.exchange_balances"): "r",
    ("coinsphere_pipeline", "app.exchange_differences"): "r",
    ("coinsphere_pipeline", "app.signature_nonces"): "d",
    ("coinsphere_pipeline", "app.idempotency_keys"): "d",
    ("coinsphere_pipeline", "market.price_data"): "rawd",
    ("coinsphere_pipeline", "market.price_revisions"): "r",
    ("coinsphere_pipeline", "market.rate_revisions"): "r",
    ("coinsphere_pipeline", "market.arrivals"): "rd",
    ("coinsphere_pipeline", "market.implied_volatility"): "ra",
    ("coinsphere_pipeline", "market.consensus"): "ra",
    ("coinsphere_pipeline", "market.exchange_rates"): "rawd",
    ("coinsphere_pipeline", "market.set_aside_trail"): "r",
    ("coinsphere_pipeline", "market.planted_seeds"): "r",
    ("coinsphere_pipeline", "model.predictions"): "ra",
    ("coinsphere_pipeline", "model.training_sets"): "ra",
    ("coinsphere_pipeline", "model.snapshots"): "ra",
    ("coinsphere_pipeline", "model.gate_reports"): "ra",
    ("coinsphere_pipeline", "model.held_out_sets"): "rad",
    ("coinsphere_pipeline", "model.held_out_forecasts"): "ra",
    ("coinsphere_pipeline", "app.books_verdict"): "raw",
    ("coinsphere_pipeline", "app.portfolios"): "r",
    ("coinsphere_pipeline", "app.holdings"): "rawd",
    ("coinsphere_pipeline", "app.transactions"): "raw",
    ("coinsphere_pipeline", "app.ledger_entries"): "ra",
    ("coinsphere_pipeline", "app.portfolio_states"): "rw",
    ("coinsphere_pipeline", "app.position_values_daily"): "r",
    ("coinsphere_pipeline", "app.transfer_matches"): "rawd",
    ("coinsphere_pipeline", "app.lots"): "rawd",
    ("coinsphere_pipeline", "app.lot_uses"): "rawd",
    ("coinsphere_pipeline", "app.positions"): "rawd",
    ("coinsphere_pipeline", "app.position_flows"): "rawd",
    ("coinsphere_pipeline", "app.portfolio_values_daily"): "rawd",
    ("coinsphere_pipeline", "app.booking_marks"): "rawd",
    ("coinsphere_pipeline", "app.valuation_marks"): "rawd",
    ("coinsphere_pipeline", "app.portfolio_issues"): "rawd",
    ("coinsphere_pipeline", "app.import_batches"): "rawd",
    ("coinsphere_pipeline", "app.portfolio_syncs"): "rawd",
    ("coinsphere_pipeline", "app.alerts"): "rw",
    ("coinsphere_pipeline", "app.alert_events"): "ra",
    ("coinsphere_pipeline", "app.alert_observations"): "raw",
    ("coinsphere_api", "app.alert_reference_prices"): "",
    ("coinsphere_api", "app.alert_bounds"): "",
    ("coinsphere_api", "app.alert_revaluations"): "",
    ("coinsphere_pipeline", "app.alert_reference_prices"): "raw",
    ("coinsphere_pipeline", "app.alert_bounds"): "rawd",
    ("coinsphere_pipeline", "app.alert_revaluations"): "rd",
    ("coinsphere_api", "app.alert_observations"): "r",
    ("coinsphere_pipeline", "app.mails"): "rawd",
    ("coinsphere_pipeline", "app.password_resets"): "raw",
    ("coinsphere_pipeline", "app.incomplete_logins"): "rd",
    ("coinsphere_pipeline", "app.login_failures"): "rd",
    ("coinsphere_pipeline", "app.passkey_challenges"): "rd",
    ("coinsphere_pipeline", "app.openid_logins"): "rd",
    ("coinsphere_worker", "app.openid_logins"): "rd",
    ("coinsphere_pipeline", "app.defi_protocols"): "raw",
    ("coinsphere_pipeline", "app.defi_positions"): "raw",
    ("coinsphere_pipeline", "app.defi_yields"): "rawd",
    ("coinsphere_pipeline", "app.wallet_connections"): "rw",
    ("coinsphere_pipeline", "app.wallet_balances"): "raw",
    ("coinsphere_pipeline", "app.wallet_syncs"): "rawd",
    ("coinsphere_pipeline", "app.wallet_tokens"): "r",
}
# Of users the worker needs what the pipeline's role has, and the exchange accounts. A right that a new table of the
# schema `app` gives the pipeline's role for the worker's sake belongs to `coinsphere_worker`, too.
WORKERS = {
    ("coinsphere_worker", table): letters
    for (role, table), letters in EXCEPT.items()
    if role == "coinsphere_pipeline" and table.startswith("app.")
} | {
    ("coinsphere_worker", "app.backup_progress"): "rawd",
    ("coinsphere_worker", "app.audit_verdict"): "r",
    ("coinsphere_worker", "app.books_verdict"): "r",
    ("coinsphere_worker", "app.channel_messages"): "rawd",
    ("coinsphere_worker", "app.product_events"): "rad",
    ("coinsphere_worker", "app.audit_logs"): "a",
    ("coinsphere_worker", "app.billing_customers"): "r",
    ("coinsphere_worker", "app.subscriptions"): "raw",
    ("coinsphere_worker", "app.payment_events"): "rawd",
    ("coinsphere_worker", "app.payment_intents"): "raw",
    ("coinsphere_worker", "app.exchange_nonces"): "raw",
    ("coinsphere_worker", "app.exchange_cursors"): "rawd",
    ("coinsphere_worker", "app.exchange_unbooked"): "rawd",
    ("coinsphere_worker", "app.exchange_balances"): "rawd",
    ("coinsphere_worker", "app.exchange_syncs"): "raw",
}

As = Callable[[str], psycopg.Connection]


@pytest.fixture
def as_role(module_database) -> As:
    """Connects as a role; nothing is committed."""
    made: list[psycopg.Connection] = []

    def connect(role: str) -> psycopg.Connection:
        conn = psycopg.connect(getattr(module_database, role))
        made.append(conn)
        return conn

    yield connect
    for conn in made:
        conn.close()


def test_every_role_holds_exactly_these_rights_on_tables(as_role: As) -> None:
    conn = as_role("owner")
    held = {(role, table): letters for role, table, letters in conn.execute(_HELD)}
    tables = {
        row[0]
        for row in conn.execute("""
            select relnamespace::regnamespace::text || '.' || relname from pg_class
            where relkind in ('r', 'p', 'v', 'm') and not relispartition
                and relnamespace::regnamespace::text in ('app', 'market', 'model', 'jobs')
        """)
    }
    wanted = {
        (role, table): (EXCEPT | WORKERS).get((role, table), usual)
        for (role, schema), usual in USUAL.items()
        for table in tables
        if table.startswith(f"{schema}.")
    }
    assert held == {key: letters for key, letters in wanted.items() if letters}


@pytest.mark.parametrize("role", ["api", "pipeline", "worker", "readonly"])
def test_no_role_but_the_owner_is_privileged_or_makes_tables(as_role: As, role: str) -> None:
    conn = as_role(role)
    special = "select rolsuper or rolcreaterole or rolcreatedb or rolreplication or rolbypassrls"
    assert conn.execute(f"{special} from pg_roles where rolname = current_user").fetchone() == (
        False,
    )
    for schema in ("app", "market", "model", "public"):
        with pytest.raises(errors.InsufficientPrivilege), conn.transaction():
            conn.execute(f"create table {schema}.mine (id int)")


@pytest.mark.parametrize(
    ("role", "statement"),
    [
        ("pipeline", "select password_hash from app.users"),
        ("pipeline", "select totp_secret from app.users"),
        ("pipeline", "select credentials from app.exchange_connections"),
        ("api", "select credentials from app.exchange_connections"),
        ("api", "select app.sealed_exchange_credentials(null)"),
        ("pipeline", "select app.sealed_exchange_credentials(null)"),
        ("readonly", "select app.sealed_exchange_credentials(null)"),
        ("api", "select receiver from app.alert_channels"),
        ("pipeline", "select receiver from app.alert_channels"),
        ("worker", "select receiver from app.alert_channels"),
        ("worker", "update app.alert_channels set receiver = ''"),
        ("api", "select app.sealed_channel_receiver(null)"),
        ("pipeline", "select app.sealed_channel_receiver(null)"),
        ("pipeline", "select position from app.exchange_cursors"),
        ("pipeline", "select last from app.exchange_nonces"),
        ("worker", "select credentials from app.exchange_connections"),
        ("worker", "update app.exchange_connections set credentials = ''"),
        ("worker", "select password_hash from app.users"),
        ("worker", "select token_hash from app.refresh_tokens"),
        ("worker", "insert into market.quotes select * from market.quotes"),
        ("worker", "update model.predictions set median = 1"),
        ("worker", "select market.ensure_price_partitions('2024-01-01', '2024-01-02')"),
        ("worker", "create table marts.mine (id int)"),
        ("worker", "set role coinsphere_pipeline"),
        ("pipeline", "select token_hash from app.refresh_tokens"),
        ("pipeline", "delete from market.tokens"),
        ("pipeline", "delete from market.price_revisions"),
        ("pipeline", "delete from market.rate_revisions"),
        ("pipeline", "update model.predictions set median = 1"),
        ("pipeline", "create table market.price_data_209901 partition of market.price_data default"),
        ("api", "insert into market.quotes select * from market.quotes"),
        ("api", "update app.audit_logs set action = 'x'"),
        ("api", "delete from app.audit_logs"),
        ("api", "delete from market.tokens"),
        ("api", "select * from staging.anything"),
        ("api", "select market.ensure_price_partitions('2024-01-01', '2024-01-02')"),
        ("api", "select market.follow_set_aside(now())"),
        ("worker", "select market.accept_refused(1, now(), '', '', '')"),
        ("readonly", "select market.release_set_aside('{}', now(), '', '')"),
        ("readonly", "select * from app.users"),
        ("readonly", "update market.tokens set name = 'x'"),
        ("readonly", "select * from jobs.procrastinate_jobs"),
    ],
)  # fmt: skip
def test_what_is_forbidden_is_refused(as_role: As, role: str, statement: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        as_role(role).execute(statement)


def test_only_the_workers_role_reads_the_sealed_keys_of_exchange_accounts(as_role: As) -> None:
    callers = as_role("owner").execute("""
        select r.rolname from pg_roles r
        where r.rolname like 'coinsphere%' and r.rolname <> 'coinsphere_owner'
            and (has_function_privilege(r.oid, 'app.sealed_exchange_credentials(uuid)', 'execute')
                 or has_column_privilege(r.oid, 'app.exchange_connections', 'credentials', 'select'))
    """)
    assert callers.fetchall() == [("coinsphere_worker",)]
    assert as_role("worker").execute("select app.sealed_exchange_credentials(null)").fetchall() == [
        (None,)
    ]


def test_the_worker_holds_every_right_on_users_data_that_the_pipeline_has(as_role: As) -> None:
    lacking = as_role("owner").execute("""
        select c.oid::regclass::text, t.attname, a.privilege_type
        from pg_class c join pg_attribute t on t.attrelid = c.oid cross join aclexplode(t.attacl) a
        where c.relnamespace = 'app'::regnamespace and a.grantee = 'coinsphere_pipeline'::regrole
            and not has_column_privilege('coinsphere_worker', c.oid, t.attnum, a.privilege_type)
        union all
        select c.oid::regclass::text, null, a.privilege_type
        from pg_class c cross join aclexplode(c.relacl) a
        where c.relnamespace = 'app'::regnamespace and a.grantee = 'coinsphere_pipeline'::regrole and c.relkind = 'S'
            and not has_sequence_privilege('coinsphere_worker', c.oid, a.privilege_type)
        union all
        select p.oid::regprocedure::text, null, a.privilege_type
        from pg_proc p cross join aclexplode(p.proacl) a
        where p.pronamespace = 'app'::regnamespace and a.grantee = 'coinsphere_pipeline'::regrole
            and not has_function_privilege('coinsphere_worker', p.oid, a.privilege_type)
        union all
        select polrelid::regclass::text, polname, 'policy' from pg_policy
        where 'coinsphere_pipeline'::regrole = any(polroles) and not 'coinsphere_worker'::regrole = any(polroles)
    """)
    assert lacking.fetchall() == []


def test_the_pipeline_reads_of_users_what_an_alert_needs(as_role: As) -> None:
    wanted = "select id, email, role, is_active, email_verified, locale, time_zone from app.users"
    assert as_role("pipeline").execute(wanted).fetchall() == []


def test_what_dbt_builds_is_read_by_those_who_should(module_database, as_role: As) -> None:
    with psycopg.connect(module_database.pipeline, autocommit=True) as conn:
        for schema in ("staging", "intermediate", "marts", "snapshots"):
            conn.execute(f"create table {schema}.built (id int)")
    assert as_role("api").execute("select * from marts.built").fetchall() == []
    for schema in ("staging", "intermediate", "marts", "snapshots"):
        assert as_role("readonly").execute(f"select * from {schema}.built").fetchall() == []
    with pytest.raises(errors.InsufficientPrivilege):
        as_role("api").execute("select * from intermediate.built")
    with pytest.raises(errors.InsufficientPrivilege):
        as_role("readonly").execute("delete from marts.built")


@pytest.mark.parametrize(
    ("start", "end"),
    [(date(2008, 12, 1), date(2024, 1, 1)), (date(2024, 1, 1), date(2199, 1, 1))],
)
def test_the_pipeline_makes_partitions_of_plausible_months_only(
    as_role: As, start: date, end: date
) -> None:
    conn = as_role("pipeline")
    make = "select market.ensure_price_partitions(%s, %s)"
    with pytest.raises(errors.CheckViolation, match="no candle lies between"), conn.transaction():
        conn.execute(make, [start, end])
    assert conn.execute(make, [date(2012, 1, 31), date(2012, 3, 1)]).fetchone() == (3,)
    assert conn.execute(make, [date(2012, 1, 31), date(2012, 3, 1)]).fetchone() == (0,)


def test_strangers_may_not_even_connect(postgres, module_database, as_role: As) -> None:
    allowed = as_role("owner").execute(
        "select has_database_privilege('dagster', 'coinsphere', 'connect')"
    )
    assert allowed.fetchone() == (False,)
