"""One tax report of a user, in a process that does nothing else: `python -m bench.taxes URL USER REGIME YEAR`."""

import io
import json
import sys
import time
from decimal import localcontext
from uuid import UUID

import psycopg

from bench.ingestion import _peak_mb
from coinsphere.portfolio.model import EXACT
from coinsphere.portfolio.tax import files, reading
from coinsphere.portfolio.tax.regimes import REGIMES

_OPTIONS = "-c search_path=app,market,model,jobs,public -c timezone=UTC"


def main(url: str, user_id: UUID, regime: str, year: int) -> dict[str, float]:
    """Seconds until the CSV was made, those of CPU, and the process's peak memory in MB."""
    with psycopg.connect(url, options=_OPTIONS) as conn:
        started, worked = time.perf_counter(), time.process_time()
        found = reading.read(conn, user_id, REGIMES[regime], year, "USD")
        text = io.StringIO(newline="")
        with localcontext(EXACT):
            files.write_csv(found, text)
        seconds, cpu = time.perf_counter() - started, time.process_time() - worked
    return {
        "seconds": seconds,
        "cpu": cpu,
        "peak": _peak_mb(),
        "lines": text.getvalue().count("\n"),
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], UUID(sys.argv[2]), sys.argv[3], int(sys.argv[4]))))
