"""The account's life: addresses, passwords, sessions, one's data, and strangers who try to get in or lock others out."""

import asyncio
import json
import re
import secrets
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest
from flask.testing import FlaskClient
from pydantic import SecretStr

from coinsphere.accounts import password_resets
from coinsphere.notify import mail
from coinsphere.notify.transport import FolderTransport
from coinsphere.settings import Settings
from coinsphere.worker import app as worker_app
from tests.integration.webapi.conftest import (
    NOW,
    PASSWORD,
    V1,
    Person,
    assert_problem,
    new_person,
    register,
)
from webapi.account import export
from webapi.services import EXTENSION

NEW_PASSWORD = "staple in the stable"
STRANGER = {"environ_base": {"REMOTE_ADDR": "198.51.100.7"}}


def login(client, email: str, password: str = PASSWORD, **options):
    body = {"email": email, "password": password}
    return client.post(f"{V1}/auth/login", json=body, **options)


def link(conn, person_id: str, page: str) -> str:
    """The token of the newest link to that page of the frontend which the person was sent."""
    (text,) = conn.execute(
        "select body_text from app.mails where user_id = %s and body_text like %s order by created_at desc limit 1",
        [person_id, f"%/{page}?token=%"],
    ).fetchone()
    return re.search(rf"http://localhost:3001/{page}\?token=(\S+)", text)[1]


@pytest.fixture
def deliver(module_database, owner_db, clock) -> Callable[[], None]:
    """Does what the worker does with wishes for a new password, at the API's present instant."""

    def work() -> None:
        rows = owner_db.execute(
            "delete from jobs.procrastinate_jobs where task_name = %s returning args ->> 'email'",
            [password_resets.TASK],
        ).fetchall()
        for (email,) in rows:
            with psycopg.connect(module_database.pipeline) as conn:
                conn.execute("set search_path = app, jobs, public")
                password_resets.send_link(
                    conn, email, "http://localhost:3001", timedelta(minutes=30), clock[0]
                )

    return work


def forget(client, email: str):
    answer = client.post(f"{V1}/auth/forgot-password", json={"email": email})
    assert answer.status_code == 200, answer.text
    return answer


def reset(client, token: str, password: str = NEW_PASSWORD):
    body = {"token": token, "newPassword": password}
    return client.post(f"{V1}/auth/reset-password", json=body)


def verify(client, token: str):
    return client.post(f"{V1}/auth/verify-email", json={"token": token})


def test_an_address_is_verified_by_its_link_once(client, person, owner_db) -> None:
    token = link(owner_db, person.id, "verify-email")
    assert verify(client, token).json == {"message": "Email verified successfully"}
    assert person.get("/auth/me").json["user"]["emailVerified"] is True
    assert_problem(verify(client, token), 400)
    assert_problem(verify(client, "made up"), 400)
    assert "verified already" in person.post("/auth/resend-verification").json["message"]


def test_a_newer_link_voids_the_older_and_both_end(client, person, owner_db, clock) -> None:
    older = link(owner_db, person.id, "verify-email")
    assert person.post("/auth/resend-verification").status_code == 200
    newer = link(owner_db, person.id, "verify-email")
    assert_problem(verify(client, older), 400)
    try:
        clock[0] = NOW + timedelta(hours=24, seconds=1)
        assert_problem(verify(client, newer), 400)
    finally:
        clock[0] = NOW
    assert verify(client, newer).status_code == 200


def test_six_links_a_day_are_enough(person) -> None:
    statuses = [person.post("/auth/resend-verification").status_code for _ in range(6)]
    assert statuses == [200] * 5 + [429]
    answer = person.post("/auth/resend-verification")
    assert assert_problem(answer, 429)["retryAfter"] == 86400
    assert answer.headers["Retry-After"] == "86400"


