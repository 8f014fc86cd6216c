"""schemathesis against the API as it runs: every check, every phase, a fixed seed, on real PostgreSQL and Redis."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import psycopg
import pytest

from tests.integration.webapi.conftest import PASSWORD, V1
from tests.integration.webapi.test_gunicorn import ROOT, Running, command, environment, wait_for

CONFIG = Path(__file__).parent / "schemathesis.toml"
SEED = 20261124
# `/predictions/batch` is also the address of a token named BATCH, which knows other methods than the document gives the
# path. `test_contract.py` compares each Allow header with the routes.
UNFIT = "allow_header_conformance"
# What ends the session that it is tried with, or switches off what is tried after it, has tests of its own.
ENDING = (
    f"^{V1}/(auth/(logout|logout-all|sessions.*|change-password|profile)|account.*|2fa.*|passkeys.*"
    "|admin/(features|users)/.*)$"
)
LIMITS = {
    "COINSPHERE_RATE_LIMIT_API": "10000000",
    "COINSPHERE_RATE_LIMIT_AUTH": "10000000",
    "COINSPHERE_RATE_LIMIT_AUTH_FAILURES": "10000000",
    "COINSPHERE_RATE_LIMIT_KEY": "10000000",
}


@pytest.fixture(scope="module")
def served(module_database, redis_server, keys_dir, tmp_path_factory) -> Iterator[Running]:
    home = tmp_path_factory.mktemp("served")
    variables = environment(module_database, redis_server.url, home / "home", keys_dir) | LIMITS
    log = home / "api.log"
    url = f"http://127.0.0.1:{variables['COINSPHERE_API_PORT']}"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command(), cwd=ROOT, env=variables, stdout=output, stderr=output
        ) as process,
        httpx2.Client(timeout=10, trust_env=False) as client,
    ):
        try:
            running = Running(process, url, "", log, client)
            wait_for(lambda: client.get(f"{url}/health/ready").status_code == 200, "the start")
            yield running
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def token(served: Running, module_database) -> str:
    """The access token of an administrator."""
    body = {"email": "schema@example.com", "password": PASSWORD}
    made = served.post("/auth/register", body)
    assert made.status_code == 201, made.text
    with psycopg.connect(module_database.owner, autocommit=True) as conn:
        conn.execute("update app.users set role = 'admin'")
    return str(made.json()["accessToken"])


def run(served: Running, *options: str) -> subprocess.CompletedProcess[str]:
    tool = str(Path(sys.executable).parent / "schemathesis")
    arguments = ["--seed", str(SEED), "--workers", "2", "--no-shrink", "--no-color", *options]
    location = f"{served.url}/api/openapi.json"
    return subprocess.run(
        [
            tool,
            "--config-file",
            str(CONFIG),
            "run",
            location,
            "--checks",
            "all",
            "--exclude-checks",
            UNFIT,
            *arguments,
        ],
        cwd=served.log.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )


def told(done: subprocess.CompletedProcess[str]) -> str:
    return (done.stdout + done.stderr)[-6000:]


def test_it_finds_nothing_as_an_administrator(served: Running, token: str) -> None:
    done = run(
        served,
        "--header", f"Authorization: Bearer {token}",
        "--exclude-path-regex", ENDING,
        "--phases", "examples,coverage,fuzzing,stateful",
        "--max-examples", "4",
    )  # fmt: skip
    assert done.returncode == 0, told(done)
    assert re.search(r"\d+ generated", done.stdout), told(done)


def test_it_finds_nothing_as_nobody(served: Running) -> None:
    done = run(served, "--phases", "examples,fuzzing", "--max-examples", "2")
    assert done.returncode == 0, told(done)
