"""A real server is backed up while it works, and restored to the second; what is damaged is found."""

import signal
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path

import boto3
import psycopg
import pytest
from click.testing import CliRunner
from moto.server import ThreadedMotoServer
from pydantic import SecretStr

from coinsphere.backup import base_backups, daemon, drill, files, places, restoring, sealing, wal
from coinsphere.cli.main import cli
from coinsphere.clock import utc_now
from coinsphere.errors import BackupError
from coinsphere.health import backup_progress
from coinsphere.local.postgres import SUPERUSER, PostgresServer
from coinsphere.local.state import State, write_credentials
from coinsphere.settings import Settings
from tests.conftest import free_port
from tests.integration.backup.servers import asked


@pytest.fixture
def settings(postgres, database, tmp_path) -> Settings:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    write_credentials(State(home), postgres, None)
    artifact = State(home).artifacts / "1" / "model.bin"
    artifact.parent.mkdir(parents=True)
    artifact.write_bytes(b"weights")
    keys = home / "encryption-keys"
    keys.mkdir(mode=0o700)
    (keys / "2026.key").write_text("a key")
    return Settings(
        home=home,
        database_url=SecretStr(database.worker),
        backup_database_url=SecretStr(postgres.url("coinsphere_backup", "postgres")),
        backup_places=(str(tmp_path / "first"), str(tmp_path / "second")),
        backup_wal_seconds=1,
    )


@pytest.fixture
def kept(settings):
    """A keeper at work, in a thread of its own."""
    made, stopped = daemon.BackupDaemon(settings), threading.Event()

    def work() -> None:
        while not stopped.wait(0.2):
            made.round()

    thread = threading.Thread(target=work)
    thread.start()
    yield made
    stopped.set()
    thread.join()
    made.stop()


@pytest.fixture(autouse=True)
def _no_slot_left(postgres):
    yield
    with psycopg.connect(postgres.url(SUPERUSER, "postgres"), autocommit=True) as conn:
        conn.execute("select pg_drop_replication_slot(slot_name) from pg_replication_slots")


def until(condition, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.2)


def stored_by(owner, moment: datetime) -> bool:
    """Whether every place holds what was committed by then."""
    row = owner.execute("select min(at), count(*) from app.backup_progress").fetchone()
    return row[1] == 2 and row[0] > moment


def write(owner, name: str) -> datetime:
    """Commit a row, and give an instant behind it and before the next."""
    owner.execute(
        "insert into app.users (email, password_hash) values (%s, 'x')", [f"{name}@example.org"]
    )
    time.sleep(0.05)
    (at,) = owner.execute("select clock_timestamp()").fetchone()
    time.sleep(0.05)
    return at


def names(into: Path, postgres: PostgresServer, database: str) -> set[str]:
    """Who is registered in a restored state; its own credentials let in."""
    (found,) = asked(into, postgres, database, "select array_agg(email) from app.users") or ([],)
    return {email.split("@")[0] for email in found}


def test_a_state_comes_back_as_it_was_at_any_second(settings, kept, owner, database, tmp_path):
    postgres = database.server
    first, second = places.build(settings)
    seals = sealing.build(settings)
    until(lambda: base_backups.stored(second))
    (full,) = base_backups.stored(first)
    assert full.kind == "full"
    before = write(owner, "before")
    middle = base_backups.create(settings, [first, second], seals, clock=utc_now)
    assert (middle.kind, middle.parent) == ("incremental", full.id)
    assert middle.size < full.size / 3
    after = write(owner, "after")
    (State(settings.state).artifacts / "1" / "later.bin").write_bytes(b"more")
    kept._uploads[0]._mirror.sync(utc_now())
    last = write(owner, "last")
    until(lambda: stored_by(owner, last))
    for backup in (full, middle):
        base_backups.verify(first, seals, backup)

    restored = restoring.restore(second, seals, after, tmp_path / "after")
    assert restored.backup_id == middle.id
    assert names(tmp_path / "after", postgres, database.name) == {"before", "after"}
    restoring.restore(first, seals, None, tmp_path / "newest")
    assert names(tmp_path / "newest", postgres, database.name) == {"before", "after", "last"}
    ends = "select bool_and(begun_at > at) from app.backup_progress"
    told = asked(tmp_path / "newest", postgres, database.name, ends)
    assert told == (True,), "its log ends with its own age"
    back = tmp_path / "newest"
    assert (State(back).artifacts / "1" / "later.bin").read_bytes() == b"more"
    assert (back / "encryption-keys" / "2026.key").read_text() == "a key"
    assert (back / "credentials.env").read_text() == State(settings.state).credentials.read_text()
    assert (back / "credentials.env").stat().st_mode & 0o777 == 0o600
    assert {path.name for path in back.iterdir()} == {
        "postgres",
        "mlflow",
        "encryption-keys",
        "credentials.env",
        "log",
    }, "nothing else, Redis least of all"
    with pytest.raises(BackupError, match="not empty"):
        restoring.restore(first, seals, None, back)
    with pytest.raises(BackupError, match="finished by"):
        restoring.restore(first, seals, full.started_at, tmp_path / "none")
    with pytest.raises(BackupError, match="ends before"):
        restoring.restore(first, seals, utc_now().replace(year=2099), tmp_path / "future")
    assert before < after