def test_the_profile_changes_and_an_unchanged_address_stays_verified(
    client, person, owner_db
) -> None:
    verify(client, link(owner_db, person.id, "verify-email"))
    body = {"firstName": "Grace", "lastName": "Hopper", "email": person.email.upper()}
    user = person.ask("PUT", "/auth/profile", json=body).json["user"]
    assert (user["firstName"], user["lastName"]) == ("Grace", "Hopper")
    assert (user["email"], user["emailVerified"]) == (person.email, True)
    user = person.ask("PUT", "/auth/profile", json={"lastName": None}).json["user"]
    assert (user["firstName"], user["lastName"]) == ("Grace", None)
    for bad in ({"role": "admin"}, {"email": "a@example.com\r\nBcc: eve@example.com"}):
        assert_problem(person.ask("PUT", "/auth/profile", json=bad), 400)


def test_a_new_address_is_confirmed_there_and_told_here(client, person, owner_db, clock) -> None:
    new = f"{secrets.token_hex(4)}@example.org"
    try:
        clock[0] = NOW + timedelta(minutes=6)
        refused = person.ask("PUT", "/auth/profile", json={"email": new})
        assert assert_problem(refused, 403)["requiresStepUp"] is True
    finally:
        clock[0] = NOW
    answer = person.ask("PUT", "/auth/profile", json={"email": new}).json
    assert answer["user"]["email"] == person.email
    assert answer["pendingEmail"] == new
    sent = dict(
        owner_db.execute(
            "select recipient, subject from app.mails where user_id = %s order by created_at",
            [person.id],
        ).fetchall()
    )
    assert sent == {
        person.email: "Your address is about to change",
        new: "Confirm your new address",
    }
    assert_problem(login(client, new), 401)
    assert verify(client, link(owner_db, person.id, "verify-email")).status_code == 200
    assert login(client, new).json["user"]["emailVerified"] is True
    assert_problem(login(client, person.email), 401)


def test_an_address_that_others_have_cannot_be_taken(client, person, other, owner_db) -> None:
    answer = person.ask("PUT", "/auth/profile", json={"email": other.email.upper()})
    assert_problem(answer, 400, says="already exists")
    # Free when it was asked for, taken when it is confirmed.
    wanted = f"{secrets.token_hex(4)}@example.com"
    person.ask("PUT", "/auth/profile", json={"email": wanted})
    token = link(owner_db, person.id, "verify-email")
    assert register(client, wanted).status_code == 201
    assert_problem(verify(client, token), 400, says="already exists")


@pytest.mark.parametrize("name", ["currentPassword", "oldPassword"])
def test_a_password_is_changed_by_who_knows_it(client, person, owner_db, name) -> None:
    second = login(client, person.email).json
    wrong = {name: "wrong password", "newPassword": NEW_PASSWORD}
    body = assert_problem(person.post("/auth/change-password", wrong), 400)
    assert body["details"][0]["code"] == "wrong_password"
    answer = person.post("/auth/change-password", {name: PASSWORD, "newPassword": NEW_PASSWORD})
    assert "Password changed successfully" in answer.json["message"]
    assert person.get("/auth/me").status_code == 200
    headers = {"Authorization": f"Bearer {second['accessToken']}"}
    assert_problem(client.get(f"{V1}/auth/me", headers=headers), 401)
    assert_problem(
        client.post(f"{V1}/auth/refresh", json={"refreshToken": second["refreshToken"]}), 401
    )
    assert_problem(login(client, person.email), 401)
    assert login(client, person.email, NEW_PASSWORD).status_code == 200
    told = "select count(*) from app.mails where user_id = %s and subject = 'Your password was changed'"
    assert owner_db.execute(told, [person.id]).fetchone() == (1,)


@pytest.mark.parametrize(
    ("password", "says"),
    [
        ("football1", "tried first"),
        ("Football1", "tried first"),
        ("CoinSphere1!", "made of"),
        ("ada.lovelace9", "made of"),
        ("lovelace12", "made of"),
    ],
)
def test_passwords_that_are_guessed_first_are_refused(client, password: str, says: str) -> None:
    email = f"ada.lovelace.{secrets.token_hex(3)}@example.com"
    answer = register(client, email, password=password, firstName="Ada", lastName="Lovelace")
    body = assert_problem(answer, 400)
    assert body["details"][0]["path"] == "password"
    assert says in body["details"][0]["message"]


