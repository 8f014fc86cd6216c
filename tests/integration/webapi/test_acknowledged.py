"""The short form of `make chaos`: what was acknowledged outlives a killed worker of the API and a Redis that is gone."""

from tests.chaos.load import Person, under_load
from tests.integration.webapi.test_gunicorn import Running, wait_for
from tests.integration.webapi.test_gunicorn import running as running  # noqa: PLC0414 - a fixture
from tests.integration.webapi.test_gunicorn import variables as variables  # noqa: PLC0414 - a fixture


def test_no_acknowledged_write_is_lost_to_a_kill(running: Running, own_redis, owner_db) -> None:
    people = [Person(running.url, name) for name in ("ada", "bea")]
    with under_load(people) as load:
        victim = running.workers()[0]
        victim.kill()
        load.await_more(15)
        own_redis.kill()
        load.await_more(15)
    wait_for(lambda: len(running.workers()) == 2, "the new worker")
    assert (load.lost(owner_db), load.faults) == (0, 0)
    assert load.cut <= len(people), "no request fails but those in flight"