def test_damage_anywhere_is_found_and_one_bad_place_holds_up_no_other(settings, owner, tmp_path):
    first, second = places.build(settings)
    seals = sealing.build(settings)
    made = base_backups.create(settings, [first, second], seals, clock=utc_now)
    _store_log(settings, first, seals)
    base_backups.verify(first, seals, made)
    folder = tmp_path / "first" / "base" / made.id
    assert {path.name for path in folder.iterdir()} == {
        "manifest.json",
        *(part.name for part in made.parts),
    }
    for path in sorted(folder.iterdir()):
        whole = path.read_bytes()
        assert b"@example.org" not in whole
        if path.name != "manifest.json":
            path.write_bytes(whole[:-20] + bytes([whole[-20] ^ 1]) + whole[-19:])
            with pytest.raises(BackupError, match="damaged"):
                base_backups.verify(first, seals, made)
            path.write_bytes(whole)
    stranger = settings.model_copy(update={"backup_identity_file": tmp_path / "other.txt"})
    with pytest.raises(BackupError, match="BACKUP_IDENTITY_FILE"):
        restoring.restore(first, sealing.build(stranger), None, tmp_path / "strange")
    (tmp_path / "second").rename(tmp_path / "was")
    (tmp_path / "second").write_text("a file, where a folder should be")
    with pytest.raises(BackupError, match="1 of 2"):
        base_backups.create(settings, [first, second], seals, clock=utc_now, kind="full")
    assert len(base_backups.stored(first)) == 2


def _store_log(settings, place, seals) -> None:
    """Store the log, so that verification finds it."""
    receiver = wal.Receiver(settings.backup_dsn, State(settings.state).received_log)
    receiver.ensure()
    shipping = wal.Shipping(place, seals, State(settings.state).received_log)
    until(shipping.ship)
    receiver.stop()


def test_a_receiver_that_dies_is_begun_again_and_one_that_stays_away_is_told(settings, kept, owner):
    until(lambda: stored_by(owner, utc_now().replace(year=2000)))
    (slot,) = owner.execute("select active_pid from pg_replication_slots").fetchone()
    child = kept._receiver._child
    child.kill()
    until(lambda: kept._receiver._child is not child)
    last = write(owner, "behind")
    until(lambda: stored_by(owner, last))
    assert owner.execute("select active_pid from pg_replication_slots").fetchone() != (slot,)

    def told(**later: int) -> str:
        return "; ".join(backup_progress.problems(owner, 24, utc_now() + timedelta(**later)))

    until(lambda: not told())
    assert "stored nowhere else" in told(minutes=6)
    assert "newest base backup" in told(hours=27)
    kept._receiver._child.send_signal(signal.SIGSTOP)
    owner.execute("update app.backup_progress set problem = 'no room' where place like '%second'")
    assert "second: no room" in told()
    kept._receiver._child.send_signal(signal.SIGCONT)
    drilled = {"rpo_seconds": 1.0, "rto_seconds": 9.0, "report": {}}
    backup_progress.drilled(owner, None, utc_now(), is_good=False, **drilled)
    assert "the drill of" in told()
    backup_progress.drilled(owner, None, utc_now(), is_good=True, **drilled)
    until(lambda: not told())
    assert "the last drill" in told(days=10)


def test_a_receiver_that_outlived_its_keeper_gives_way(settings, owner):
    folder = State(settings.state).received_log
    old, new = (wal.Receiver(settings.backup_dsn, folder) for _ in range(2))
    active = "select active_pid from pg_replication_slots where active"
    try:
        old.ensure()
        until(lambda: owner.execute(active).fetchone())
        (first,) = owner.execute(active).fetchone()
        assert not new.ensure()
        until(lambda: owner.execute(active).fetchone() not in (None, (first,)))
        assert old._child.wait(timeout=60) != 0
    finally:
        old.stop()
        new.stop()