def test_a_forgotten_password_is_replaced_once(client, person, owner_db, deliver) -> None:
    known, unknown = forget(client, person.email.upper()), forget(client, "nobody@example.com")
    assert known.json == unknown.json
    assert "Password reset email sent" in known.json["message"]
    deliver()
    older = link(owner_db, person.id, "reset-password")
    forget(client, person.email)
    deliver()
    token = link(owner_db, person.id, "reset-password")
    assert_problem(reset(client, older), 400)
    # A password that is refused does not use the link up.
    assert_problem(reset(client, token, "12345678"), 400)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: reset(client.application.test_client(), token), range(8)))
    assert sorted(each.status_code for each in answers) == [200] + [400] * 7
    assert_problem(person.get("/auth/me"), 401)
    assert_problem(login(client, person.email), 401)
    assert login(client, person.email, NEW_PASSWORD).status_code == 200


def test_a_link_ends_after_half_an_hour(client, person, owner_db, deliver, clock) -> None:
    forget(client, person.email)
    deliver()
    token = link(owner_db, person.id, "reset-password")
    try:
        clock[0] = NOW + timedelta(minutes=31)
        assert_problem(reset(client, token), 400)
    finally:
        clock[0] = NOW


@pytest.fixture
def send_all(module_database, owner_db, tmp_path) -> Callable[[], str]:
    """Does what the worker does with the outbox; gives what was sent."""

    def work() -> str:
        waiting = owner_db.execute("select id from app.mails where sent_at is null").fetchall()
        with psycopg.connect(module_database.pipeline, autocommit=True) as conn:
            for (mail_id,) in waiting:
                assert mail.send(conn, mail_id, FolderTransport(tmp_path, "a@example.com"), NOW)
        return "".join(path.read_text() for path in tmp_path.iterdir()).replace("=\n", "")

    return work


def test_once_its_mail_is_sent_a_token_is_stored_nowhere(
    client, person, owner_db, deliver, send_all
) -> None:
    forget(client, person.email)
    deliver()
    token = link(owner_db, person.id, "reset-password")
    assert token in send_all()
    for table in ("mails", "password_resets", "email_verifications", "audit_logs"):
        (text,) = owner_db.execute(
            f"select coalesce(string_agg(t::text, ' '), '') from app.{table} t"
        ).fetchone()
        assert token not in text
    assert reset(client, token).status_code == 200


def test_a_reset_is_no_way_around_the_second_factor(client, person, owner_db, deliver) -> None:
    from tests.integration.webapi.test_two_factor import code_at, enable

    secret, _ = enable(person)
    forget(client, person.email)
    deliver()
    answer = reset(client, link(owner_db, person.id, "reset-password"))
    assert set(answer.json) == {"message"}
    assert assert_problem(login(client, person.email, NEW_PASSWORD), 403)["requires2FA"] is True
    body = {"email": person.email, "password": NEW_PASSWORD, "twoFactorToken": code_at(secret)}
    assert client.post(f"{V1}/auth/login", json=body).status_code == 200


def test_five_links_an_hour_are_enough_and_the_disabled_get_none(
    client, person, other, owner_db, deliver
) -> None:
    owner_db.execute("update app.users set is_active = false where id = %s", [other.id])
    for _ in range(7):
        forget(client, person.email)
        forget(client, other.email)
    deliver()
    count = "select count(*) from app.password_resets where user_id = %s"
    assert owner_db.execute(count, [person.id]).fetchone() == (5,)
    assert owner_db.execute(count, [other.id]).fetchone() == (0,)


