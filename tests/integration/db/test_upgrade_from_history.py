"""A state that the code of an earlier commit wrote, in its own words, is upgraded, and this version serves it."""

import json
import os
import subprocess
import sys
import tarfile
from io import BytesIO
from pathlib import Path

import psycopg
import pytest
from pydantic import SecretStr

from coinsphere import upgrade
from coinsphere.clock import utc_now
from coinsphere.db import migrate
from coinsphere.settings import Settings
from tests.conftest import create_database, drop_database
from tests.integration.db import older
from webapi.app import create_app
from webapi.services import EXTENSION

_ROOT = Path(__file__).resolve().parents[3]
_BEFORE_BACKUPS = "a32679fd8ddf971e6e77b6f33877753f8d1ce1dc"
"""The commit before the first that could back up, restore and upgrade."""


def git(*words: str) -> bytes:
    return subprocess.run(
        ["git", *words], cwd=_ROOT, capture_output=True, check=True, timeout=120
    ).stdout


def before_the_newest_migration() -> str:
    """The commit before the one that brought the newest migration."""
    newest = max((_ROOT / "migrations" / "versions").glob("*.py"))
    (brought, *_) = git("log", "--diff-filter=A", "--format=%H", "-1", "--", str(newest)).split()
    return f"{brought.decode()}^"


@pytest.fixture(params=[lambda: _BEFORE_BACKUPS, before_the_newest_migration])
def tree(request, tmp_path) -> Path:
    """The files of an earlier commit."""
    try:
        packed = git("archive", "--format=tar", request.param())
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no history here, as in a shallow clone: {error}")
    with tarfile.open(fileobj=BytesIO(packed)) as archive:
        archive.extractall(tmp_path / "tree", filter="data")
    return tmp_path / "tree"


@pytest.fixture
def empty(postgres):
    """A database of the owner's with nothing in it."""
    made = create_database(postgres, template="template0")
    yield made
    drop_database(made)


def variables(database, redis_url: str, home: Path) -> dict[str, str]:
    return {
        "COINSPHERE_HOME": str(home),
        "COINSPHERE_DATABASE_URL": database.api,
        "COINSPHERE_REDIS_URL": redis_url,
    }


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_an_earlier_commit_wrote_is_served_by_this_one(
    tree, empty, redis_server, tmp_path
) -> None:
    settings = variables(empty, redis_server.url, tmp_path / "home")
    done = subprocess.run(
        [sys.executable, older.__file__],
        cwd=tree,
        env={**os.environ, **settings, "PYTHONPATH": str(tree), "OLDER_OWNER_URL": empty.owner},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    was = migrate.current(empty.owner)
    assert was != migrate.revisions()[-1]
    owner = Settings(database_url=SecretStr(empty.owner), home=tmp_path / "home")
    assert upgrade.upgrade(owner, utc_now, backs_up=False).before == was
    app = create_app(Settings.from_env(settings))
    client = app.test_client()
    entered = older.asked(client, "post", "/auth/login", older.ACCOUNT)
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {entered['accessToken']}"
    assert older.books(client) == json.loads(done.stdout.splitlines()[-1])
    assert len(older.asked(client, "get", "/alerts")["alerts"]) == 1
    app.extensions[EXTENSION].close()
    with psycopg.connect(empty.owner) as conn:
        assert conn.execute("select count(*) from app.transactions").fetchone() == (3,)
