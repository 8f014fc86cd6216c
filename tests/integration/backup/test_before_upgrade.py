"""An upgrade makes a backup ahead, which brings back the state as it was; without one nothing is changed."""

from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from coinsphere import upgrade
from coinsphere.backup import base_backups, places, restoring, sealing
from coinsphere.clock import utc_now
from coinsphere.db import migrate
from coinsphere.errors import UpgradeRefused
from coinsphere.local.postgres import SUPERUSER
from coinsphere.local.state import State, write_credentials
from coinsphere.settings import Settings
from tests.integration.backup.servers import asked

OLD = "0040"
_STATE = "select (select string_agg(email, ' ') from app.users), to_regclass('app.backups')::text"


@pytest.fixture
def settings(postgres, database, owner, tmp_path) -> Settings:
    """A state of an older version, of which no backup was ever made."""
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    write_credentials(State(home), postgres, None)
    owner.execute("insert into app.users (email, password_hash) values ('ada@example.org', 'x')")
    migrate.downgrade(database.owner, OLD)
    return Settings(
        home=home,
        database_url=SecretStr(database.owner),
        backup_database_url=SecretStr(postgres.url("coinsphere_backup", "postgres")),
        backup_places=(str(tmp_path / "first"), str(tmp_path / "second")),
    )


@pytest.fixture(autouse=True)
def _no_slot_left(postgres):
    yield
    with psycopg.connect(postgres.url(SUPERUSER, "postgres"), autocommit=True) as conn:
        conn.execute("select pg_drop_replication_slot(slot_name) from pg_replication_slots")


def test_an_upgrade_is_undone_by_the_backup_that_it_made(
    settings, database, owner, tmp_path, capfd
):
    done = upgrade.upgrade(settings, utc_now)
    # Its last segment is never whole when it is ended, which frightened people for nothing.
    assert "pg_receivewal" not in "".join(capfd.readouterr())
    assert done.before == OLD
    assert owner.execute(_STATE).fetchone() == ("ada@example.org", "backups")
    assert owner.execute("select id from app.backups").fetchone() == (done.backup_id,)
    for place in places.build(settings):
        (made,) = base_backups.stored(place)
        assert made.id == done.backup_id
        base_backups.verify(place, sealing.build(settings), made)
        into = tmp_path / Path(place.name).name / "back"
        # No keeper ran, and nothing was committed since: what the upgrade itself stored is enough.
        said: list[str] = []
        restoring.restore(place, sealing.build(settings), done.began_at, into, said.append)
        assert [text for text in said if "no files of models" in text]
        assert asked(into, database.server, database.name, _STATE) == ("ada@example.org", None)
        assert (into / "credentials.env").exists()


def test_without_a_backup_nothing_is_changed_unless_that_is_wanted(settings, database, tmp_path):
    (tmp_path / "second").write_text("a file, where a folder should be")
    with pytest.raises(UpgradeRefused, match=r"nothing was changed.*1 of 2.*--no-backup"):
        upgrade.upgrade(settings, utc_now)
    assert migrate.current(database.owner) == OLD
    done = upgrade.upgrade(settings, utc_now, backs_up=False)
    assert (done.backup_id, migrate.current(database.owner)) == (None, done.after)
    assert upgrade.upgrade(settings, utc_now).before == done.after
