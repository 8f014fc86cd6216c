"""Logs of several processes read as one."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from coinsphere.cli.system.logs import logs
from coinsphere.local import log_lines
from coinsphere.local.log_lines import LEVELS, LineFilter

NOW = datetime(2026, 11, 28, 20, 15, tzinfo=UTC)
ID = "0123456789abcdef" * 2


def ours(seconds: int, level: str = "info", **fields: object) -> str:
    at = (NOW + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")
    return json.dumps({"event": f"at {seconds}", "level": level, "timestamp": at, **fields})


def write(folder: Path) -> None:
    (folder / "logs").mkdir()
    for name, lines in {
        "api.log.1": [ours(0, request_id=ID)],
        "api.log": [ours(5, request_id=ID), ours(9)],
        "worker.log": [ours(6, "warning", request_id=ID), "not of us", ours(12, "error")],
        "postgres.log": [
            "2026-11-28 20:15:03.100 UTC [812] LOG:  started",
            "2026-11-28 20:15:07.200 UTC [813] ERROR:  deadlock detected",
            "\tProcess 1 waits",
        ],
        "redis.log": ["8:M 28 Nov 2026 20:15:04.000 # low on memory"],
        "dagster-daemon.log": [
            "2026-11-28 20:15:08 +0000 - dagster.daemon.SensorDaemon - INFO - an error passed"
        ],
    }.items():
        (folder / "logs" / name).write_text("\n".join(lines) + "\n")


def shown(folder: Path, *words: str) -> list[str]:
    done = CliRunner(env={"COINSPHERE_HOME": str(folder)}).invoke(logs, list(words))
    assert done.exit_code == 0, done.output
    return done.output.splitlines()


def test_lines_of_a_request_are_found_in_every_log_in_their_order(tmp_path) -> None:
    write(tmp_path)
    found = shown(tmp_path, "--request", ID)
    assert [line.split()[0] for line in found] == ["api", "api", "worker", "worker"]
    assert found[3].endswith("not of us"), "what goes on with a line comes with it"
    assert shown(tmp_path, "worker", "--request", ID)[0].startswith("worker")
    assert shown(tmp_path, "--request", "f" * 32) == []


def test_levels_are_told_in_the_words_of_each_program(tmp_path) -> None:
    write(tmp_path)
    severe = shown(tmp_path, "--level", "warning")
    assert [line.split()[0] for line in severe] == ["redis", "worker", "worker", "postgres", "postgres", "worker"]  # fmt: skip
    assert [line.split()[0] for line in shown(tmp_path, "--level", "error", "-n", "1")] == [
        "worker"
    ]


def test_lines_from_an_instant_on(tmp_path) -> None:
    write(tmp_path)
    found = shown(tmp_path, "--since", "2026-11-28T20:15:08")
    assert [line.split()[0] for line in found] == ["dagster-daemon", "api", "worker"]
    for wrong, said in ((["--since", "soon"], "no instant"), (["nobody"], "There is no log")):
        done = CliRunner(env={"COINSPHERE_HOME": str(tmp_path)}).invoke(logs, wrong)
        assert done.exit_code != 0
        assert said in done.output


def test_spans_are_counted_back_from_now() -> None:
    for text, back in (("90s", 90), ("15m", 900), ("2h", 7200), ("3d", 259_200)):
        assert log_lines.instant(text, NOW) == NOW - timedelta(seconds=back)
    assert log_lines.instant("2026-11-28T22:15+02:00", NOW) == NOW
    with pytest.raises(ValueError, match="15x"):
        log_lines.instant("15x", NOW)


@given(st.lists(st.text(st.characters(exclude_characters="\n\r"))))
def test_whatever_a_process_writes_is_shown_once(texts: list[str]) -> None:
    said = list(log_lines.parsed("any", texts))
    assert "\n".join(line.text for line in said).split("\n") == (texts or [""])
    assert all(line.level in LEVELS and LineFilter().holds(line) for line in said)
