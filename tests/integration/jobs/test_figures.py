"""What Prometheus reads of the whole system, in the API's role; and what it reads while the database is away."""

from prometheus_client import CollectorRegistry, generate_latest
from pydantic import SecretStr

from coinsphere import backup_records
from coinsphere.clock import utc_now
from coinsphere.figures import SystemFigures
from coinsphere.settings import Settings
from tests.conftest import free_port


def scraped(url: str, home) -> dict[str, float]:
    registry = CollectorRegistry()
    registry.register(SystemFigures(Settings(database_url=SecretStr(url), home=home)))
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
    backup_records.drilled(
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
    assert found["coinsphere_disk_free_bytes"] > 0


def test_a_database_that_is_away_is_a_figure_itself(tmp_path):
    found = scraped(f"postgresql://x:x@127.0.0.1:{free_port()}/x", tmp_path)
    assert found["coinsphere_database_up"] == 0
    assert set(found) == {"coinsphere_database_up", "coinsphere_disk_free_bytes"}
