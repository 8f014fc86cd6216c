"""A log that grew too large is put aside under the process that goes on writing it."""

from pathlib import Path

from coinsphere.local import log_files


def texts(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(folder.iterdir())}


def test_what_is_written_next_goes_on_at_the_beginning_and_two_older_files_are_kept(
    tmp_path: Path,
) -> None:
    with (tmp_path / "api.log").open("a") as log:
        for line in ("first\n", "second\n", "third\n"):
            log.write(line)
            log.flush()
            assert list(log_files.bound(tmp_path, len(line))) == []
            assert list(log_files.bound(tmp_path, len(line) - 1)) == [tmp_path / "api.log"]
        log.write("fourth\n")
    assert texts(tmp_path) == {
        "api.log": "fourth\n",
        "api.log.1": "third\n",
        "api.log.2": "second\n",
    }


def test_what_cannot_be_copied_is_left_as_it_is_and_the_others_are_bounded(tmp_path: Path) -> None:
    for name in ("api", "worker"):
        (tmp_path / f"{name}.log").write_text("line\n")
    (tmp_path / "api.log.1").write_text("older\n")
    # Nothing can be written there, as on a full disk.
    (tmp_path / "api.log.0").symlink_to(tmp_path / "away" / "api.log.0")
    assert list(log_files.bound(tmp_path, 1)) == [tmp_path / "worker.log"]
    assert texts(tmp_path) == {
        "api.log": "line\n",
        "api.log.1": "older\n",
        "worker.log": "",
        "worker.log.1": "line\n",
    }
