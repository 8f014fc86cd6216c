"""Room on the disk is watched by `doctor` and `status`, before nothing can be written."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from coinsphere.cli.main import cli
from coinsphere.cli.system.doctor import examine
from coinsphere.local import system
from coinsphere.settings import Settings

PLENTY = str(1 << 40)
"""MiB: more than any disk has."""


def disk(settings: Settings) -> tuple[str, str | None]:
    return next((one.found, one.remedy) for one in examine(settings) if one.subject == "disk")


def test_the_doctor_says_when_room_runs_out(tmp_path: Path) -> None:
    found, remedy = disk(Settings(home=tmp_path / "not" / "yet", least_free_mib=0))
    assert "MiB free" in found
    assert remedy is None
    _, remedy = disk(Settings(home=tmp_path, least_free_mib=int(PLENTY)))
    assert "make room" in (remedy or "")


def test_the_status_says_when_room_runs_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Of processes that all work.
    monkeypatch.setattr(system, "status", lambda _: [])
    monkeypatch.setenv("COINSPHERE_HOME", str(tmp_path))
    monkeypatch.setenv("COINSPHERE_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    monkeypatch.setenv("COINSPHERE_LEAST_FREE_MIB", PLENTY)
    result = CliRunner().invoke(cli, ["status"])
    assert result.exit_code == 1
    assert "make room" in " ".join(result.output.split())
    for least, is_well in (("0", True), (PLENTY, False)):
        monkeypatch.setenv("COINSPHERE_LEAST_FREE_MIB", least)
        result = CliRunner().invoke(cli, ["status", "--json"])
        assert (json.loads(result.stdout)["disk"]["problem"] is None) == is_well
        assert (result.exit_code == 0) == is_well
