"""Files of models that lie in a bucket are no part of a backup, which says so and goes on."""

from pathlib import Path

from structlog.testing import capture_logs

from coinsphere.backup import sealing, trial_system
from coinsphere.backup.files import Mirror, fetch_files
from coinsphere.backup.places import Folder
from coinsphere.clock import utc_now
from coinsphere.local.state import State
from coinsphere.settings import Settings

ELSEWHERE = "s3://ours/mlflow"


def test_it_is_told_and_no_fault(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home", mlflow_artifacts=ELSEWHERE)
    left = State(settings.state).artifacts / "of-before.bin"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"weights")
    place, seals = Folder(tmp_path / "place"), sealing.build(settings)
    with capture_logs() as told:
        Mirror(place, seals, settings).sync(utc_now())
    (line,) = told
    assert (line["log_level"], line["at"]) == ("warning", ELSEWHERE)
    assert fetch_files(place, seals, None, tmp_path / "back") == 0


def test_a_drill_reads_them_where_they_lie(tmp_path: Path) -> None:
    for place in (ELSEWHERE, None):
        given = trial_system.variables(Settings(home=tmp_path, mlflow_artifacts=place))
        assert given.get("COINSPHERE_MLFLOW_ARTIFACTS") == place
