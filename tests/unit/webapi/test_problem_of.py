"""What an error of the database means to who asked."""

import psycopg
import pytest
from psycopg import errors

from webapi.http.errors import problem_of


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (psycopg.OperationalError("the database system is starting up"), 503),
        (errors.DiskFull("could not extend file: No space left on device"), 503),
        # Read on a disk that had turned read-only: `make chaos` saw it.
        (
            errors.InsufficientPrivilege('could not open file "base/5/1": Read-only file system'),
            503,
        ),
        (errors.InsufficientPrivilege("permission denied for table audit_logs"), 500),
        (errors.UndefinedTable('relation "x" does not exist'), 500),
    ],
)
def test_a_disk_that_takes_nothing_is_a_database_that_is_away(error, status) -> None:
    assert problem_of(error).status == status
