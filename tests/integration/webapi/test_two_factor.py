"""The second factor: each code once, whoever sends it how often at once, and no way around it."""

import base64
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pyotp
import pytest

from coinsphere.accounts import maintenance
from tests.integration.webapi.conftest import NOW, PASSWORD, V1, assert_problem, new_person


def code_at(secret: str, steps: int = 0) -> str:
    return pyotp.TOTP(secret).at(NOW + timedelta(seconds=30 * steps))


def login(client, person, code: str | None = None, **options):
    body = {"email": person.email, "password": PASSWORD}
    more = {} if code is None else {"twoFactorToken": code}
    return client.post(f"{V1}/auth/login", json={**body, **more}, **options)


def enable(person) -> tuple[str, list[str]]:
    """An authenticator app of the person, enabled by the code of the step before: its secret, and recovery codes."""
    secret = person.post("/2fa/setup").json["secret"]
    answer = person.post("/2fa/verify", {"token": code_at(secret, -1)})
    assert answer.status_code == 200, answer.text
    return secret, answer.json["backupCodes"]


def subjects(conn, person) -> list[str]:
    rows = conn.execute(
        "select subject from app.mails where user_id = %s order by created_at", [person.id]
    )
    return [subject for (subject,) in rows]


def test_the_whole_life_of_an_authenticator_app(client, person, owner_db) -> None:
    setup = person.post("/2fa/setup")
    assert set(setup.json) == {"secret", "otpauthUrl", "qrCode"}
    secret = setup.json["secret"]
    assert len(base64.b32decode(secret)) == 20
    assert setup.json["otpauthUrl"].startswith("otpauth://totp/Coinsphere:")
    kind, _, data = setup.json["qrCode"].partition(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(data).startswith(b"\x89PNG")
    # Pending: it gates nothing, and a wrong code leaves it pending.
    assert login(client, person).status_code == 200
    assert_problem(person.post("/2fa/verify", {"token": code_at(secret, 5)}), 400)
    assert person.get("/2fa/status").json["enabled"] is False
    # The secret that an old client sends along is not looked at.
    foreign = pyotp.random_base32()
    assert_problem(person.post("/2fa/verify", {"token": code_at(foreign), "secret": foreign}), 400)
    verified = person.post("/2fa/verify", {"token": code_at(secret, -1), "secret": "x"})
    assert verified.json["success"] is True
    codes = verified.json["backupCodes"]
    assert len(set(codes)) == 10
    assert all(len(base64.b32decode(code.replace("-", ""))) * 8 >= 112 for code in codes)
    assert person.get("/2fa/status").json == {
        "enabled": True,
        "backupCodesLeft": 10,
        "passkeys": 0,
    }
    assert assert_problem(login(client, person), 403)["requires2FA"] is True
    assert login(client, person, code_at(secret)).status_code == 200
    assert_problem(person.post("/2fa/setup"), 409)
    # Both proofs, each on its own too little.
    bad = {"password": "wrong password", "token": code_at(secret, 1)}
    assert assert_problem(person.post("/2fa/disable", bad), 400)["details"][0]["path"] == "password"
    bad = {"password": PASSWORD, "token": "000000"}
    assert assert_problem(person.post("/2fa/disable", bad), 400)["details"][0]["path"] == "token"
    good = {"password": PASSWORD, "token": code_at(secret, 1)}
    assert person.post("/2fa/disable", good).json["success"] is True
    assert login(client, person).status_code == 200
    assert person.get("/2fa/status").json["backupCodesLeft"] == 0
    assert "An authenticator app was added to your account" in subjects(owner_db, person)
    assert "An authenticator app was removed from your account" in subjects(owner_db, person)


def test_nothing_of_a_factor_lies_open_in_the_database(person, owner_db) -> None:
    secret, codes = enable(person)
    row = owner_db.execute(
        "select totp_secret from app.users where id = %s", [person.id]
    ).fetchone()
    assert secret.encode() not in row[0]
    stored = owner_db.execute(
        "select string_agg(r::text, ' ') from app.recovery_codes r"
    ).fetchone()
    assert not any(code in stored[0] or code.replace("-", "") in stored[0] for code in codes)


def test_a_secret_of_another_row_does_not_open(client, person, other, owner_db) -> None:
    secret, _ = enable(other)
    enable(person)
    owner_db.execute(
        "update app.users set totp_secret = (select totp_secret from app.users where id = %s) where id = %s",
        [other.id, person.id],
    )
    assert login(client, person, code_at(secret)).status_code == 500


@pytest.mark.parametrize(("steps", "status"), [(-2, 403), (-1, 200), (0, 200), (1, 200), (2, 403)])
def test_a_clock_may_be_wrong_by_one_step(client, person, owner_db, steps, status) -> None:
    secret, _ = enable(person)
    owner_db.execute("update app.users set totp_last_step = null where id = %s", [person.id])
    assert login(client, person, code_at(secret, steps)).status_code == status


def test_no_code_twice_and_none_from_before_one_that_was_taken(client, person) -> None:
    secret, _ = enable(person)
    assert login(client, person, code_at(secret, 1)).status_code == 200
    assert_problem(login(client, person, code_at(secret, 1)), 403)
    assert_problem(login(client, person, code_at(secret)), 403)


def test_of_thirty_two_threads_with_one_code_one_succeeds(app, client, person) -> None:
    secret, _ = enable(person)
    with ThreadPoolExecutor(32) as pool:
        answers = list(
            pool.map(lambda _: login(app.test_client(), person, code_at(secret)), range(32))
        )
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(200) == 1
    assert set(statuses) <= {200, 403, 429, 503}


def test_of_sixteen_threads_with_one_recovery_code_one_succeeds(app, client, person) -> None:
    _, codes = enable(person)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda _: login(app.test_client(), person, codes[0]), range(16)))
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(200) == 1
    assert set(statuses) <= {200, 403, 429, 503}
    assert person.get("/2fa/status").status_code in (200, 401)


