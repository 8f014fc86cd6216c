"""Where mapped files of metrics lie: never on the disk of the state, and nobody else's."""

import stat
import tempfile
from pathlib import Path

import pytest

from coinsphere.errors import ConfigurationError
from webapi.observability import metrics_folder


def test_metrics_lie_in_memory_and_apart_for_each_state(tmp_path: Path) -> None:
    memory, state = tmp_path / "shm", tmp_path / "state"
    memory.mkdir()
    folder = metrics_folder.of(state, memory)
    assert folder.parent == memory
    assert folder == metrics_folder.of(state, memory)
    assert folder != metrics_folder.of(tmp_path / "other", memory)
    assert not metrics_folder.of(state).is_relative_to(state)


def test_without_memory_they_lie_with_temporary_files(tmp_path: Path) -> None:
    folder = metrics_folder.of(tmp_path / "state", tmp_path / "missing")
    assert folder.parent == Path(tempfile.gettempdir())


def test_a_start_begins_with_an_empty_folder_of_its_owner(tmp_path: Path) -> None:
    folder = tmp_path / "metrics"
    folder.mkdir(mode=0o755)
    (folder / "counter_1.db").write_bytes(b"old")
    metrics_folder.wipe(folder)
    assert list(folder.iterdir()) == []
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    metrics_folder.remove(folder)
    assert not folder.exists()


def test_what_another_has_put_there_is_not_used(tmp_path: Path) -> None:
    elsewhere, folder = tmp_path / "elsewhere", tmp_path / "metrics"
    elsewhere.mkdir()
    folder.symlink_to(elsewhere)
    with pytest.raises(ConfigurationError, match="remove what is there"):
        metrics_folder.wipe(folder)
