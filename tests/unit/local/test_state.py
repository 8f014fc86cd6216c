"""The state folder: private credentials that survive a restart, and a start that is refused in time."""

import shutil
import stat
from pathlib import Path

import pytest
from dotenv import dotenv_values
from pydantic import SecretStr

from coinsphere.errors import LocalServiceError
from coinsphere.local import state
from coinsphere.local.state import State
from coinsphere.settings import Role, Settings


@pytest.fixture
def folder(tmp_path: Path) -> State:
    made = State(tmp_path / "home")
    made.prepare()
    return made


def written(folder: State, settings: Settings) -> dict[str, str | None]:
    """The credentials as the local servers of `settings` write them."""
    servers = state.embedded_postgres(settings), state.embedded_redis(settings)
    state.write_credentials(folder, *servers)
    return dotenv_values(folder.credentials)


def test_credentials_are_for_their_owner_alone(folder: State) -> None:
    written(folder, Settings(home=folder.folder))
    assert stat.S_IMODE(folder.credentials.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.folder.stat().st_mode) == 0o700


def test_each_role_has_a_password_of_its_own(folder: State) -> None:
    lines = written(folder, Settings(home=folder.folder))
    settings = Settings.from_env({name: value or "" for name, value in lines.items()})
    urls = {settings.url_for(role) for role in Role}
    assert len(urls) == len(Role)
    assert len({url.split(":")[2].split("@")[0] for url in urls}) == len(Role)


def test_passwords_survive_a_restart_and_follow_a_moved_port(folder: State) -> None:
    before = written(folder, Settings(home=folder.folder))
    after = written(folder, Settings(home=folder.folder, postgres_port=6543))
    assert after["COINSPHERE_DATABASE_URL"] == (before["COINSPHERE_DATABASE_URL"] or "").replace(
        ":5433/", ":6543/"
    )
    assert after["COINSPHERE_REDIS_URL"] == before["COINSPHERE_REDIS_URL"]
    assert after["COINSPHERE_SERVICE_TOKEN"] == before["COINSPHERE_SERVICE_TOKEN"]


def test_what_lies_in_a_folder_that_others_may_enter_is_closed_to_them(tmp_path: Path) -> None:
    made = State(tmp_path)
    tmp_path.chmod(0o755)
    for folder in (made.logs, made.dagster_home, made.artifacts):
        folder.mkdir(mode=0o755)
    made.prepare()
    for folder in (made.logs, made.dagster_home, made.artifacts):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_server_that_the_settings_name_is_not_embedded(folder: State) -> None:
    settings = Settings(home=folder.folder, database_url=SecretStr("postgresql://u:p@db/x"))
    assert state.embedded_postgres(settings) is None
    assert "COINSPHERE_DATABASE_URL" not in written(folder, settings)
    assert "COINSPHERE_REDIS_URL" in written(folder, settings)


def test_a_nearly_full_disk_is_said_before_anything_starts(
    folder: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    nearly_full = shutil.disk_usage(folder.folder)._replace(free=5 << 20)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: nearly_full)
    with pytest.raises(LocalServiceError, match="5 MiB left, 1024 MiB are needed"):
        folder.prepare()


def test_a_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(LocalServiceError, match="cannot be used"):
        State(tmp_path / "home").prepare()


def test_two_starts_at_once_are_one_too_many(folder: State) -> None:
    with (
        folder.locked(),
        pytest.raises(LocalServiceError, match="starting or stopping"),
        folder.locked(),
    ):
        pass
