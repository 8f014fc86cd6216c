"""No column that enumerates takes a value of its own making."""

import psycopg

ENUMERATIONS = {
    "app.users": {"role", "subscription_tier"},
    "app.sessions": {"revoke_reason"},
    "app.passkey_challenges": {"purpose"},
    "app.holdings": {"source"},
    "app.portfolios": {"lot_method", "lot_scope"},
    "app.transactions": {"type", "source"},
    "app.ledger_entries": {"account"},
    "app.transfer_matches": {"state"},
    "app.lot_uses": {"kind"},
    "app.portfolio_issues": {"kind", "state"},
    "app.import_batches": {"status"},
    "app.portfolio_syncs": {"status"},
    "app.alerts": {"alert_type", "condition", "channels"},
    "app.alert_observations": {"alert_type"},
    "app.alert_channels": {"kind", "status"},
    "app.channel_messages": {"type", "status"},
    "app.exchange_connections": {"status"},
    "app.exchange_syncs": {"status"},
    "app.wallet_connections": {"blockchain", "ownership", "status"},
    "app.wallet_syncs": {"status", "step"},
    "app.defi_protocols": {"category"},
    "app.defi_positions": {"position_type"},
    "app.payment_intents": {"plan", "status"},
    "app.billing_customers": {"provider"},
    "app.subscriptions": {"provider", "plan", "status"},
    "app.payment_events": {"provider", "found_by"},
    "app.feedback": {"category"},
    "app.product_events": {"name"},
    "market.origin": {"source"},
    "market.price_data": {"interval", "quality"},
    "market.asset_events": {"kind"},
    "market.quotes": {"quality"},
    "market.quarantine": {"kind", "resolution"},
    "market.ingestions": {"kind", "error_code"},
    "market.risk_scores": {"risk_level"},
    "model.evaluations": {"horizon_days"},
    "model.predictions": {"horizon_days"},
}
FREE_TEXT = {
    # What a firing or a revision saw is copied from a checked row; a source is any provider's or file's name.
    ("app.alert_events", "condition"),
    ("market.price_revisions", "interval"),
    ("market.adjusted_candles", "interval"),
    ("market.adjusted_candles", "quality"),
    ("market.price_revisions", "quality"),
}
_CHECKED = """
    select a.attrelid::regclass::text, a.attname
    from pg_constraint k
    join pg_attribute a on a.attrelid = k.conrelid and a.attnum = any(k.conkey)
    join pg_class c on c.oid = k.conrelid and not c.relispartition
    where k.contype = 'c' and cardinality(k.conkey) = 1 and pg_get_constraintdef(k.oid) like '%ARRAY[%'
"""
_SUSPECTS = """
    select table_schema || '.' || table_name, column_name
    from information_schema.columns
    join pg_class c on c.oid = format('%I.%I', table_schema, table_name)::regclass and not c.relispartition
    where table_schema in ('app', 'market', 'model') and data_type = 'text'
        and (column_name in ('role', 'type', 'status', 'kind', 'category', 'quality', 'condition', 'interval', 'plan',
                             'ownership', 'resolution')
             or column_name like any (array['%\\_type', '%\\_tier', '%\\_level', '%\\_code', '%\\_status', '%\\_kind']))
"""  # fmt: skip


def checked(conn: psycopg.Connection) -> set[tuple[str, str]]:
    conn.execute("set search_path = public")
    return set(conn.execute(_CHECKED).fetchall())


def test_every_enumeration_has_a_check(owner: psycopg.Connection) -> None:
    wanted = {(table, column) for table, columns in ENUMERATIONS.items() for column in columns}
    assert wanted - checked(owner) == set()


def test_nothing_that_looks_like_an_enumeration_lacks_one(owner: psycopg.Connection) -> None:
    suspects = set(owner.execute(_SUSPECTS).fetchall())
    assert ("market.quarantine", "kind") in suspects
    assert suspects - checked(owner) - FREE_TEXT == set()


def test_the_look_finds_a_dropped_check(owner: psycopg.Connection) -> None:
    owner.execute("alter table app.payment_intents drop constraint payment_intents_status_check")
    assert ("app.payment_intents", "status") not in checked(owner)
