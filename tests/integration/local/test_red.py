"""What is red is said with what is set aside, and nothing that serves people is ended because of it."""

import io
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr
from rich.console import Console

from coinsphere.cli import system
from coinsphere.cli.progress import ConsoleProgress
from coinsphere.market import set_aside
from coinsphere.market.set_aside import Scope, Subject
from coinsphere.settings import Settings
from tests.conftest import free_port

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
DAY = datetime(2026, 3, 9, tzinfo=UTC)


@pytest.fixture
def settings(database, tmp_path):
    """Of a system whose Dagster does not answer."""
    return Settings(
        home=tmp_path,
        database_url=SecretStr(database.pipeline),
        readonly_database_url=SecretStr(database.readonly),
        dagster_port=free_port(),
        service_token=SecretStr("s" * 32),
    )


def test_a_run_that_fails_is_said_and_ends_nothing(settings, owner, pipeline):
    owner.execute("insert into market.origin (source, seed) values ('simulated', 1)")
    (token_id,) = owner.execute("select id from market.tokens where symbol = 'DAI'").fetchone()
    subjects = [
        Subject(token_id, None, "prices_still_move", "Its feed is stuck.", {}),
    ]
    set_aside.apply(pipeline, Scope.TOKEN, ["prices_still_move"], subjects, DAY, NOW)
    said = io.StringIO()
    console = Console(file=said, width=200)

    system._fill(console, settings, ConsoleProgress(console))

    assert "Not everything is green: Dagster's webserver does not answer" in said.getvalue()
    assert "set aside DAI: Its feed is stuck." in said.getvalue()
    assert "Everything goes on running" in said.getvalue()