def test_the_worker_sends_the_link(client, person, owner_db, module_database, tmp_path) -> None:
    forget(client, person.email)
    settings = Settings(home=tmp_path, database_url=SecretStr(module_database.pipeline))
    worker = worker_app.build(settings)

    async def work() -> None:
        async with worker.open_async():
            await worker.run_worker_async(
                queues=["mail"], wait=False, install_signal_handlers=False
            )

    asyncio.run(work())
    sent = "select count(*) from app.mails where user_id = %s and subject = 'Choose a new password' and sent_at is not null"
    assert owner_db.execute(sent, [person.id]).fetchone() == (1,)


def test_sessions_are_listed_and_ended(client, person, other, clock) -> None:
    second = login(client, person.email, headers={"User-Agent": "second"}, **STRANGER).json
    listed = person.get("/auth/sessions").json["sessions"]
    assert len(listed) == 2
    current = next(each for each in listed if each["current"])
    another = next(each for each in listed if not each["current"])
    assert (another["userAgent"], another["ipAddress"]) == ("second", "198.51.100.7")
    assert_problem(other.ask("DELETE", f"/auth/sessions/{another['id']}"), 404)
    assert_problem(person.ask("DELETE", "/auth/sessions/nonsense"), 404)
    assert person.ask("DELETE", f"/auth/sessions/{another['id']}").status_code == 200
    headers = {"Authorization": f"Bearer {second['accessToken']}"}
    assert_problem(client.get(f"{V1}/auth/me", headers=headers), 401)
    assert_problem(person.ask("DELETE", f"/auth/sessions/{another['id']}"), 404)
    for _ in range(3):
        login(client, person.email)
    assert person.ask("DELETE", "/auth/sessions").json["sessions"] == 3
    assert [each["id"] for each in person.get("/auth/sessions").json["sessions"]] == [current["id"]]
    try:
        clock[0] = NOW + timedelta(minutes=6)
        assert_problem(person.ask("DELETE", "/auth/sessions"), 403)
    finally:
        clock[0] = NOW


def patient_login(app, email):
    """Log in, however long the queue of passwords to check is on a busy machine."""
    for _ in range(100):
        answer = login(app.test_client(), email)
        if answer.status_code != 503:
            break
    return answer


def test_a_twenty_first_session_ends_the_oldest(app, client, person, clock) -> None:
    try:
        clock[0] = NOW + timedelta(seconds=1)
        with ThreadPoolExecutor(4) as pool:
            logins = list(pool.map(lambda _: patient_login(app, person.email), range(19)))
        assert {answer.status_code for answer in logins} == {200}
        assert person.get("/auth/me").json["sessions"] == 20
        assert login(client, person.email).status_code == 200
        assert_problem(person.get("/auth/me"), 401)
        newest = {"Authorization": f"Bearer {logins[-1].json['accessToken']}"}
        assert client.get(f"{V1}/auth/me", headers=newest).json["sessions"] == 20
    finally:
        clock[0] = NOW


def test_an_administrators_session_ends_after_half_a_day(client, administrator, clock) -> None:
    opened = login(client, administrator.email).json
    try:
        clock[0] = NOW + timedelta(hours=11, minutes=59)
        body = {"refreshToken": opened["refreshToken"]}
        opened = client.post(f"{V1}/auth/refresh", json=body).json
        clock[0] = NOW + timedelta(hours=12, seconds=1)
        body = {"refreshToken": opened["refreshToken"]}
        assert_problem(client.post(f"{V1}/auth/refresh", json=body), 401)
    finally:
        clock[0] = NOW


def test_a_step_up_wants_exactly_one_proof(person) -> None:
    assert_problem(person.post("/auth/step-up", {}), 400)
    both = {"password": PASSWORD, "twoFactorToken": "000000"}
    assert_problem(person.post("/auth/step-up", both), 400)


def attempts(client, clock, email: str, count: int, **options) -> list[int]:
    """Statuses of that many wrong passwords, each sent as soon as the last answer says that it may be."""
    found = []
    for _ in range(count):
        answer = login(client, email, "wrong password", **options)
        found.append(answer.status_code)
        if answer.status_code == 429:
            clock[0] += timedelta(seconds=answer.json["retryAfter"])
    return found


