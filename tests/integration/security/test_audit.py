"""The audit log: nobody may change it, and whoever can does not go unnoticed."""

import ast
import json
import re
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg import errors, sql

from coinsphere.audit import anchoring, chain, hourly, verification
from coinsphere.audit.anchoring import Anchor
from coinsphere.audit.events import Event
from coinsphere.audit.masking import Detail
from coinsphere.health import conditions
from coinsphere.local.postgres import SUPERUSER
from coinsphere.security.symmetric_keys import SymmetricKeys
from coinsphere.settings import Settings
from tests.conftest import TestDatabase as Database
from tests.integration.security.conftest import Run

ROOT = Path(__file__).resolve().parents[3]
NOW = datetime(2026, 11, 24, 12, 0, 0, 123456, tzinfo=UTC)
USER = UUID("11111111-2222-3333-4444-555555555555")

_OFF = "alter table app.audit_logs disable trigger all"
_BESIDE_THE_CHAIN = "alter table app.audit_logs drop constraint audit_logs_in_chain;"
"""Only who owns the table can put a row beside the chain, and only by changing the table."""


def fill(conn: psycopg.Connection, keys: SymmetricKeys, count: int = 9) -> None:
    for number in range(count):
        chain.append(
            conn,
            keys,
            Event.LOGIN,
            NOW + timedelta(minutes=number),
            actor_id=USER,
            target=f"session {number}",
            ip_address="203.0.113.7",
            request_id=f"request-{number}",
            details={"attempt": number, "secondFactor": number % 2 == 0, "note": "naïve ✓", "none": None},
        )  # fmt: skip


def verified(
    conn: psycopg.Connection, keys: SymmetricKeys, *anchors: Anchor
) -> verification.Verdict:
    with conn.transaction():
        return verification.verify(conn, keys, list(anchors))