def test_the_database_takes_a_code_once_also_where_nothing_locks(person, module_database) -> None:
    """The two updates alone: without the row lock of a login, of 32 and 16 at once one still succeeds."""
    from uuid import UUID

    from webapi.two_factor import codes as forms
    from webapi.two_factor import queries

    _, codes = enable(person)
    user_id = UUID(person.id)

    def on_a_connection_of_its_own(act) -> bool:
        with psycopg.connect(module_database.owner) as conn:
            return act(conn)

    with psycopg.connect(module_database.owner) as conn:
        sealed = queries.state(conn, user_id).sealed_secret
    step = 10**9
    for count, act in (
        (32, lambda conn: queries.take_step(conn, user_id, sealed, step)),
        (16, lambda conn: queries.take_code(conn, user_id, forms.recovery_hash(codes[1]), NOW)),
    ):
        with ThreadPoolExecutor(count) as pool:
            taken = list(pool.map(lambda _, act=act: on_a_connection_of_its_own(act), range(count)))
        assert taken.count(True) == 1


def test_recovery_codes_are_good_once_and_their_use_is_told(client, person, owner_db) -> None:
    _, codes = enable(person)
    assert login(client, person, codes[0].lower().replace("-", " ")).status_code == 200
    assert_problem(login(client, person, codes[0]), 403)
    used = "select body_text from app.mails where user_id = %s and subject = 'A recovery code was used' order by created_at"
    (text,) = owner_db.execute(used, [person.id]).fetchone()
    assert "9 are left" in text
    assert "make new ones" not in text
    for code in codes[1:7]:
        assert login(client, person, code).status_code == 200
    *_, (text,) = owner_db.execute(used, [person.id]).fetchall()
    assert "Only 3 are left: make new ones soon." in text
    made = person.post("/2fa/backup-codes").json["backupCodes"]
    assert len(made) == 10
    assert_problem(login(client, person, codes[8]), 403)
    assert login(client, person, made[0]).status_code == 200


