"""What Prometheus reads of the whole system, in the API's role; and what it reads while the database is away."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta

import psycopg
import pytest
from prometheus_client import CollectorRegistry, generate_latest
from pydantic import SecretStr

from coinsphere.clock import utc_now
from coinsphere.health import backup_progress, certificates
from coinsphere.health.metrics import SystemFigures
from coinsphere.local.postgres import SUPERUSER
from coinsphere.observability.stores import StoreFigures
from coinsphere.settings import Settings
from tests.certificates import self_signed
from tests.conftest import free_port


def scraped(url: str, home) -> dict[str, float]:
    return read(SystemFigures(Settings(database_url=SecretStr(url), home=home)))


def read(figures: SystemFigures) -> dict[str, float]:
    registry = CollectorRegistry()
    registry.register(figures)
    lines = generate_latest(registry).decode().splitlines()
    return {
        name: float(value)
        for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")
    }


def test_figures_of_jobs_ages_and_drills_are_read_in_the_apis_role(database, owner, tmp_path):
    quiet = scraped(database.api, tmp_path)
    assert quiet["coinsphere_database_up"] == 1
    assert quiet['coinsphere_problems{check="jobs"}'] == 0
    assert "coinsphere_quote_age_seconds" not in quiet, "what is unknown is no figure"
    owner.execute(
        "insert into jobs.procrastinate_jobs (queue_name, task_name, status)"
        " values ('mail', 'send_mail', 'failed'), ('mail', 'send_mail', 'failed')"
    )
    owner.execute(
        "insert into market.quotes (token_id, price, observed_at, source)"
        " select id, 1, now() - interval '90 seconds', 'kraken' from market.tokens limit 1"
    )
    backup_progress.drilled(
        owner, "one", utc_now(), rpo_seconds=4.5, rto_seconds=60.0, is_good=False, report={}
    )
    found = scraped(database.api, tmp_path)
    assert found['coinsphere_jobs{queue="mail",state="failed"}'] == 2
    assert found['coinsphere_problems{check="jobs"}'] == 1
    assert 90 <= found["coinsphere_quote_age_seconds"] < 600
    assert (found["coinsphere_drill_rpo_seconds"], found["coinsphere_drill_good"]) == (4.5, 0)
    assert (
        0 < found["coinsphere_database_connections"] < found["coinsphere_database_connections_most"]
    )
    assert 0 < found["coinsphere_disk_free_bytes"] < found["coinsphere_disk_bytes"]


def test_a_database_that_is_away_is_a_figure_itself(tmp_path):
    found = scraped(f"postgresql://x:x@127.0.0.1:{free_port()}/x", tmp_path)
    assert found["coinsphere_database_up"] == 0
    disk = {"coinsphere_disk_bytes", "coinsphere_disk_free_bytes"}
    assert set(found) == {"coinsphere_database_up", *disk}


@pytest.mark.parametrize("left", [timedelta(days=9), timedelta(hours=-1)])
def test_the_pages_certificate_is_read_each_hour_good_or_past_its_end(tmp_path, left):
    now = utc_now()
    context = self_signed(tmp_path, now - timedelta(days=80), now + left)
    hour = timedelta(hours=1)
    clock = [now]
    with shown(context) as (url, callers):
        settings = Settings(
            database_url=SecretStr(f"postgresql://x:x@127.0.0.1:{free_port()}/x"),
            home=tmp_path,
            frontend_url=url,
        )
        figures = SystemFigures(settings, lambda: clock[0])
        for clock[0] in (now, now + hour / 2, now + hour):
            found = read(figures)
    day = 86400
    assert found["coinsphere_certificate_left_seconds"] == pytest.approx(
        (left - hour).total_seconds(), abs=1
    )
    assert found["coinsphere_certificate_life_seconds"] == pytest.approx(
        80 * day + left.total_seconds(), abs=1
    )
    assert len(callers) == 2


@pytest.mark.parametrize("url", ["https://[::1", "https://x:port", "http://x", "", "https://"])
def test_an_address_that_shows_no_certificate_costs_no_scrape(url):
    assert certificates.read(url) is None


@contextmanager
def shown(context: ssl.SSLContext) -> Iterator[tuple[str, list[object]]]:
    """A server that shows its certificate and hangs up; its address, and who came."""
    callers: list[object] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                caller, address = listener.accept()
                callers.append(address)
                with suppress(OSError), context.wrap_socket(caller, server_side=True):
                    pass

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"https://localhost:{listener.getsockname()[1]}", callers
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def test_rows_that_nobody_counted_since_a_crash_are_absent_not_none(database, owner):
    """A crash drops the server's statistics; the planner's count in the catalogue outlives it."""

    def told() -> dict[str, float]:
        family = StoreFigures(Settings(database_url=SecretStr(database.api)))
        rows = next(each for each in family._of_postgres() if each.name == "coinsphere_rows")
        return {sample.labels["table"]: sample.value for sample in rows.samples}

    def crash() -> None:
        with psycopg.connect(
            database.server.url(SUPERUSER, database.name), autocommit=True
        ) as other:
            other.execute("select pg_stat_reset()")

    register = "insert into app.users (email, password_hash) values (%s, 'x')"
    for name in ("ada", "bea", "cleo"):
        owner.execute(register, [f"{name}@example.org"])
    owner.execute("select pg_stat_force_next_flush()")
    assert told()["users"] == 3
    assert told()["portfolios"] == 0, "an empty table is known to be empty"
    crash()
    assert "users" not in told()
    owner.execute("analyze app.users")
    assert told()["users"] == 3
    crash()
    assert told()["users"] == 3
    owner.execute(register, ["dora@example.org"])
    owner.execute("select pg_stat_force_next_flush()")
    assert told()["users"] == 4