MANIPULATIONS = {
    "an actor is edited": (
        "update app.audit_logs set actor_id = gen_random_uuid() where seq = 5",
        "entry 5 .* was altered",
    ),
    "a detail is edited": (
        "update app.audit_logs set details = jsonb_set(details, '{attempt}', '99') where seq = 5",
        "entry 5 .* was altered",
    ),
    "a time is edited by a microsecond": (
        "update app.audit_logs set occurred_at = occurred_at + interval '1 microsecond' where seq = 5",
        "entry 5 .* was altered",
    ),
    "a network is edited": (
        "update app.audit_logs set ip_address = '198.51.100.0/24' where seq = 5",
        "entry 5 .* was altered",
    ),
    "an entry is deleted": (
        "delete from app.audit_logs where seq = 5",
        "entry 5 is missing",
    ),
    "the first entries are deleted": (
        "delete from app.audit_logs where seq <= 3",
        "entry 1 is missing",
    ),
    "an entry is deleted and the rest renumbered": (
        "delete from app.audit_logs where seq = 5; update app.audit_logs set seq = seq - 1 where seq > 5",
        "entry 5 .* was altered",
    ),
    "two entries are swapped": (
        ("update app.audit_logs set seq = 1000 where seq = 5; update app.audit_logs set seq = 5 where seq = 6;"
        "update app.audit_logs set seq = 6 where seq = 1000"),
        "entry 5 .* was altered",
    ),
    "an entry is inserted at the end": (
        ("insert into app.audit_logs (seq, occurred_at, action, details, prev_hash, entry_hash, key_id)"
        " select 10, occurred_at, 'logout', details, entry_hash, sha256('forged'), key_id from app.audit_logs where seq = 9"),
        "entry 10 .* was altered or inserted",
    ),
    "an entry is copied to the end": (
        ("insert into app.audit_logs (seq, occurred_at, actor_id, action, target, ip_address, request_id, details,"
        " prev_hash, entry_hash, key_id) select 10, occurred_at, actor_id, action, target, ip_address, request_id,"
        " details, prev_hash, entry_hash, key_id from app.audit_logs where seq = 9"),
        "entry 10 .* was altered or inserted",
    ),
    "an entry is inserted under a key of their own": (
        ("insert into app.audit_logs (seq, action, prev_hash, entry_hash, key_id)"
        " select 10, 'logout', entry_hash, sha256('forged'), '0123456789abcdef' from app.audit_logs where seq = 9"),
        "entry 10 .* names a key that we do not have",
    ),
    "a row is inserted beside the chain": (
        _BESIDE_THE_CHAIN + "insert into app.audit_logs (action) values ('login')",
        "the row with id \\d+ is in no chain",
    ),
    "one is inserted twice in the middle": (
        ("alter table app.audit_logs drop constraint audit_logs_seq_key;"
        "insert into app.audit_logs (seq, action, prev_hash, entry_hash, key_id)"
        " select seq, 'logout', prev_hash, entry_hash, key_id from app.audit_logs where seq = 5"),
        "entry 5 .* stands where entry 6 belongs",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def chained(
    module_database: Database, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Database, SymmetricKeys]:
    """A database with nine entries, which no test of this module changes for good."""
    keys = SymmetricKeys(tmp_path_factory.mktemp("audit-keys"))
    with psycopg.connect(module_database.owner) as conn:
        fill(conn, keys)
    return module_database, keys


@pytest.mark.parametrize("what", MANIPULATIONS)
def test_what_a_superuser_does_to_the_log_is_found(
    what: str, chained: tuple[Database, SymmetricKeys]
) -> None:
    statement, finding = MANIPULATIONS[what]
    database, keys = chained
    with psycopg.connect(database.server.url(SUPERUSER, database.name)) as superuser:
        assert verification.verify(superuser, keys, []).problem is None
        superuser.execute(_OFF)
        superuser.execute(statement)
        assert re.search(finding, str(verification.verify(superuser, keys, []).problem))
        superuser.rollback()


def test_the_command_names_the_entry_and_fails(
    keys: SymmetricKeys, owner: psycopg.Connection, superuser: psycopg.Connection, run: Run
) -> None:
    fill(owner, keys)
    assert run("audit", "verify").exit_code == 0
    superuser.execute(_OFF)
    superuser.execute("update app.audit_logs set target = 'x' where seq = 5")
    result = run("audit", "verify")
    assert result.exit_code == 1
    assert "entry 5 (id 5, 'login') was altered" in result.output
    assert "4 entries before it are good" in result.output


def test_a_cut_tail_is_found_by_the_anchor_alone(
    keys: SymmetricKeys, owner: psycopg.Connection, superuser: psycopg.Connection, run: Run
) -> None:
    fill(owner, keys)
    assert "Entry 9 is anchored" in run("audit", "anchor").output
    assert "9 entries and 1 anchors are good" in run("audit", "verify").output
    superuser.execute(_OFF)
    superuser.execute("delete from app.audit_logs where seq > 7")
    assert verified(owner, keys).problem is None
    result = run("audit", "verify")
    assert result.exit_code == 1
    assert "entries 8 to 9 are cut off" in result.output


def test_an_end_that_was_written_anew_is_found(
    keys: SymmetricKeys,
    owner: psycopg.Connection,
    superuser: psycopg.Connection,
    home: Path,
    run: Run,
) -> None:
    """Even by somebody who holds the key: the anchor lies elsewhere."""
    fill(owner, keys)
    run("audit", "anchor")
    superuser.execute(_OFF)
    superuser.execute("delete from app.audit_logs where seq > 7")
    chain.append(owner, keys, Event.LOGOUT, NOW)
    chain.append(owner, keys, Event.LOGOUT, NOW)
    assert "is not the one that was anchored" in run("audit", "verify").output
    anchors = home / "audit-anchors.jsonl"
    anchors.write_text(anchors.read_text().replace('"seq":9', '"seq":7'))
    assert "anchor of entry 7 was altered" in run("audit", "verify").output


def test_entries_of_two_pasts_cannot_be_mixed(
    keys: SymmetricKeys, owner: psycopg.Connection, superuser: psycopg.Connection
) -> None:
    """Each of them was written by the system, but not one after the other."""
    fill(owner, keys)
    superuser.execute(_OFF)
    superuser.execute("create temp table kept as select * from app.audit_logs where seq = 9")
    superuser.execute("delete from app.audit_logs where seq > 7")
    chain.append(owner, keys, Event.LOGOUT, NOW)
    assert verified(owner, keys).problem is None
    superuser.execute("insert into app.audit_logs overriding system value select * from kept")
    assert "does not follow entry 8" in str(verified(owner, keys).problem)


@pytest.mark.parametrize("role", ["owner", "api"])
@pytest.mark.parametrize(
    "statement",
    [
        "update app.audit_logs set action = 'x'",
        "delete from app.audit_logs",
        "truncate app.audit_logs",
    ],
)
def test_nobody_changes_the_log_by_usual_means(
    role: str, statement: str, chained: tuple[Database, SymmetricKeys]
) -> None:
    with psycopg.connect(getattr(chained[0], role)) as conn:
        with pytest.raises(errors.InsufficientPrivilege):
            conn.execute(statement)
        conn.rollback()


@pytest.mark.parametrize("role", ["owner", "api"])
def test_a_row_beside_the_chain_is_refused(
    role: str, chained: tuple[Database, SymmetricKeys]
) -> None:
    with psycopg.connect(getattr(chained[0], role)) as conn:
        with pytest.raises(errors.CheckViolation, match="audit_logs_in_chain"):
            conn.execute("insert into app.audit_logs (action) values ('login')")
        conn.rollback()


def test_a_replica_session_does_not_put_the_triggers_to_sleep(
    chained: tuple[Database, SymmetricKeys],
) -> None:
    database = chained[0]
    with psycopg.connect(database.server.url(SUPERUSER, database.name)) as superuser:
        superuser.execute("set session_replication_role = replica")
        with pytest.raises(errors.InsufficientPrivilege, match="append-only"):
            superuser.execute("update app.audit_logs set action = 'x'")
        superuser.rollback()


def test_the_log_outlives_an_account(
    keys: SymmetricKeys, owner: psycopg.Connection, run: Run
) -> None:
    owner.execute(
        "insert into app.users (id, email, password_hash) values (%s, 'a@example.org', 'x')", [USER]
    )
    fill(owner, keys)
    owner.execute("delete from app.users where id = %s", [USER])
    assert {entry.actor_id for entry in chain.newest(owner, 9)} == {USER}
    assert run("audit", "verify").exit_code == 0


def test_the_api_appends_in_its_own_transaction(
    keys: SymmetricKeys, owner: psycopg.Connection, database: Database
) -> None:
    with psycopg.connect(database.api) as conn:
        chain.append(conn, keys, Event.LOGIN, NOW)
        conn.rollback()
        chain.append(conn, keys, Event.LOGOUT, NOW)
        assert chain.append(conn, keys, Event.LOGIN_REFUSED, NOW) == 2
    assert [entry.action for entry in chain.newest(owner, 9)] == ["login.refused", "logout"]
    assert verified(owner, keys).problem is None


def test_32_writers_leave_one_chain_without_a_gap(
    keys: SymmetricKeys, owner: psycopg.Connection, database: Database
) -> None:
    barrier = threading.Barrier(32)
    failures: list[BaseException] = []

    def write() -> None:
        try:
            with psycopg.connect(database.api, autocommit=True) as conn:
                barrier.wait()
                for number in range(10):
                    with conn.transaction(force_rollback=number == 3):
                        chain.append(conn, keys, Event.LOGIN, NOW, target=str(number))
        except BaseException as error:  # noqa: BLE001  shown below
            failures.append(error)

    threads = [threading.Thread(target=write) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    verdict = verified(owner, keys)
    assert (verdict.checked, verdict.problem) == (32 * 9, None)


def test_an_old_snapshot_cannot_fork_the_chain(
    keys: SymmetricKeys, owner: psycopg.Connection, database: Database
) -> None:
    with psycopg.connect(database.api) as conn:
        conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        conn.execute("select 1 from app.audit_logs")
        chain.append(owner, keys, Event.LOGIN, NOW)
        with pytest.raises(errors.UniqueViolation):
            chain.append(conn, keys, Event.LOGOUT, NOW)


SECRETS = [
    ("note", "Bearer abcdefghijklmnop"),
    ("note", "cs_live_0123456789abcdef"),
    ("note", "postgresql://coinsphere:hunter2hunter2@db/x"),
    ("password", "hunter2hunter2"),
    ("apiSecret", "hunter2hunter2"),
    ("token", "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"),
    ("note", "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"),
    ("note", "mail to jane.doe+crypto@mail.example.org"),
    ("note", "wallet 0x71C7656EC7ab88b098defB751B7401B5f6d8976F"),
    ("note", "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"),
]
GIVEN_AWAY = [
    "abcdefghijklmnop", "0123456789abcdef", "hunter2", "eyJzdWIi", "jane.doe",
    "71C7656EC7ab88b098", "ar0srrr7xfkvy5l", "203.0.113.77", "2001:db8:1:2",
]  # fmt: skip


def test_no_secret_and_no_full_address_gets_into_the_log(
    keys: SymmetricKeys, owner: psycopg.Connection
) -> None:
    for name, value in SECRETS:
        chain.append(owner, keys, Event.LOGIN, NOW, details={name: value})
        if name == "note":
            chain.append(owner, keys, Event.LOGIN, NOW, target=value, request_id=value)
    for address in ("203.0.113.77", "::ffff:203.0.113.77", "2001:db8:1:2::3", "no address", ""):
        chain.append(owner, keys, Event.LOGIN, NOW, ip_address=address)
    rows = str(owner.execute("select * from app.audit_logs").fetchall())
    assert [secret for secret in GIVEN_AWAY if secret in rows] == []
    kept = owner.execute(
        "select details->>'note' from app.audit_logs where details->>'note' ~ 'mail|wallet' order by seq"
    )
    assert kept.fetchall() == [("mail to j***@mail.example.org",), ("wallet 0x71C7…976F",)]
    networks = owner.execute(
        "select ip_address::text from app.audit_logs where seq > 17 order by seq"
    )
    assert [row[0] for row in networks] == ["203.0.113.0/24", "203.0.113.0/24", "2001:db8:1::/48", None, None]  # fmt: skip
    assert verified(owner, keys).problem is None


FORGERIES = [
    "x\r\n2026-11-24 00:00:00 admin.created by nobody",
    'x\n{"event": "admin.created"}',
    "\x1b[2J\x1b[1;1Hall is well",
    "\x1b]0;title\x07",
    "x\x00y",
    "\u202egnp.exe",
    "a\u2028b\u2029c\x85d\x0be",
    "\ud800 alone",
]  # fmt: skip


def test_no_text_forges_a_line_or_commands_a_terminal(
    keys: SymmetricKeys, owner: psycopg.Connection, run: Run
) -> None:
    for text in FORGERIES:
        details: dict[str, Detail] = {text: text}
        chain.append(owner, keys, Event.LOGIN, NOW, target=text, request_id=text, details=details)
    lines = run("audit", "list", "--json").output.splitlines()
    assert [json.loads(line)["event"] for line in lines] == ["login"] * len(FORGERIES)
    table = run("audit", "list").output.split("\n")
    assert sum(" login " in line for line in table) == len(FORGERIES)
    for output in (*lines, *table):
        assert output.isprintable(), output
    assert run("audit", "verify").exit_code == 0


def test_what_others_wrote_into_the_table_commands_no_terminal_either(
    superuser: psycopg.Connection, run: Run
) -> None:
    superuser.execute(_BESIDE_THE_CHAIN)
    superuser.execute(
        "insert into app.audit_logs (action, target) values ('login', %s)", ["\x1b[2J\nx"]
    )
    output = run("audit", "list").output
    assert "\x1b" not in output
    assert "\\x1b[2J\\nx" in output


def test_entries_older_than_the_chain_are_counted_and_believed(
    keys: SymmetricKeys, owner: psycopg.Connection, run: Run
) -> None:
    owner.execute(_BESIDE_THE_CHAIN)
    owner.execute("insert into app.audit_logs (action) values ('login'), ('logout')")
    fill(owner, keys, 1)
    result = run("audit", "verify")
    assert result.exit_code == 0
    assert "2 entries are in no chain" in result.output


def test_old_seals_outlive_a_new_key(
    keys: SymmetricKeys, owner: psycopg.Connection, run: Run
) -> None:
    fill(owner, keys, 2)
    assert "seals new entries" in run("keys", "rotate", "--audit").output
    fill(owner, keys, 2)
    assert len({entry.key_id for entry in chain.newest(owner, 9)}) == 2
    assert "5 entries" in run("audit", "verify").output


def test_the_hourly_check_anchors_what_is_good_and_nothing_else(
    keys: SymmetricKeys, owner: psycopg.Connection, superuser: psycopg.Connection, home: Path
) -> None:
    settings, anchors = Settings.from_env(), home / "audit-anchors.jsonl"
    assert hourly.check_and_anchor(settings, NOW).problem is None
    assert not anchors.exists()
    fill(owner, keys, 3)
    assert hourly.check_and_anchor(settings, NOW).checked == 3
    fill(owner, keys, 2)
    # The anchored entry is read again with what is new.
    assert hourly.check_and_anchor(settings, NOW).checked == 3
    night = NOW.replace(hour=hourly.NIGHT_HOUR)
    assert hourly.check_and_anchor(settings, night).checked == 5
    assert [each.seq for each in anchoring.read_anchors(anchors)] == [3, 5, 5]
    assert anchors.stat().st_mode & 0o777 == 0o600
    superuser.execute(_OFF)
    (action,) = superuser.execute("select action from app.audit_logs where seq = 2").fetchone()
    superuser.execute("update app.audit_logs set action = 'x' where seq = 2")
    hour = timedelta(hours=1)
    assert hourly.check_and_anchor(settings, night + hour).problem is None
    assert conditions.audit(owner, settings, NOW) == []
    # What somebody found by hand is not taken back by an hour that reads the end alone.
    with owner.transaction():
        by_hand = verification.verify(owner, keys, anchoring.read_anchors(anchors))
        verification.keep(owner, by_hand, NOW)
    assert "entry 2" in str(hourly.check_and_anchor(settings, night + hour).problem)
    for later in (0, 3, 4):  # what was found once is found each hour until it is mended
        verdict = hourly.check_and_anchor(settings, night + timedelta(days=1) + later * hour)
        assert "entry 2" in str(verdict.problem)
        assert conditions.audit(owner, settings, NOW) == [f"the log was changed: {verdict.problem}"]
    superuser.execute("update app.audit_logs set action = %s where seq = 2", [action])
    superuser.execute("delete from app.audit_logs where seq > 3")
    assert "cut off" in str(hourly.check_and_anchor(settings, night + hour).problem)
    assert len(anchoring.read_anchors(anchors)) == 4


def test_the_worker_has_the_hourly_job() -> None:
    from coinsphere.worker import app as worker_app

    app = worker_app.build(Settings(database_url="postgresql://x:y@127.0.0.1/x"))
    assert "anchor_audit" in {name for name, _ in app.periodic_registry.periodic_tasks}


def test_after_a_restore_the_log_says_so_and_goes_on(
    keys: SymmetricKeys,
    owner: psycopg.Connection,
    superuser: psycopg.Connection,
    run: Run,
    home: Path,
) -> None:
    fill(owner, keys)
    run("audit", "anchor")
    superuser.execute(_OFF)
    superuser.execute("delete from app.audit_logs where seq > 4")
    assert run("audit", "verify").exit_code == 1
    assert "cut off" in str(verification.last_problem(owner))
    assert "entry 5" in run("audit", "reseal", "--reason", "restored the backup of 12:04").output
    assert run("audit", "verify").exit_code == 0
    assert verification.last_problem(owner) is None
    (entry,) = chain.newest(owner, 1)
    assert entry.details["last_anchor"] == 9
    assert entry.details["reason"] == "restored the backup of 12:04"
    assert len(list(home.glob("audit-anchors.jsonl.until-*"))) == 1


def test_list_filters(keys: SymmetricKeys, owner: psycopg.Connection, run: Run) -> None:
    fill(owner, keys, 3)
    chain.append(owner, keys, Event.LOGOUT, NOW, actor_id=uuid4())
    assert len(run("audit", "list", "--json", "--limit", "2").output.splitlines()) == 2
    assert len(run("audit", "list", "--json", "--event", "logout").output.splitlines()) == 1
    assert len(run("audit", "list", "--json", "--actor", str(USER)).output.splitlines()) == 3


def recorded() -> set[str]:
    """Every event that the code tells of, by its text: `audit.record(conn, "login")`."""
    names = set()
    for path in (ROOT / "webapi").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "record"
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id == "audit"
                and isinstance(node.args[1], ast.Constant)
            ):
                names.add(node.args[1].value)
    return names


def test_the_catalogue_and_the_code_agree() -> None:
    assert recorded() - set(Event) == set()


def test_the_catalogue_and_the_guide_agree() -> None:
    guide = (ROOT / "docs" / "guides" / "secrets.md").read_text()
    assert [event for event in Event if f"`{event}`" not in guide] == []


def test_the_columns_of_an_entry_are_all_sealed(owner: psycopg.Connection) -> None:
    """A column that is added later must be sealed too, or be named here."""
    columns = owner.execute(sql.SQL("select * from app.audit_logs limit 0")).description or []
    assert {column.name for column in columns} == {
        "id", "seq", "occurred_at", "actor_id", "action", "target", "ip_address", "request_id", "details",
        "prev_hash", "entry_hash", "key_id",
    }  # fmt: skip
