"""`Idempotency-Key`: one effect and one answer, whoever asks how often, and whatever dies in between."""

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
import pytest

from coinsphere.clock import utc_now
from coinsphere.security import envelope
from tests.integration.webapi.conftest import V1, assert_problem, new_person

ALERT = {"alertType": "price", "tokenSymbol": "BTC", "condition": "above", "threshold": 100000}


def create(person, key: str | None, body=ALERT, path: str = "/alerts"):
    headers = {} if key is None else {"Idempotency-Key": key}
    data = json.dumps(body)
    return person.ask("POST", path, data=data, content_type="application/json", headers=headers)


def alerts_of(owner_db, person) -> int:
    row = owner_db.execute("select count(*) from app.alerts where user_id = %s", [person.id])
    return int(row.fetchone()[0])


def test_a_request_that_is_sent_again_gets_the_first_answer(person, owner_db) -> None:
    first, again = create(person, "one"), create(person, '"one"')
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.data == again.data
    assert first.mimetype == again.mimetype
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["X-Request-ID"] != first.headers["X-Request-ID"]
    assert alerts_of(owner_db, person) == 1


def test_without_a_key_each_request_has_its_effect(person, owner_db) -> None:
    assert [create(person, None).status_code for _ in range(2)] == [201, 201]
    assert alerts_of(owner_db, person) == 2


def test_a_key_belongs_to_its_request(person, owner_db) -> None:
    create(person, "mine")
    body = assert_problem(create(person, "mine", {**ALERT, "threshold": 1}), 422)
    assert body["type"].endswith("idempotency-key-reused")
    # Another route is another scope.
    assert create(person, "mine", {"name": "p"}, "/portfolios").status_code == 201
    assert alerts_of(owner_db, person) == 1


def test_a_key_belongs_to_its_user(person, other, owner_db) -> None:
    assert (
        create(person, "shared").json["alert"]["id"] != create(other, "shared").json["alert"]["id"]
    )
    assert (alerts_of(owner_db, person), alerts_of(owner_db, other)) == (1, 1)


def test_a_refused_request_is_not_kept(person, owner_db) -> None:
    assert_problem(create(person, "later", {**ALERT, "threshold": -1}), 400)
    assert_problem(create(person, "later", {**ALERT, "tokenSymbol": "NONE"}), 404)
    kept = owner_db.execute("select count(*) from app.idempotency_keys where key = 'later'")
    assert kept.fetchone() == (0,)
    assert create(person, "later").status_code == 201


@pytest.mark.parametrize("key", ["", " ", "x" * 256, "caf\xe9", "a\tb"])
def test_a_key_that_is_none_is_refused(person, key: str) -> None:
    assert_problem(create(person, key), 400, says="Idempotency-Key")


def test_reading_posts_pay_no_heed(person) -> None:
    answers = [create(person, "read", {"symbols": ["BTC"]}, "/risk/batch") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert "Idempotency-Replayed" not in answers[1].headers


def test_what_is_kept_is_sealed(app, person, owner_db) -> None:
    made = create(person, "secret", {"name": "k", "scopes": ["market:read"]}, "/api-keys")
    assert made.status_code == 201
    key = made.json["key"]
    stored = owner_db.execute(
        "select response from app.idempotency_keys where key = 'secret'"
    ).fetchone()[0]
    assert key.encode() not in stored
    assert envelope.key_id(stored)
    again = create(person, "secret", {"name": "k", "scopes": ["market:read"]}, "/api-keys")
    assert again.json["key"] == key


@pytest.mark.parametrize("run", range(3))
def test_of_64_threads_with_one_key_one_has_an_effect(app, client, owner_db, run: int) -> None:
    person = new_person(client)

    def ask(_: int):
        answer = app.test_client().post(
            f"{V1}/alerts", json=ALERT, headers={**person.headers, "Idempotency-Key": f"race {run}"}
        )
        return answer.status_code, answer.headers.get("Idempotency-Replayed"), answer.text

    with ThreadPoolExecutor(64) as threads:
        answers = list(threads.map(ask, range(64)))
    statuses = Counter((status, replayed) for status, replayed, _ in answers)
    assert statuses[201, None] == 1
    # The rest waits in line for a connection, is told to wait, or gets the first answer.
    assert {status for status, _ in statuses} <= {201, 409, 503}
    assert len({text for status, _, text in answers if status == 201}) == 1
    assert alerts_of(owner_db, person) == 1


def test_while_one_is_at_work_another_is_told_to_wait(person, owner_db, module_database) -> None:
    name = f"{person.id} POST {V1}/alerts busy"
    with psycopg.connect(module_database.owner) as conn:
        conn.execute("select pg_advisory_xact_lock(hashtextextended(%s, 7265003))", [name])
        answer = create(person, "busy")
        assert_problem(answer, 409, says="at work")
        assert answer.headers["Retry-After"] == "1"
    assert create(person, "busy").status_code == 201


_VICTIM = textwrap.dedent("""
    import os, signal, sys
    from coinsphere.settings import Settings
    from webapi.http import idempotency
    from webui.wsgi import app

    finish = idempotency._finish
    def dying(*args):
        if sys.argv[1] == "before": os.kill(os.getpid(), signal.SIGKILL)
        finish(*args)
        if sys.argv[1] == "stored": os.kill(os.getpid(), signal.SIGKILL)
    idempotency._finish = dying
    if sys.argv[1] == "committed":
        app.after_request(lambda answer: os.kill(os.getpid(), signal.SIGKILL))
    app.test_client().post(sys.argv[2], data=sys.argv[3], content_type="application/json",
        headers={"Authorization": sys.argv[4], "Idempotency-Key": "killed " + sys.argv[1]})
""")


@pytest.mark.parametrize("moment", ["before", "stored", "committed"])
def test_a_process_that_is_killed_leaves_one_effect_in_the_end(  # noqa: PLR0917 - fixtures
    app, api_settings, client, owner_db, clock, moment: str
) -> None:
    clock[0] = utc_now()
    person = new_person(client)
    variables = {
        **os.environ,
        "COINSPHERE_HOME": str(api_settings.home),
        "COINSPHERE_DATABASE_URL": api_settings.dsn,
        "COINSPHERE_REDIS_URL": api_settings.redis_dsn,
        "COINSPHERE_JWT_KEYS_DIR": str(api_settings.keys_dir),
    }
    token = person.headers["Authorization"]
    command = [sys.executable, "-c", _VICTIM, moment, f"{V1}/alerts", json.dumps(ALERT), token]
    died = subprocess.run(command, env=variables, capture_output=True, check=False, timeout=60)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()[-500:]
    assert alerts_of(owner_db, person) == (1 if moment == "committed" else 0)
    answer = create(person, f"killed {moment}")
    assert answer.status_code == 201
    assert answer.headers.get("Idempotency-Replayed") == ("true" if moment == "committed" else None)
    assert alerts_of(owner_db, person) == 1


def test_keys_are_forgotten_after_three_days(person, owner_db, module_database) -> None:
    from coinsphere.worker.housekeeping import forget_requests

    create(person, "old")
    create(person, "new")
    age = "update app.idempotency_keys set created_at = %s where key = %s and user_id = %s"
    now = utc_now()
    owner_db.execute(age, [now - timedelta(hours=73), "old", person.id])
    owner_db.execute(age, [now - timedelta(hours=25), "new", person.id])
    with psycopg.connect(module_database.pipeline) as conn:
        assert forget_requests(conn, now) >= 1
    left = owner_db.execute(
        "select key from app.idempotency_keys where user_id = %s", [person.id]
    ).fetchall()
    assert left == [("new",)]
