"""`coinsphere dbt` in a container: it may not write beside the code."""

import os
from pathlib import Path

from click.testing import CliRunner

from coinsphere.cli.main import cli
from coinsphere.settings import Settings
from orchestration.warehouse import project


def test_dbt_writes_into_the_state_only(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("COINSPHERE_HOME", str(tmp_path))
    monkeypatch.setenv("COINSPHERE_PIPELINE_DATABASE_URL", "postgresql://a:b@127.0.0.1:1/x")
    started: dict[str, str] = {}
    monkeypatch.setattr(os, "execve", lambda _program, _words, given: started.update(given))
    assert CliRunner().invoke(cli, ["dbt", "ls"]).exit_code == 0
    assert Path(started["DBT_PROJECT_DIR"]) == project.PROJECT
    for written in ("DBT_TARGET_PATH", "DBT_LOG_PATH"):
        assert Path(started[written]).is_relative_to(Settings.from_env().state)