def test_wrong_passwords_are_throttled_alike_whether_or_not_there_is_an_account(
    client, person, clock
) -> None:
    try:
        start = clock[0]
        known = attempts(client, clock, person.email, 25, **STRANGER)
        waited = clock[0] - start
        clock[0] = start
        unknown = attempts(client, clock, f"{secrets.token_hex(4)}@example.com", 25, **STRANGER)
        assert known == unknown == [401] * 5 + [429, 401] * 10
        assert waited == clock[0] - start
        # 1 + 2 + 4 … + 512 seconds
        assert waited == timedelta(seconds=2**10 - 1)
    finally:
        clock[0] = NOW


def test_a_stranger_locks_nobody_out(client, person, owner_db, deliver, clock) -> None:
    try:
        for _ in range(5):
            login(client, person.email, "wrong password", **STRANGER)
        # Even the right password is not tried for the stranger now.
        assert_problem(login(client, person.email, **STRANGER), 429)
        # The owner comes from where it has been before.
        assert login(client, person.email).status_code == 200
        # A hundred in a row: nobody unknown gets in, until a new password is chosen by mail.
        owner_db.execute(
            "update app.login_failures set consecutive = 99, blocked_until = last_failed_at"
        )
        clock[0] = NOW + timedelta(minutes=1)
        assert_problem(login(client, person.email, "wrong password", **STRANGER), 401)
        clock[0] = NOW + timedelta(days=2)
        assert_problem(login(client, person.email, **STRANGER), 429)
        forget(client, person.email)
        deliver()
        assert reset(client, link(owner_db, person.id, "reset-password")).status_code == 200
        assert login(client, person.email, NEW_PASSWORD, **STRANGER).status_code == 200
    finally:
        clock[0] = NOW


def test_a_right_password_forgives_and_guesses_at_once_are_few(app, client, person) -> None:
    for _ in range(3):
        for _ in range(4):
            assert_problem(login(client, person.email, "wrong password"), 401)
        assert login(client, person.email).status_code == 200

    def guess(_: int) -> int:
        """Tries again almost at once when told to come back, as only an attacker does."""
        while True:
            answer = login(app.test_client(), person.email, "wrong password", **STRANGER)
            if answer.status_code == 429:  # for the account: the address may ask more often
                assert answer.json["type"].endswith("too-many-attempts")
            if answer.status_code != 503:
                return int(answer.status_code)
            time.sleep(0.05)

    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(guess, range(24)))
    # Five, and those that had their turn to hash when the fifth was counted.
    assert set(answers) == {401, 429}
    assert 5 <= answers.count(401) <= 5 + 1


def test_an_attack_on_all_accounts_leaves_known_networks_in(
    api_settings, redis_url, owner_db
) -> None:
    from webapi.app import create_app

    owner_db.execute("delete from app.login_failures")
    settings = api_settings.model_copy(update={"login_failures_global": 3})
    app = create_app(settings, clock=lambda: NOW)
    client = app.test_client()
    person = new_person(client)
    for _ in range(3):
        email = f"{secrets.token_hex(4)}@example.com"
        assert_problem(login(client, email, "wrong password", **STRANGER), 401)
    assert_problem(login(client, person.email, **STRANGER), 429)
    assert login(client, person.email).status_code == 200
    owner_db.execute("delete from app.login_failures")
    app.extensions[EXTENSION].close()


