"""schemathesis against the API as it runs, with its services: every check, every route, a fixed seed."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx2
import psycopg
import pytest

from coinsphere.clock import iso, utc_now
from tests.fakes import btcpay_server, openid_provider, stripe_server
from tests.fakes.exchange_kraken import KrakenAccount
from tests.fakes.exchange_server import serving
from tests.integration.webapi.authenticator import Authenticator
from tests.integration.webapi.test_gunicorn import ROOT, command, environment, wait_for
from tests.integration.webapi.test_predictions import forecast
from tests.integration.webapi.test_predictions import market as market  # noqa: PLC0414 - a fixture
from tests.integration.webapi.test_risk import scores as scores  # noqa: PLC0414 - a fixture

CONFIG = Path(__file__).parent / "schemathesis.toml"
HOOKS = Path(__file__).parent / "schemathesis_hooks.py"
SEED = 20261124
EXAMPLES = os.environ.get("SCHEMATHESIS_EXAMPLES", "4")
"""Cases of an operation in each phase; a longer search by hand asks for more."""
LIMITS = {
    "COINSPHERE_RATE_LIMIT_API": "10000000",
    "COINSPHERE_RATE_LIMIT_AUTH": "10000000",
    "COINSPHERE_RATE_LIMIT_AUTH_FAILURES": "10000000",
    "COINSPHERE_RATE_LIMIT_KEY": "10000000",
    "COINSPHERE_LOGIN_FAILURES_GLOBAL": "10000000",
}


@dataclass(frozen=True)
class Served:
    """A running API, its document in a file, and the variables of schemathesis: see `schemathesis_hooks.py`."""

    url: str
    document: Path
    variables: dict[str, str]

    @property
    def operations(self) -> set[str]:
        """All that the document has."""
        paths = json.loads(self.document.read_bytes())["paths"]
        return {f"{method.upper()} {path}" for path, item in paths.items() for method in item}

    @property
    def succeeded(self) -> set[str]:
        """The operations that were answered with a success."""
        tally = json.loads(Path(self.variables["SCHEMA_TALLY"]).read_bytes())
        return {
            label
            for label, statuses in tally.items()
            if any(status.startswith("2") for status in statuses)
        }


@pytest.fixture(scope="module")
def warehouse(market) -> None:
    """The marts with all columns that the API reads."""
    with psycopg.connect(market.owner, autocommit=True) as conn:
        conn.execute(
            "alter table marts.fct_prices_daily add open numeric, add high numeric, add low numeric, "
            "add volume numeric, add source text"
        )


@pytest.fixture(scope="module")
def served(  # noqa: PLR0917 - fixtures
    module_database, module_redis, model_server, keys_dir, warehouse, tmp_path_factory
) -> Iterator[Served]:
    """One process, so that a switch that is put back is back for everybody; local exchanges and a model of BTC."""
    home = tmp_path_factory.mktemp("served")
    account = KrakenAccount()
    soon = iso(utc_now() + timedelta(days=1))
    model_server.answers = {"BTC": (200, forecast(expiresAt=soon, targetAt=soon))}
    with (
        serving(account) as exchanges,
        stripe_server.serving(utc_now()) as stripe,
        openid_provider.served(utc_now) as openid,
        btcpay_server.serving(utc_now()) as btcpay,
    ):
        variables = {
            **environment(module_database, module_redis.url, home / "home", keys_dir),
            **LIMITS,
            "COINSPHERE_API_WORKERS": "1",
            "COINSPHERE_ML_URL": model_server.url,
            "COINSPHERE_DAGSTER_URL": model_server.url,
            "COINSPHERE_EXCHANGE_BASE_URL": exchanges.url,
            "COINSPHERE_STRIPE_URL": stripe.url,
            "COINSPHERE_STRIPE_SECRET_KEY": stripe_server.KEY,
            "COINSPHERE_STRIPE_WEBHOOK_SECRET": stripe_server.SECRET,
            "COINSPHERE_STRIPE_PRICE": stripe_server.PRICE,
            "COINSPHERE_BTCPAY_URL": btcpay.url,
            **{f"COINSPHERE_{name.upper()}": each for name, each in btcpay_server.SETTINGS.items()},
            "COINSPHERE_OIDC_ISSUER": openid.url,
            "COINSPHERE_OIDC_CLIENT_ID": openid_provider.CLIENT_ID,
            "COINSPHERE_OIDC_CLIENT_SECRET": openid_provider.SECRET,
            "COINSPHERE_OIDC_REDIRECT_URIS": "https://app.example.com/back",
            "COINSPHERE_OIDC_PRIVATE_NETWORK": "true",
            "COINSPHERE_FRONTEND_URL": Authenticator.origin,
        }
        key = {"exchange": account.name, "apiKey": account.key, "apiSecret": account.secret}
        url = f"http://127.0.0.1:{variables['COINSPHERE_API_PORT']}"
        given = {
            **variables,
            "PYTHONPATH": str(ROOT),
            "SCHEMATHESIS_HOOKS": str(HOOKS),
            "SCHEMA_URL": url,
            "SCHEMA_OWNER_URL": module_database.owner,
            "SCHEMA_TALLY": str(home / "tally.json"),
            "SCHEMA_EXCHANGE_KEY": json.dumps(key),
        }
        with started(variables, url, home / "api.log"):
            # From an address schemathesis reads the document, and leaves out the operation that gives it.
            document = home / "openapi.json"
            document.write_bytes(
                httpx2.get(f"{url}/api/openapi.json", trust_env=False, timeout=60).content
            )
            yield Served(url, document, given)


@contextmanager
def started(variables: dict[str, str], url: str, log: Path) -> Iterator[None]:
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command(), cwd=ROOT, env=variables, stdout=output, stderr=output
        ) as process,
    ):
        try:
            wait_for(
                lambda: httpx2.get(f"{url}/health/ready", trust_env=False, timeout=60).is_success,
                "the start",
            )
            yield
        finally:
            process.terminate()


def run(
    served: Served, variables: dict[str, str], *options: str
) -> subprocess.CompletedProcess[str]:
    tool = str(Path(sys.executable).parent / "schemathesis")
    words = ["--config-file", str(CONFIG), "run", str(served.document), "--url", served.url]
    fixed = ["--checks", "all", "--seed", str(SEED), "--no-shrink", "--no-color"]
    return subprocess.run(
        [tool, *words, *fixed, *options],
        cwd=served.document.parent,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=1000 if EXAMPLES == "4" else None,
    )


def told(done: subprocess.CompletedProcess[str]) -> str:
    return (done.stdout + done.stderr)[-20000:]


@pytest.mark.timeout(1200)
def test_it_finds_nothing_and_every_operation_succeeds_at_least_once(served: Served) -> None:
    """As an administrator; accounts and proofs come from the hooks."""
    phases = ("--phases", "examples,fuzzing,stateful")
    done = run(served, served.variables, *phases, "--max-examples", EXAMPLES)
    assert done.returncode == 0, told(done)
    assert sorted(served.operations - served.succeeded) == []
    summary = re.search(r"Tested: (\d+)[\s\S]*?(\d+) generated", done.stdout)
    assert summary is not None, told(done)
    figures = f"{summary[1]} of {len(served.operations)} operations, {summary[2]} cases, no finding"
    print(figures)  # noqa: T201 - shown by `pytest -rP`
    assert int(summary[1]) == len(served.operations)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_it_finds_nothing_at_the_edges_of_each_parameter(served: Served) -> None:
    """Each limit of each schema, kept and broken: three quarters of all cases, and the same ones in each run."""
    done = run(served, served.variables, "--phases", "coverage")
    assert done.returncode == 0, told(done)


def test_it_finds_nothing_as_nobody(served: Served) -> None:
    without_hooks = {**served.variables, "SCHEMATHESIS_HOOKS": ""}
    done = run(served, without_hooks, "--phases", "examples,fuzzing", "--max-examples", "2")
    assert done.returncode == 0, told(done)
