"""`coinsphere users`: the first administrator, who can log in and do what administrators may."""

from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest
from click.testing import CliRunner

from coinsphere.audit import chain, verification
from coinsphere.audit.events import Event
from coinsphere.cli.main import cli
from coinsphere.clock import utc_now
from coinsphere.security.symmetric_keys import SymmetricKeys
from tests.integration.webapi.conftest import PASSWORD, V1, assert_problem


@pytest.fixture
def run(api_settings, monkeypatch, tmp_path):
    """Runs a subcommand with the API's role and keys, beside the running API."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COINSPHERE_API_DATABASE_URL", api_settings.dsn)
    monkeypatch.setenv("COINSPHERE_HOME", str(api_settings.home))
    return lambda *args: CliRunner().invoke(cli, ["users", *args], env={"COLUMNS": "200"})


@pytest.fixture
def present(clock) -> Iterator[None]:
    """The API's clock is the machine's, as the command's is."""
    before, clock[0] = clock[0], utc_now()
    yield
    clock[0] = before


def choose(client, token: str, password: str):
    body = {"token": token, "newPassword": password}
    return client.post(f"{V1}/auth/reset-password", json=body)


def log_in(client, email: str, password: str):
    return client.post(f"{V1}/auth/login", json={"email": email, "password": password})


@pytest.mark.usefixtures("present")
def test_an_administrator_is_made_who_chooses_a_password_and_may_administer(run, client) -> None:
    made = run("create-admin", "root@example.com")
    assert made.exit_code == 0, made.output
    token = made.output.strip().splitlines()[-1]
    assert_problem(log_in(client, "root@example.com", token), 401)

    assert choose(client, token, PASSWORD).status_code == 200
    assert_problem(choose(client, token, f"{PASSWORD} again"), 400)
    answer = log_in(client, "root@example.com", PASSWORD)
    assert answer.json["user"]["role"] == "admin"
    headers = {"Authorization": f"Bearer {answer.json['accessToken']}"}
    body = {"symbol": "CLI", "name": "Cli", "blockchain": "Ethereum"}
    assert client.post(f"{V1}/tokens", json=body, headers=headers).status_code == 201
    listed = run("list").output
    assert "root@example.com" in listed
    assert token not in listed


@pytest.mark.usefixtures("present")
def test_the_token_of_an_administrator_is_good_for_an_hour(run, client, clock) -> None:
    token = run("create-admin", "late@example.com").output.strip().splitlines()[-1]
    clock[0] += timedelta(hours=1, seconds=1)
    assert_problem(choose(client, token, PASSWORD), 400)


def test_the_audit_log_tells_of_a_new_administrator_and_knows_no_token(
    run, owner_db, api_settings
) -> None:
    token = run("create-admin", "told@example.com").output.strip().splitlines()[-1]
    with psycopg.connect(api_settings.dsn) as conn:
        entry = chain.newest(conn, 1)[0]
        verdict = verification.verify(conn, SymmetricKeys(api_settings.audit_keys), [])
    (user,) = owner_db.execute(
        "select id from app.users where email = 'told@example.com'"
    ).fetchone()
    assert (entry.action, entry.target) == (Event.ADMIN_CREATED.value, str(user))
    assert token not in str(entry)
    assert verdict.problem is None


def test_all_accounts_are_listed_whoever_owns_them(run, person, other) -> None:
    listed = run("list")
    assert listed.exit_code == 0, listed.output
    assert person.email in listed.output
    assert other.email in listed.output


def test_an_address_that_is_taken_or_none_is_refused(run) -> None:
    run("create-admin", "twice@example.com")
    again = run("create-admin", "TWICE@example.com")
    assert again.exit_code == 1
    assert "already" in again.output
    assert run("create-admin", "no address").exit_code == 2