def test_each_attempt_verifies_exactly_one_hash(app, client, person, owner_db, monkeypatch) -> None:
    passwords = app.extensions[EXTENSION].passwords
    verified: list[str] = []
    original = passwords.matches

    def counting(stored: str, password: str) -> bool:
        verified.append(stored)
        return original(stored, password)

    monkeypatch.setattr(passwords, "matches", counting)
    for email, password in (
        (person.email, PASSWORD),
        (person.email, "wrong password"),
        ("nobody@example.com", PASSWORD),
        ("no address", PASSWORD),
    ):
        login(client, email, password)
    owner_db.execute("update app.users set is_active = false where id = %s", [person.id])
    login(client, person.email)
    assert len(verified) == 5
    assert all(stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$") for stored in verified)


def test_a_bare_bcrypt_hash_logs_in_and_is_made_anew(client, person, owner_db) -> None:
    import bcrypt

    def put(password: str) -> None:
        hashed = bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(4)).decode()
        owner_db.execute(
            "update app.users set password_hash = %s where id = %s", [hashed, person.id]
        )

    put(PASSWORD)
    assert_problem(login(client, person.email, "wrong password"), 401)
    assert login(client, person.email).status_code == 200
    read = "select password_hash from app.users where id = %s"
    assert owner_db.execute(read, [person.id]).fetchone()[0].startswith("$argon2id$")
    assert login(client, person.email).status_code == 200
    put("x" * 72)
    assert_problem(login(client, person.email, "x" * 72 + "anything"), 401)
    assert_problem(login(client, person.email, "x" * 71 + "\0"), 401)


def test_ones_data_is_exported_whole_and_without_secrets(
    client, person, other, owner_db, clock
) -> None:
    from tests.integration.webapi.test_two_factor import enable

    secret, codes = enable(person)
    alert = {
        "alertType": "price",
        "tokenSymbol": "BTC",
        "condition": "above",
        "threshold": "0.000000012345678901",
    }
    assert person.post("/alerts", alert).status_code == 201
    assert other.post("/alerts", alert).status_code == 201
    answer = person.get("/account/export")
    assert answer.headers["Content-Disposition"].startswith("attachment")
    body = answer.json
    assert [user["email"] for user in body["users"]] == [person.email]
    assert len(body["alerts"]) == 1
    assert '"threshold":0.000000012345678901' in answer.text
    assert {entry["action"] for entry in body["auditLogs"]} >= {"user.registered"}
    assert other.email not in answer.text
    for hidden in (secret, codes[0], person.refresh_token, "argon2", "passwordHash", "token="):
        assert hidden not in answer.text
    try:
        clock[0] = NOW + timedelta(minutes=6)
        assert assert_problem(person.get("/account/export"), 403)["requiresStepUp"] is True
    finally:
        clock[0] = NOW


NOT_EXPORTED = {
    # What lets somebody in, and what is kept for minutes.
    "password_resets", "recovery_codes", "refresh_tokens", "passkey_challenges", "openid_logins", "incomplete_logins",
    "idempotency_keys", "signature_nonces",
    # Whose column names who changed a switch.
    "feature_switches",
}  # fmt: skip


def test_every_table_of_an_account_is_exported_or_said_not_to_be(owner_db) -> None:
    found = owner_db.execute("""
        select distinct relname from pg_attribute join pg_class on pg_class.oid = attrelid
        where relnamespace = 'app'::regnamespace and relkind in ('r', 'p') and attname = 'user_id' and not attisdropped
    """)
    missing = {name for (name,) in found} - set(export.SECTIONS) - export.DERIVED - NOT_EXPORTED
    assert missing == set(), "add them to SECTIONS or DERIVED of webapi/account/export.py"


