"""One full rebuild of a user's books, in a process that does nothing else: `python -m bench.rebuild URL USER NOW`."""

import json
import sys
import time
from datetime import datetime
from uuid import UUID

import psycopg

from bench.ingestion import _peak_mb
from coinsphere.portfolio.jobs import recompute

_OPTIONS = "-c search_path=app,market,model,jobs,public -c timezone=UTC"


def main(url: str, user_id: UUID, now: datetime) -> dict[str, float]:
    """Seconds it took, seconds of CPU of this process, and its peak memory in MB."""
    with psycopg.connect(url, autocommit=True, options=_OPTIONS) as conn:
        started, cpu = time.perf_counter(), time.process_time()
        recompute.rebuild(conn, user_id, now)
        seconds = time.perf_counter() - started
    return {"seconds": seconds, "cpu": time.process_time() - cpu, "peak": _peak_mb()}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], UUID(sys.argv[2]), datetime.fromisoformat(sys.argv[3]))))
