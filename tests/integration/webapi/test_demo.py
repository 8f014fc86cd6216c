"""`coinsphere demo` beside a running API: made once, said again, deleted."""

import json
import re

import httpx2
import pytest
from click.testing import CliRunner

from coinsphere.cli.main import cli
from tests.conftest import free_port
from tests.integration.webapi.test_gunicorn import environment
from tests.integration.webapi.test_health import process
from tests.integration.webapi.test_schemathesis import LIMITS, started
from tests.integration.webui import seeds


@pytest.fixture
def demo(module_database, module_redis, keys_dir, tmp_path, monkeypatch):
    """Runs the command beside an API with a market."""
    variables = {
        **environment(module_database, module_redis.url, tmp_path / "home", keys_dir),
        **LIMITS,
        "COINSPHERE_API_WORKERS": "1",
    }
    seeds.market(module_database.owner)
    url = f"http://127.0.0.1:{variables['COINSPHERE_API_PORT']}"
    worker = {
        **variables,
        "COINSPHERE_DATABASE_URL": module_database.worker,
        "COINSPHERE_WORKER_METRICS_PORT": str(free_port()),
    }
    with (
        started(variables, url, tmp_path / "api.log"),
        process("coinsphere.worker", **worker),
    ):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        yield lambda *args: CliRunner().invoke(cli, ["demo", *args])


def test_a_demo_is_made_once_said_again_and_deleted(demo, owner_db, tmp_path) -> None:
    made = demo()
    assert made.exit_code == 0, made.output
    assert "nobody's real portfolio" in made.output
    counts = """
        select (select count(*) from app.users where first_name = 'Demo'), (select count(*) from app.portfolios),
            (select count(*) from app.transactions), (select count(*) from app.alerts)
    """
    users, portfolios, transactions, alerts = owner_db.execute(counts).fetchone()
    assert (users, portfolios, alerts) == (1, 1, 4)
    assert transactions > 30
    confirmed = owner_db.execute("select bool_and(email_verified) from app.users").fetchone()
    assert confirmed == (True,), "nobody but us gets the mails of a made-up address"
    (kept,) = tmp_path.rglob("demo.json")
    assert kept.stat().st_mode & 0o077 == 0
    share = re.search(r"http://localhost:\d+/shared/\S+", made.output)[0]
    answer = httpx2.get(share, trust_env=False, timeout=60)
    assert answer.status_code == 200
    again = demo()
    assert again.output == made.output
    assert owner_db.execute(counts).fetchone() == (users, portfolios, transactions, alerts)
    # Cut off before the end: what was told is told anew, not twice.
    half = {name: value for name, value in json.loads(kept.read_text()).items() if name != "share"}
    kept.write_text(json.dumps(half))
    assert demo().exit_code == 0
    assert owner_db.execute(counts).fetchone()[:2] == (1, 1)
    removed = demo("--remove")
    assert removed.exit_code == 0, removed.output
    assert owner_db.execute("select count(*) from app.users").fetchone() == (0,)
    assert not kept.exists()
    assert "There is no demo account" in demo("--remove").output


def test_without_a_running_system_it_says_what_to_do(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("COINSPHERE_HOME", str(tmp_path))
    monkeypatch.setenv("COINSPHERE_API_PORT", "1")
    told = CliRunner().invoke(cli, ["demo"])
    assert told.exit_code == 1
    assert "start it with `coinsphere up`" in told.output