def test_an_account_is_deleted_with_all_that_belongs_to_it(client, owner_db) -> None:
    from tests.integration.webapi.test_two_factor import code_at, enable

    email = f"canary-{secrets.token_hex(8)}@example.com"
    made = register(client, email, firstName="Canary").json
    person = Person(client, made["user"]["id"], email, made["accessToken"], made["refreshToken"])
    secret, _ = enable(person)
    owner_db.execute(
        "insert into app.payment_intents (user_id, provider, plan, amount, currency) values (%s, 'x', 'pro', 10, 'USD')",
        [person.id],
    )
    portfolio = person.post("/portfolios", {"name": "Savings"})
    if portfolio.status_code == 201:  # a ledger with it goes too
        bought = {
            "portfolioId": portfolio.json["portfolio"]["id"],
            "tokenSymbol": "BTC",
            "type": "buy",
            "amount": "1.5",
            "price": "100",
        }
        assert person.post("/transactions", bought).status_code == 201
    assert_problem(person.post("/account/delete", {"password": "wrong password"}), 400)
    assert assert_problem(person.post("/account/delete", {"password": PASSWORD}), 403)[
        "requires2FA"
    ]
    proofs = {"password": PASSWORD, "twoFactorToken": code_at(secret)}
    assert person.post("/account/delete", proofs).json == {"message": "Account deleted"}
    assert_problem(person.get("/auth/me"), 401)
    assert_problem(login(client, email), 401)
    # Only the farewell still knows the address, for three days; the books keep what was paid.
    tables = owner_db.execute(
        "select relname from pg_class where relnamespace = 'app'::regnamespace and relkind in ('r', 'p')"
    ).fetchall()
    holding = {
        name
        for (name,) in tables
        if owner_db.execute(
            f"select exists (select from app.{name} t where t::text like %s)",
            [f"%{email.partition('@')[0]}%"],
        ).fetchone()[0]
    }
    assert holding == {"mails"}
    named = {
        name
        for (name,) in tables
        if owner_db.execute(
            f"select exists (select from app.{name} t where t::text like %s)", [f"%{person.id}%"]
        ).fetchone()[0]
    }
    assert named <= {"audit_logs"}
    assert owner_db.execute(
        "select count(*) from app.payment_intents where user_id is null and amount = 10"
    ).fetchone() == (1,)


def test_what_the_audit_log_tells_of_it_all(
    client, person, owner_db, deliver, api_settings
) -> None:
    from coinsphere.audit import verification
    from coinsphere.security.symmetric_keys import SymmetricKeys

    person.post("/auth/change-password", {"currentPassword": PASSWORD, "newPassword": NEW_PASSWORD})
    login(client, person.email, "wrong password")
    found = {
        row[0]
        for row in owner_db.execute(
            "select action from app.audit_logs where actor_id = %s or target = %s",
            [person.id, person.id],
        )
    }
    assert found == {"user.registered", "password.changed", "login.refused"}
    text = owner_db.execute("select string_agg(l::text, ' ') from app.audit_logs l").fetchone()[0]
    assert person.email not in text
    assert json.dumps(PASSWORD) not in text
    with owner_db.transaction():
        verdict = verification.verify(owner_db, SymmetricKeys(api_settings.audit_keys), [])
    assert verdict.problem is None
    assert verdict.checked > 0


def test_every_change_that_needs_a_recent_login_says_so(app: FlaskClient) -> None:
    from webapi.security import step_up

    needing = {
        f"{method} {rule.rule.removeprefix(V1)}"
        for rule in app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
        if step_up.is_needed(app.view_functions[rule.endpoint])
    }
    assert {
        "POST /2fa/setup",
        "POST /2fa/backup-codes",
        "POST /passkeys",
        "POST /passkeys/options",
        "DELETE /passkeys/<passkey_id>",
        "GET /account/export",
        "DELETE /auth/sessions",
        "DELETE /auth/sessions/<session_id>",
        "POST /api-keys",
        "POST /api-keys/<key_id>/rotate",
    } <= needing


def test_preferences_are_kept_and_checked(person) -> None:
    nothing = {"language": "en", "currency": None, "timeZone": None}
    assert person.get("/auth/preferences").json == nothing
    wanted = {"language": "de", "currency": "EUR", "timeZone": "Europe/Berlin"}
    assert person.ask("PUT", "/auth/preferences", json=wanted).json == wanted
    for name, value in (("language", "fr"), ("currency", "BTC"), ("timeZone", "CEST")):
        assert_problem(person.ask("PUT", "/auth/preferences", json={name: value}), 400)
    assert person.get("/auth/preferences").json == wanted
    # What is left out falls back, but for the language.
    assert person.ask("PUT", "/auth/preferences", json={}).json == nothing | {"language": "de"}
