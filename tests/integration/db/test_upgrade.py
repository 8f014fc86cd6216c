"""The state of an older version becomes this one's whole, or stays as it was."""

import psycopg
import pytest
from pydantic import SecretStr

from coinsphere import upgrade
from coinsphere.clock import utc_now
from coinsphere.db import migrate
from coinsphere.errors import DatabaseNotReady, UpgradeRefused
from coinsphere.settings import Settings
from tests.conftest import create_database, drop_database

OLD = "0040"
_USER = "insert into app.users (email, password_hash) values ('ada@example.org', 'x') returning id"
_STATE = "select (select count(*) from app.users), to_regclass('app.backups'), to_regclass('market.consensus')"


@pytest.fixture(scope="module")
def template(postgres):
    """The state of an older version with somebody in it: going back so far takes a while."""
    made = create_database(postgres)
    with psycopg.connect(made.owner, autocommit=True) as conn:
        (user,) = conn.execute(_USER).fetchone()
        conn.execute("insert into app.portfolios (user_id, name) values (%s, 'Main')", [user])
    migrate.downgrade(made.owner, OLD)
    yield made.name
    drop_database(made)


@pytest.fixture
def old(postgres, template):
    """A copy of that state."""
    made = create_database(postgres, template)
    yield made
    drop_database(made)


@pytest.fixture
def conn(old):
    """A connection of the owner to it."""
    with psycopg.connect(old.owner, autocommit=True) as made:
        made.execute("set search_path = app, market, public")
        yield made


def bring(database, **options):
    settings = Settings(database_url=SecretStr(database.owner))
    return upgrade.upgrade(settings, utc_now, **options)


def test_an_older_state_becomes_this_versions(old, conn) -> None:
    assert conn.execute(_STATE).fetchone() == (1, None, None)
    done = bring(old)
    assert (done.before, done.after) == (OLD, migrate.revisions()[-1])
    assert conn.execute(_STATE).fetchone() == (1, "backups", "consensus")
    assert conn.execute("select name from app.portfolios").fetchone() == ("Main",)
    assert bring(old).before == done.after


def test_what_a_look_refuses_is_undone_to_the_last_row(old, conn, monkeypatch) -> None:
    monkeypatch.setattr(upgrade, "_rows", lambda _: {"app.users": 2})
    with pytest.raises(UpgradeRefused, match=r"app\.users has 1 rows, it had 2"):
        bring(old)
    assert migrate.current(old.owner) == OLD
    assert conn.execute(_STATE).fetchone() == (1, None, None)


def test_a_lock_is_not_waited_for_and_all_is_tried_again(old, conn, monkeypatch) -> None:
    monkeypatch.setattr(migrate, "_TRIES", 2)
    monkeypatch.setattr(migrate, "_LOCK_TIMEOUT_MS", 100)
    with psycopg.connect(old.owner) as other:
        other.execute("lock table app.portfolios, app.users, jobs.procrastinate_jobs")
        with pytest.raises(DatabaseNotReady, match="Somebody holds"):
            migrate.upgrade(old.owner)
    assert migrate.current(old.owner) == OLD
    bring(old)


def test_the_state_of_a_newer_version_is_left_alone(database, owner) -> None:
    owner.execute("update public.alembic_version set version_num = '9999'")
    with pytest.raises(UpgradeRefused, match="newer"):
        bring(database)
