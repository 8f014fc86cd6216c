"""The schema from nothing and back, and what the catalogue must say of it."""

import psycopg
import pytest

from coinsphere.db import migrate, seeds
from coinsphere.errors import DatabaseNotReady
from coinsphere.local.postgres import SUPERUSER, PostgresServer

COUNTED_TABLES = {
    "users", "tokens", "portfolios", "holdings", "transactions", "predictions", "risk_scores", "alerts", "api_keys",
    "price_data", "email_verifications", "password_resets", "audit_logs", "payment_intents", "exchange_connections",
    "wallet_connections", "defi_protocols", "defi_positions", "nft_collections", "nfts",
}  # fmt: skip

_FOREIGN_KEYS_WITHOUT_INDEX = """
    select conrelid::regclass::text, conname
    from pg_constraint as key
    join pg_class as source on source.oid = key.conrelid and not source.relispartition
    where key.contype = 'f'
      and key.connamespace::regnamespace::text in ('app', 'market', 'model')
      and not exists (
          select from pg_index as i
          where i.indrelid = key.conrelid
            and i.indpred is null
            and (i.indkey::int2[])[0:cardinality(key.conkey) - 1] @> key.conkey
      )
"""


def test_at_least_ten_migrations_make_the_counted_tables(owner: psycopg.Connection) -> None:
    tables = {name for (name,) in owner.execute("select tablename from pg_tables").fetchall()}
    assert len(migrate.revisions()) >= 10
    assert tables >= COUNTED_TABLES


def test_every_foreign_key_has_an_index(owner: psycopg.Connection) -> None:
    assert owner.execute(_FOREIGN_KEYS_WITHOUT_INDEX).fetchall() == []


def test_the_index_check_finds_a_missing_one(owner: psycopg.Connection) -> None:
    owner.execute("drop index app.sessions_user_id")
    assert owner.execute(_FOREIGN_KEYS_WITHOUT_INDEX).fetchall() == [
        ("sessions", "sessions_user_id_fkey")
    ]


def test_every_revision_can_be_undone_and_done_again(database, postgres) -> None:
    revisions = migrate.revisions()
    members = _members(postgres)
    for revision in [*reversed(revisions[:-1]), "base"]:
        migrate.downgrade(database.owner, revision)
        assert migrate.current(database.owner) == (None if revision == "base" else revision)
    assert _members(postgres) == members, "other databases of the server lost a right"
    with pytest.raises(DatabaseNotReady, match="coinsphere db upgrade"):
        migrate.require_current(database.owner)
    migrate.upgrade(database.owner)
    migrate.require_current(database.owner)


def _members(server: PostgresServer) -> set[tuple[str, str]]:
    """Roles and who may take them on, which every database of a server shares."""
    query = "select roleid::regrole::text, member::regrole::text from pg_auth_members"
    with psycopg.connect(server.url(SUPERUSER, "postgres")) as conn:
        return set(conn.execute(query).fetchall())


def test_money_is_numeric_38_18_and_every_instant_has_a_zone(owner: psycopg.Connection) -> None:
    # What is computed from such numbers may have the digits of their product before the point.
    wrong = owner.execute("""
        select table_schema, table_name, column_name, data_type
        from information_schema.columns
        where table_schema in ('app', 'market', 'model')
          and ((data_type = 'numeric' and (numeric_precision, numeric_scale) not in ((38, 18), (78, 18)))
               or data_type = 'timestamp without time zone')
    """).fetchall()
    assert wrong == []


def test_seeds_add_what_is_missing_and_touch_nothing_else(owner: psycopg.Connection) -> None:
    assert seeds.apply(owner) == 0
    owner.execute(
        "update market.tokens set logo_url = 'https://example.org/btc.png' where symbol = 'BTC'"
    )
    owner.execute("delete from app.defi_protocols where slug = 'lido'")
    assert seeds.apply(owner) == 1
    assert owner.execute("select count(*) from market.tokens").fetchone() == (34,)
    assert owner.execute("select count(*) from app.defi_protocols").fetchone() == (10,)
    assert owner.execute("select logo_url from market.tokens where symbol = 'BTC'").fetchone() == (
        "https://example.org/btc.png",
    )


def test_an_event_comes_once_its_tokens_are_listed(owner: psycopg.Connection) -> None:
    listed = (
        "insert into market.tokens (symbol, name, blockchain, coingecko_id) values (%s, %s, %s, %s)"
    )
    owner.execute(listed, ["EOS", "EOS", "EOS", "eos"])
    assert seeds.apply(owner) == 0
    owner.execute(listed, ["A", "Vaulta", "Vaulta", "vaulta"])
    assert seeds.apply(owner) == 1
    event = owner.execute("""
        select e.kind, s.symbol, e.old_units::int, e.new_units::int, e.happened_at::date::text
        from market.asset_events e
        join market.tokens t on t.id = e.token_id
        join market.tokens s on s.id = e.successor_id
        where t.symbol = 'EOS'
    """).fetchall()
    assert event == [("swap", "A", 1, 1, "2025-05-14")]
    assert seeds.apply(owner) == 0