def test_recovery_codes_need_a_second_factor_to_recover_from(person) -> None:
    assert_problem(person.post("/2fa/backup-codes"), 409)
    assert_problem(person.post("/2fa/disable", {"password": PASSWORD, "token": "000000"}), 400)


def test_enrolment_wants_a_recent_login_and_ends_other_sessions(client, person, clock) -> None:
    second = login(client, person).json
    try:
        clock[0] = NOW + timedelta(minutes=5, seconds=1)
        assert assert_problem(person.post("/2fa/setup"), 403)["requiresStepUp"] is True
        assert_problem(person.post("/auth/step-up", {"password": "wrong password"}), 400)
        assert_problem(person.post("/2fa/setup"), 403)
        proved = person.post("/auth/step-up", {"password": PASSWORD})
        assert proved.json == {"validUntil": "2026-03-10T12:40:01Z"}
        secret = person.post("/2fa/setup").json["secret"]
        code = pyotp.TOTP(secret).at(clock[0])
        assert person.post("/2fa/verify", {"token": code}).status_code == 200
        headers = {"Authorization": f"Bearer {second['accessToken']}"}
        assert_problem(client.get(f"{V1}/auth/me", headers=headers), 401)
        clock[0] += timedelta(minutes=5, seconds=1)
        assert_problem(person.post("/2fa/backup-codes"), 403)
        code = pyotp.TOTP(secret).at(clock[0])
        assert person.post("/auth/step-up", {"twoFactorToken": code}).status_code == 200
        assert person.post("/2fa/backup-codes").status_code == 200
    finally:
        clock[0] = NOW


def test_wrong_codes_are_throttled_for_strangers_and_not_for_the_owner(client, person) -> None:
    secret, _ = enable(person)
    stranger = {"environ_base": {"REMOTE_ADDR": "198.51.100.7"}}
    statuses = [login(client, person, "123456", **stranger).status_code for _ in range(7)]
    assert statuses == [403] * 5 + [429] * 2
    assert login(client, person, code_at(secret)).status_code == 200


def test_a_login_that_stops_before_its_second_factor_is_told_once(
    client, person, owner_db, module_database
) -> None:
    secret, _ = enable(person)
    elsewhere = {"environ_base": {"REMOTE_ADDR": "198.51.100.9"}}
    assert_problem(login(client, person), 403)
    assert login(client, person, code_at(secret)).status_code == 200  # this one was completed
    assert_problem(login(client, person, **elsewhere), 403)

    def tell(now) -> int:
        with psycopg.connect(module_database.pipeline) as conn:
            conn.execute("set search_path = app, jobs, public")
            return maintenance.tell_of_incomplete_logins(conn, now)

    about = (
        "select body_text from app.mails where user_id = %s and subject like '%%was not completed'"
    )
    tell(NOW + timedelta(minutes=2, seconds=59))
    assert owner_db.execute(about, [person.id]).fetchall() == []
    assert tell(NOW + timedelta(minutes=3)) >= 1
    ((text,),) = owner_db.execute(about, [person.id]).fetchall()
    assert "198.51.100.9" in text
    tell(NOW + timedelta(minutes=10))
    assert len(owner_db.execute(about, [person.id]).fetchall()) == 1


def test_a_secret_is_opened_after_its_key_was_rotated(app, client, person, module_database) -> None:
    from coinsphere.security import sealed_columns
    from webapi.services import EXTENSION

    secret, _ = enable(person)
    keys = app.extensions[EXTENSION].encryption_keys
    keys.add()
    with psycopg.connect(module_database.owner, autocommit=True) as conn:
        assert sum(sealed_columns.rewrap(conn, keys)) >= 1
    assert login(client, person, code_at(secret)).status_code == 200


def test_others_see_nothing_of_it(client) -> None:
    one, two = new_person(client), new_person(client)
    enable(one)
    assert two.get("/2fa/status").json["enabled"] is False
    assert login(client, two).status_code == 200
