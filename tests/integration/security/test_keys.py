"""`coinsphere keys`: rotation over rows that are read all the time, interrupted and taken up again."""

import json
import threading
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from coinsphere.audit import chain
from coinsphere.errors import SealBroken
from coinsphere.security import envelope, sealed_columns
from coinsphere.security.symmetric_keys import SymmetricKeys
from tests.conftest import TestDatabase as Database
from tests.integration.security.conftest import Run

USERS = 300
_USERS = """
    insert into app.users (email, password_hash) select 'user' || n || '@example.org', 'x' from generate_series(1, %s) n
    returning id
"""


@pytest.fixture
def wrapping(home: Path) -> SymmetricKeys:
    return SymmetricKeys(home / "encryption-keys")


@pytest.fixture
def users(owner: psycopg.Connection, wrapping: SymmetricKeys) -> list[UUID]:
    """Users with a sealed TOTP secret and an exchange connection each."""
    made = [row[0] for row in owner.execute(_USERS, [USERS])]
    for user in made:
        secret = envelope.seal(wrapping, user.bytes, sealed_columns.totp_secret(user))
        owner.execute("update app.users set totp_secret = %s where id = %s", [secret, user])
        credentials = envelope.seal(
            wrapping, user.bytes, sealed_columns.exchange_credentials(user, user)
        )
        owner.execute(
            "insert into app.exchange_connections (id, user_id, exchange, credentials) values (%s, %s, 'kraken', %s)",
            [user, user, credentials],
        )
    return made


def read_all(conn: psycopg.Connection, keys: SymmetricKeys) -> int:
    """Open every sealed value; gives how many."""
    count = 0
    for user, secret in conn.execute("select id, totp_secret from app.users"):
        assert envelope.open_(keys, secret, sealed_columns.totp_secret(user)) == user.bytes
        count += 1
    for row, user, credentials in conn.execute(
        "select id, user_id, credentials from app.exchange_connections"
    ):
        place = sealed_columns.exchange_credentials(user, row)
        assert envelope.open_(keys, credentials, place) == user.bytes
        count += 1
    return count


def test_reads_go_on_while_the_key_changes_and_the_work_is_cut_off(
    owner: psycopg.Connection,
    database: Database,
    wrapping: SymmetricKeys,
    users: list[UUID],
    run: Run,
) -> None:
    first, stop, failures, reads = wrapping.active.kid, threading.Event(), [], []

    def reader() -> None:
        keys = SymmetricKeys(wrapping.folder)
        # As the owner: the API's role sees the rows of one user at a time.
        with psycopg.connect(database.owner, autocommit=True) as conn:
            while not stop.is_set():
                try:
                    reads.append(read_all(conn, keys))
                except Exception as error:  # noqa: BLE001  shown below
                    failures.append(error)
                    return

    thread = threading.Thread(target=reader)
    thread.start()
    try:
        wrapping.add()
        # Cut off after two of the batches.
        batches = sealed_columns.rewrap(owner, wrapping, batch=50)
        assert [next(batches), next(batches)] == [50, 50]
        batches.close()
        assert sealed_columns.stale(owner, wrapping.active.kid) == 2 * USERS - 100
        assert "values need" in run("keys", "revoke", first).output
        result = run("keys", "rotate", "--encryption")
        assert "interrupted: 500 values are left" in result.output
        assert "500 were moved" in result.output
    finally:
        stop.set()
        thread.join()
    assert failures == []
    assert set(reads) == {2 * USERS}
    assert len(wrapping.all()) == 2
    assert "is destroyed" in run("keys", "revoke", first).output
    assert [key.kid for key in wrapping.all()] != [first]
    assert read_all(owner, wrapping) == 2 * USERS


def test_a_rotation_tells_the_audit_log_and_says_no_secret(
    owner: psycopg.Connection, wrapping: SymmetricKeys, run: Run, home: Path
) -> None:
    for use in ("--signing", "--encryption", "--audit"):
        assert run("keys", "rotate", use).exit_code == 0, use
    told = [entry.action for entry in chain.newest(owner, 9)]
    assert told == ["keys.audit_rotated", "keys.encryption_rotated", "keys.signing_rotated"]
    output = run("keys", "list", "--json").output
    states = {(row["use"], row["state"]) for row in json.loads(output)}
    assert states == {
        ("signing", "active"), ("signing", "next"), ("encryption", "active"), ("encryption", "old"),
        ("audit", "active"), ("audit", "old"),
    }  # fmt: skip
    for path in home.rglob("*.key"):
        assert path.read_text().strip() not in output + run("keys", "list").output


def test_signing_keys_rotate_and_are_revoked_without_a_database(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COINSPHERE_DATABASE_URL", "postgresql://nobody:x@127.0.0.1:1/none")
    made = run("keys", "rotate", "--algorithm", "EdDSA")
    assert made.exit_code == 0
    assert "Not in the audit log" in made.output
    assert "under way" in run("keys", "rotate").output
    rows = json.loads(run("keys", "list", "--json").output)
    (following,) = (row["kid"] for row in rows if row["state"] == "next")
    assert run("keys", "revoke", following).exit_code == 0
    for unknown in ("unknown", "-AvwVhXz6AgZwa0EYFYz4LLyBk_fl9tEdks-u0R2ZVE", "-h"):
        refused = run("keys", "revoke", unknown)
        assert refused.exit_code == 1, refused.output
        assert unknown in refused.output


def test_a_value_in_the_wrong_row_is_named_and_the_rest_is_moved(
    owner: psycopg.Connection, wrapping: SymmetricKeys, users: list[UUID]
) -> None:
    last = max(users)
    owner.execute(
        "update app.users set totp_secret = overlay(totp_secret placing '\\x0000' from 20) where id = %s",
        [last],
    )
    wrapping.add()
    with pytest.raises(SealBroken, match=f"app.users.totp_secret of {last}"):
        list(sealed_columns.rewrap(owner, wrapping, batch=50))
    assert sealed_columns.stale(owner, wrapping.active.kid) <= 50
