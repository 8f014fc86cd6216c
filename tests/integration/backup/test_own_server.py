"""A server that somebody else runs, with its configuration elsewhere, is backed up by its own role, and restored."""

import secrets
import time

import psycopg
import pytest
from click.testing import CliRunner
from pydantic import SecretStr

from coinsphere.backup import before_upgrade, daemon, places, wal
from coinsphere.cli.main import cli
from coinsphere.clock import iso, utc_now
from coinsphere.db import migrate
from coinsphere.db.provisioning import LOGIN_ROLES
from coinsphere.local.postgres import SUPERUSER, PostgresServer
from coinsphere.local.state import State
from coinsphere.settings import Settings
from tests.conftest import free_port
from tests.integration.backup.servers import asked, running

_ROLE = "copier"
_USERS = "select string_agg(email, ' ' order by email) from app.users"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """As Debian runs it: configuration beside the data, an archive of its own, a library that is nowhere else."""
    folder = tmp_path_factory.mktemp("own")
    passwords = {role: secrets.token_hex(8) for role in (SUPERUSER, *LOGIN_ROLES, _ROLE)}
    made = PostgresServer(folder / "data", free_port(), passwords, durable=False)
    made.initialise()
    etc = folder / "etc"
    etc.mkdir()
    for name in ("postgresql.conf", "pg_hba.conf", "pg_ident.conf"):
        (made.data / name).rename(etc / name)
    words = {
        "config_file": etc / "postgresql.conf",
        "data_directory": made.data,
        "hba_file": etc / "pg_hba.conf",
        "ident_file": etc / "pg_ident.conf",
        "summarize_wal": "off",
    }
    options = [word for name, value in words.items() for word in ("-c", f"{name}={value}")]
    with running(made, folder / "log", *options) as server:
        server.provision()
        migrate.upgrade(server.url("coinsphere_owner"))
        with psycopg.connect(server.url(SUPERUSER, "postgres"), autocommit=True) as conn:
            conn.execute("alter system set shared_preload_libraries = 'nowhere'")
            conn.execute("alter system set archive_mode = 'on'")
            conn.execute(f"alter system set archive_command = 'touch {folder}/archived; false'")
            conn.execute(f"create role {_ROLE} login replication password '{passwords[_ROLE]}'")
            conn.execute(f"grant pg_read_all_stats to {_ROLE}")
        yield server


@pytest.fixture
def superuser(server):
    with psycopg.connect(server.url(SUPERUSER, "postgres"), autocommit=True) as conn:
        yield conn
        conn.execute("""
            select pg_terminate_backend(active_pid, 5000) from pg_replication_slots where active
        """)
        conn.execute("select pg_drop_replication_slot(slot_name) from pg_replication_slots")


@pytest.fixture
def settings(server, superuser, tmp_path) -> Settings:
    return Settings(
        home=tmp_path / "home",
        database_url=SecretStr(server.url("coinsphere_owner")),
        backup_database_url=SecretStr(server.url(_ROLE, "postgres")),
        backup_places=(str(tmp_path / "place"),),
    )


