"""What the database tells of places that backups are written to."""

from datetime import timedelta

import psycopg

from coinsphere.clock import utc_now
from coinsphere.health import backup_progress


def test_a_place_that_is_written_to_no_more_is_not_told_as_late_for_good(database) -> None:
    with psycopg.connect(database.worker, autocommit=True) as conn:
        later = utc_now() + 2 * backup_progress.BEAT_AT_MOST
        for place in ("/old", "/new"):
            backup_progress.beat(conn, place, "000000010000000000000001", None)
        backup_progress.keep_only(conn, ["/new"])
        rows = conn.execute("select place from app.backup_progress").fetchall()
        assert rows == [("/new",)]
        backup_progress.keep_only(conn, ["/other"])
        said = backup_progress.problems(conn, 24, later + timedelta(seconds=1))
        assert not any("stored nowhere else" in each for each in said)
