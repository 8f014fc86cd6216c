"""`coinsphere users`: the first administrator, who can log in and do what administrators may."""

import pytest
from click.testing import CliRunner

from coinsphere.cli.main import cli
from tests.integration.webapi.conftest import V1


@pytest.fixture
def run(module_database, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COINSPHERE_API_DATABASE_URL", module_database.api)
    return lambda *args: CliRunner().invoke(cli, ["users", *args], env={"COLUMNS": "200"})


def test_an_administrator_is_made_who_can_log_in(run, client) -> None:
    made = run("create-admin", "root@example.com")
    assert made.exit_code == 0, made.output
    password = made.output.strip().splitlines()[-1]
    answer = client.post(
        f"{V1}/auth/login", json={"email": "root@example.com", "password": password}
    )
    assert answer.json["user"]["role"] == "admin"
    headers = {"Authorization": f"Bearer {answer.json['accessToken']}"}
    body = {"symbol": "CLI", "name": "Cli", "blockchain": "Ethereum"}
    assert client.post(f"{V1}/tokens", json=body, headers=headers).status_code == 201
    listed = run("list").output
    assert "root@example.com" in listed
    assert password not in listed


def test_an_address_that_is_taken_or_none_is_refused(run) -> None:
    run("create-admin", "twice@example.com")
    again = run("create-admin", "TWICE@example.com")
    assert again.exit_code == 1
    assert "already" in again.output
    assert run("create-admin", "no address").exit_code == 2