def test_a_drill_misses_no_row_that_is_younger_than_what_was_stored(settings, database, owner):
    """A mail written since the keeper's last beat is in no backup yet: that is lost time and no lost table."""
    settings = settings.model_copy(update={"pipeline_database_url": SecretStr(database.pipeline)})

    def counted() -> tuple[int, int, bool]:
        (stored,) = owner.execute("select xmin::text from app.backup_progress").fetchone()
        found = drill.counts(settings, stored)
        return found["app.mails"], found["market.price_data"], found["market.tokens"] > 0

    write(owner, "before")
    backup_progress.beat(owner, "first", None, None)
    owner.execute("""
        insert into market.price_data
            (token_id, interval, opened_at, open, high, low, close, volume, source, is_final, observed_at)
        select id, '1d', now(), 5, 5, 5, 5, 1, 'kraken', true, now() from market.tokens where symbol = 'BTC'
    """)
    assert counted() == (0, 0, True)
    backup_progress.beat(owner, "first", None, None)
    owner.execute("""
        insert into app.mails (user_id, recipient, subject, body_text) select id, email, 's', 't' from app.users
    """)
    assert counted() == (0, 1, True)
    assert drill.counts(settings)["app.mails"] == 1


def test_a_bucket_keeps_what_a_folder_does(tmp_path, monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    host, port = server.get_host_and_port()
    try:
        endpoint = f"http://{host}:{port}"
        boto3.client("s3", endpoint_url=endpoint).create_bucket(Bucket="far")
        settings = Settings(home=tmp_path, backup_endpoint_url=endpoint)
        source, target = tmp_path / "source", tmp_path / "target"
        source.write_bytes(b"sealed")
        for place in (
            places.at("s3://far/coinsphere", settings),
            places.at(str(tmp_path / "near"), settings),
        ):
            place.put("wal/one", source)
            place.put("wal/two", source)
            assert sorted(place.walk("wal")) == [("wal/one", 6), ("wal/two", 6)]
            assert list(place.walk("wa")) == []
            place.get("wal/two", target)
            assert target.read_bytes() == b"sealed"
            place.delete("wal/two")
            place.delete("wal/two")
            assert list(place.walk("wal")) == [("wal/one", 6)]
            with pytest.raises(BackupError):
                place.get("wal/two", target)
        with pytest.raises(BackupError, match="nowhere"):
            places.at("s3://nowhere/x", settings).put("a", source)
    finally:
        server.stop()


def test_keys_are_sealed_apart_by_the_passphrase_and_settings_tell_no_secret(settings, tmp_path):
    with_phrase = settings.model_copy(update={"backup_passphrase": SecretStr("a long passphrase")})
    (place, _), now = places.build(settings), utc_now()
    files.Mirror(place, sealing.build(with_phrase), with_phrase).sync(now)
    with pytest.raises(BackupError, match="BACKUP_PASSPHRASE"):
        files.fetch_keys(place, sealing.build(settings), None, tmp_path)
    wrong = settings.model_copy(update={"backup_passphrase": SecretStr("another")})
    with pytest.raises(BackupError, match="BACKUP_PASSPHRASE"):
        files.fetch_keys(place, sealing.build(wrong), None, tmp_path)
    back = tmp_path / "back"
    back.mkdir()
    files.fetch_keys(place, sealing.build(with_phrase), None, back)
    assert (back / "encryption-keys" / "2026.key").read_text() == "a key"
    told = files.plain_settings(with_phrase).decode()
    assert "passphrase" not in told
    assert "database_url" not in told
    assert settings.backup_identity.stat().st_mode & 0o777 == 0o600


def test_commands_say_in_a_sentence_that_the_server_is_away(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COINSPHERE_HOME", str(tmp_path))
    away = f"postgresql://x:x@127.0.0.1:{free_port()}/x"
    for name in ("DATABASE_URL", "BACKUP_DATABASE_URL"):
        monkeypatch.setenv(f"COINSPHERE_{name}", away)
    for command in (["backup", "create"], ["backup", "drill"], ["jobs", "list"], ["doctor"]):
        said = CliRunner().invoke(cli, command)
        assert (said.exit_code, "cannot be reached" in said.output) == (1, True), command
        assert not said.exc_info or said.exc_info[0] is SystemExit
    said = CliRunner().invoke(cli, ["backup", "list"])
    assert said.exit_code == 0
    said = CliRunner().invoke(cli, ["backup", "restore", "--into", "x", "--to", "yesterday"])
    assert (said.exit_code, "is no instant" in said.output) == (1, True)
