"""The system taken apart as containers run it: each process by `coinsphere run`, with its own variables, behind Caddy."""

import asyncio
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack

import httpx2
import psycopg
import pytest
from click.testing import CliRunner
from websockets.asyncio.client import connect

from coinsphere.cli.system.deployment import secrets
from coinsphere.local.postgres import SUPERUSER, PostgresServer
from coinsphere.security.signing.file_keyring import FileKeyring
from tests.conftest import free_port
from tests.integration.deploy.apart import BIN, FRONT, PASSWORD, System, command, until, variables

FORGED = "203.0.113.77"


@pytest.fixture(scope="module")
def system(module_database, module_redis, tmp_path_factory) -> Iterator[System]:
    folder = tmp_path_factory.mktemp("apart")
    FileKeyring(folder / "keys")
    ports = {name: free_port() for name in ("api", "stream", "metrics", "http", "https")}
    made = System(
        folder,
        variables(folder, module_database, module_redis.url, ports),
        ports["http"],
        ports["https"],
    )
    with ExitStack() as stack:
        for name in ("api", "stream", "worker"):
            stack.enter_context(made.process(name, command(name)))
        stack.enter_context(made.process("caddy", FRONT))
        until(made.authority.exists, "a certificate")
        with made.client() as client:
            until(lambda: client.get("/health/ready").is_success, "the API")
        yield made


@pytest.fixture(scope="module")
def token(system) -> str:
    with system.client() as client:
        body = {"email": "ada@example.com", "password": PASSWORD}
        answer = client.post(
            "/api/v1/auth/register", json=body, headers={"X-Forwarded-For": FORGED}
        )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["accessToken"])


def test_the_database_is_made_ready_by_a_command_that_ends(module_database, system) -> None:
    only = {
        "PATH": os.environ["PATH"],
        "COINSPHERE_HOME": str(system.folder / "prepare"),
        "COINSPHERE_DATABASE_URL": module_database.owner,
        "COINSPHERE_MARKET": "simulated",
    }
    said = subprocess.run(
        [BIN / "coinsphere", "prepare"], env=only, capture_output=True, text=True, check=False
    )
    assert said.returncode == 0, said.stderr
    assert "The database is ready." in said.stdout


def test_roles_and_databases_are_made_on_an_empty_server_with_the_secrets_of_a_folder(
    tmp_path,
) -> None:
    port, folder = free_port(), tmp_path / "secrets"
    said = CliRunner().invoke(secrets, [str(folder), "--postgres", f"127.0.0.1:{port}"])
    assert "16 secrets written" in said.output
    superuser = (folder / "superuser_password").read_text()
    server = PostgresServer(tmp_path / "data", port, {SUPERUSER: superuser}, durable=False)
    server.initialise()
    only = {"PATH": os.environ["PATH"], "COINSPHERE_HOME": str(tmp_path / "home")}
    only["COINSPHERE_SECRETS_DIR"] = str(tmp_path / "given")
    (tmp_path / "given").mkdir()
    # The one of the pooler takes another's place, where there is a pooler.
    for path in set(folder.glob("*_url")) - {folder / "api_pooled_database_url"}:
        (tmp_path / "given" / path.name).write_text(path.read_text())
    provision = [str(BIN / "coinsphere"), "db", "provision"]
    with subprocess.Popen(server.command(), stderr=subprocess.DEVNULL) as process:
        try:
            server.wait_until_ready()
            for _ in range(2):
                done = subprocess.run(
                    provision, env=only, capture_output=True, text=True, check=False
                )
                assert done.stdout == "8 roles and 3 databases are there.\n", done.stderr
            prepared = subprocess.run(
                [str(BIN / "coinsphere"), "prepare"],
                env={**only, "COINSPHERE_MARKET": "simulated"},
                capture_output=True,
                text=True,
                check=False,
            )
            assert prepared.returncode == 0, prepared.stderr
            with psycopg.connect((folder / "api_database_url").read_text()) as conn:
                assert conn.execute("select count(*) from market.tokens").fetchone()[0] > 20
        finally:
            process.terminate()
    again = CliRunner().invoke(secrets, [str(folder)])
    assert "0 secrets written" in again.output


def test_pages_and_api_come_from_one_verified_origin(system, token) -> None:
    with system.client() as client:
        page = client.get("/")
        me = client.get("/api/v1/auth/me", headers={"Authorization": f"Bearer {token}"})
    assert page.headers["Content-Type"].startswith("text/html")
    assert page.headers["Strict-Transport-Security"].startswith("max-age=31536000")
    assert me.json()["user"]["email"] == "ada@example.com"


def test_http_leads_to_https(system) -> None:
    answer = httpx2.get(f"http://localhost:{system.http_port}/markets", trust_env=False)
    assert answer.status_code == 308
    assert answer.headers["Location"].startswith("https://localhost")


def test_http_2_is_spoken(system) -> None:
    context = system.tls()
    context.set_alpn_protocols(["h2", "http/1.1"])
    with (
        socket.create_connection(("localhost", system.https_port), timeout=60) as raw,
        context.wrap_socket(raw, server_hostname="localhost") as wrapped,
    ):
        assert wrapped.selected_alpn_protocol() == "h2"
        assert wrapped.version() == "TLSv1.3"


def test_the_address_is_the_callers_and_not_one_that_it_says(system, token) -> None:
    with system.client() as client:
        headers = {"Authorization": f"Bearer {token}", "X-Forwarded-For": FORGED}
        (session,) = client.get("/api/v1/auth/sessions", headers=headers).json()["sessions"]
    assert session["ipAddress"] in ("127.0.0.0/24", "127.0.0.1", "::1")


def test_the_stream_is_reached_by_the_same_origin(system, token) -> None:
    async def hear() -> str:
        address = f"wss://localhost:{system.https_port}/api/v1/ws"
        headers = {"Authorization": f"Bearer {token}"}
        async with connect(address, ssl=system.tls(), additional_headers=headers) as client:
            await client.send('{"type": "ping"}')
            return str(await asyncio.wait_for(client.recv(), 60))

    assert "type" in asyncio.run(hear())


def test_a_body_that_nobody_takes_goes_no_further(system) -> None:
    with system.client() as client:
        answer = client.post("/api/v1/auth/login", content=b" " * (17 * 1024 * 1024))
    assert answer.status_code == 413


def test_a_request_that_comes_while_the_api_restarts_is_answered(system, token) -> None:
    system.running["api"].send_signal(signal.SIGTERM)
    with system.client() as client:
        system.running["api"].wait(60)
        with system.process("api", command("api")):
            answer = client.get("/api/v1/tokens", headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == 200


def test_an_unknown_process_is_named(system) -> None:
    said = subprocess.run(
        command("watch"), env=system.variables["api"], capture_output=True, text=True, check=False
    )
    assert said.returncode == 2
    assert "worker" in said.stderr
