"""Files beside what is stored: another contract's values are refused, a busy table delays one file alone."""

from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from coinsphere.market.imports import importer

HEADER = "date,open,high,low,close,volume\n"
NOW = datetime(2026, 11, 28, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _origin(owner):
    owner.execute("insert into market.origin (source, location) values ('files', '/nowhere')")
    owner.execute("update market.tokens set is_active = true")


def _write(folder: Path, name: str, closes: dict[str, float]) -> Path:
    path = folder / name
    rows = "".join(f"{day},{c},{c},{c},{c},1\n" for day, c in closes.items())
    path.write_text(HEADER + rows, encoding="utf-8")
    return path


def _days(first: int, last: int, close: float) -> dict[str, float]:
    return {f"2026-11-{day:02}": close for day in range(first, last + 1)}


def _import(conn, path):
    (report,) = importer.import_folder(conn, path, lambda: NOW).files
    return report


def _closes(owner):
    return [
        float(close)
        for (close,) in owner.execute("select close from market.price_data order by opened_at")
    ]


@pytest.fixture
def conn(database):
    with psycopg.connect(database.pipeline) as opened:
        yield opened


def test_values_that_contradict_the_close_before_them_are_quarantined(tmp_path, conn, owner):
    owner.execute("update market.origin set location = %s", [str(tmp_path)])
    assert _import(conn, _write(tmp_path, "ADA-1d-2026-10.csv", _days(1, 9, 2.07))).written == 9

    wrong = {**_days(10, 14, 0.00042), **_days(15, 16, 2.1)}
    report = _import(conn, _write(tmp_path, "ADA-1d-2026-11.csv", wrong))

    assert (report.written, report.rejected_rows) == (2, 5)
    assert str(report.rejected[0]).startswith(
        "line 2, close: 2026-11-10: close is more than ten-fold"
    )
    assert _closes(owner) == [2.07] * 9 + [2.1] * 2
    kept = owner.execute("select count(*), min(payload ->> 'close') from market.quarantine")
    assert kept.fetchone() == (5, "0.00042")


def test_a_busy_table_delays_its_file_and_no_other(tmp_path, conn, owner, database):
    owner.execute("update market.origin set location = %s", [str(tmp_path)])
    _write(tmp_path, "BTC-1d-a.csv", {"2012-03-01": 5.0, "2012-03-02": 5.0})
    _write(tmp_path, "ETH-1d-b.csv", _days(1, 3, 9.0))
    owner.execute("select market.ensure_price_partitions('2026-11-01', '2026-11-30')")
    conn.execute("set lock_timeout = '300ms'")
    conn.commit()
    with psycopg.connect(database.pipeline) as training:
        training.execute("select count(*) from market.price_data").fetchone()
        files = importer.import_folder(conn, tmp_path, lambda: NOW).files

    assert ["busy" in (file.refused or "") for file in files] == [True, False]
    assert [file.written for file in files] == [0, 3]
    again = importer.import_folder(conn, tmp_path, lambda: NOW).files
    assert [file.written for file in again] == [2, 0]