@pytest.fixture
def run(settings, monkeypatch, tmp_path):
    """`coinsphere backup`, by the variables of an environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COINSPHERE_HOME", str(settings.home))
    monkeypatch.setenv("COINSPHERE_BACKUP_PLACES", settings.backup_places[0])
    for name in ("database_url", "backup_database_url"):
        monkeypatch.setenv(f"COINSPHERE_{name.upper()}", getattr(settings, name).get_secret_value())
    return lambda *words: CliRunner().invoke(cli, ["backup", *words])


def register(server, name: str) -> None:
    with psycopg.connect(server.url("coinsphere_owner"), autocommit=True) as conn:
        conn.execute("set search_path = app")
        conn.execute(
            "insert into users (email, password_hash) values (%s, 'x')", [f"{name}@example.org"]
        )


def test_it_is_backed_up_and_restored_by_the_same_commands(server, settings, run, tmp_path):
    register(server, "ada")
    with before_upgrade.secured(settings, utc_now) as made:
        time.sleep(0.05)
        between = utc_now()
        time.sleep(0.05)
        register(server, "bea")
    again = run("create")
    assert (again.exit_code, "-full" in again.output) == (0, True), again.output
    assert again.output.strip().endswith(f"at {settings.backup_places[0]}.")
    assert "summarize" not in again.output
    assert run("list").output.count("-full") == 2
    verified = run("verify", made.id)
    assert verified.exit_code == 0, verified.output
    into = tmp_path / "back"
    done = run("restore", "--to", iso(between), "--into", str(into))
    assert done.exit_code == 0, done.output
    settled = into / "postgres" / "postgresql.auto.conf"
    assert "restore_command" not in settled.read_text()
    assert not (server.data.parent / "archived").exists(), "its archive is not ours"
    settled.write_text("")  # what the runbook says of libraries that this machine does not have
    assert asked(into, server, "coinsphere", _USERS) == ("ada@example.org",)
    assert run("prune").exit_code == 0


def test_rights_that_are_missing_are_named_with_what_gives_them(server, superuser, settings, run):
    """By the command, and by the keeper, which does not call the server away."""
    told = settings.backup_places[0]
    superuser.execute(f"alter role {_ROLE} noreplication")
    superuser.execute(f"revoke pg_read_all_stats from {_ROLE}")
    try:
        refused = run("create")
        made = daemon.BackupDaemon(settings)
        made.round()
        made.stop()
    finally:
        superuser.execute(f"alter role {_ROLE} replication")
        superuser.execute(f"grant pg_read_all_stats to {_ROLE}")
    assert (refused.exit_code, type(refused.exception)) == (1, SystemExit)
    with psycopg.connect(server.url("coinsphere_owner")) as conn:
        query = "select problem from app.backup_progress where place like %s"
        (problem,) = conn.execute(query, [f"%{told}%"]).fetchone()
    for said in (problem, refused.output):
        assert f"alter role {_ROLE} replication" in said
        assert f"grant pg_read_all_stats to {_ROLE}" in said
    assert run("create").exit_code == 0


def test_behind_a_gap_the_log_is_received_anew_and_a_full_backup_follows(superuser, settings):
    """As after a fail-over, which takes no slots along: what lies here is behind what the server has."""
    folder = State(settings.state).received_log
    shipping = wal.Shipping(places.build(settings)[0], daemon.sealing.build(settings), folder)
    receiver = wal.Receiver(settings.backup_dsn, folder)
    assert not receiver.ensure()
    until(shipping.ship)
    before = {path.name.removesuffix(wal.PARTIAL) for path in wal.received(folder)}
    receiver.stop()
    superuser.execute("select pg_drop_replication_slot(slot_name) from pg_replication_slots")
    for _ in range(8):
        superuser.execute("select pg_switch_wal() from pg_logical_emit_message(true, 'x', 'y')")
        superuser.execute("checkpoint")
    assert receiver.ensure(shipping.ship), "it says so"
    try:
        until(lambda: {path.name.removesuffix(wal.PARTIAL) for path in wal.received(folder)})
        after = {path.name.removesuffix(wal.PARTIAL) for path in wal.received(folder)}
        assert min(after) > max(before)
        assert not receiver.has_ended
    finally:
        receiver.stop()


def until(condition) -> None:
    end = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.2)


def test_a_receiver_that_ends_by_itself_says_why(server, superuser, tmp_path) -> None:
    receiver = wal.Receiver(server.url(_ROLE, "postgres"), tmp_path / "received")
    receiver.ensure()
    deadline = time.monotonic() + 60
    while not receiver.has_ended:
        assert time.monotonic() < deadline
        superuser.execute("""
            select pg_terminate_backend(active_pid) from pg_replication_slots where active
        """)
        time.sleep(0.1)
    assert "administrator command" in receiver.last_words
    receiver.ensure()
    receiver.stop()
