"""The API behind PgBouncer in transaction mode: its clients share connections, and nothing of one is left to the next."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from pydantic import SecretStr

from tests.integration.webapi.conftest import NOW, Person, new_person
from tests.pgbouncer import SERVER_CONNECTIONS, Pooler, needs_pgbouncer, pooled
from webapi.app import create_app
from webapi.services import EXTENSION

pytestmark = needs_pgbouncer

_SETTINGS = ("TimeZone", "search_path", "statement_timeout", "lock_timeout")


@pytest.fixture(scope="module")
def pooler(module_database) -> Iterator[Pooler]:
    with pooled(module_database.api) as made:
        yield made


@pytest.fixture
def behind(api_settings, pooler, redis_url) -> Iterator:
    """An API that knows the pooler alone."""
    changes = {
        "database_url": SecretStr(pooler.url),
        "api_prepared_statements": pooler.prepares,
        "rate_limit_api": 100_000,
        "rate_limit_auth": 100_000,
    }
    app = create_app(api_settings.model_copy(update=changes), clock=lambda: NOW)
    yield app
    app.extensions[EXTENSION].close()


def _names(person: Person) -> list[str]:
    return [each["name"] for each in person.get("/portfolios").json["portfolios"]]


def test_people_who_share_connections_see_their_own(behind, module_database) -> None:
    """More threads than connections of the server, and more questions of a kind than it takes to prepare a statement."""
    people = [new_person(behind.test_client()) for _ in range(4)]
    for number, person in enumerate(people):
        made = person.post("/portfolios", {"name": f"of {number}"})
        assert made.status_code == 201, made.text
        address = f"/portfolios/{made.json['portfolio']['id']}"
        assert (
            person.post(
                f"{address}/holdings", {"tokenSymbol": "BTC", "amount": number + 1}
            ).status_code
            == 201
        )
        assert person.get(address).json["portfolio"]["holdings"][0]["amount"] == number + 1

    def ask(turn: int) -> tuple[list[str], str]:
        person = people[turn % 4]
        return _names(person), person.get("/auth/me").json["user"]["email"]

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(ask, range(80)))
    assert answers == [([f"of {turn % 4}"], people[turn % 4].email) for turn in range(80)]
    with psycopg.connect(module_database.owner) as conn:
        query = "select count(*) from pg_stat_activity where usename = 'coinsphere_api' and datname = current_database()"
        assert conn.execute(query).fetchone()[0] <= SERVER_CONNECTIONS


def test_a_connection_that_nobody_acts_on_sees_nobody(behind, pooler) -> None:
    person = new_person(behind.test_client())
    assert person.post("/portfolios", {"name": "mine"}).status_code == 201
    with psycopg.connect(pooler.url, autocommit=True, prepare_threshold=None) as conn:
        for _ in range(10):
            assert conn.execute("select count(*) from app.portfolios").fetchone() == (0,)


def test_the_roles_settings_reach_the_api(behind, module_database) -> None:
    """Behind the pooler it has what it asks a server for by itself."""
    with behind.app_context(), behind.extensions[EXTENSION].database.connection() as conn:
        told = [conn.execute(f"show {name}").fetchone()[0] for name in _SETTINGS]
    assert told == ["UTC", "app, market, model, jobs, public", "5s", "10s"]


def test_statements_are_prepared_where_the_pooler_knows_how(behind, pooler) -> None:
    person = new_person(behind.test_client())
    for _ in range(40):
        assert person.get("/portfolios").status_code == 200
    with psycopg.connect(pooler.url, autocommit=True, prepare_threshold=None) as conn:
        counts = {
            conn.execute("select count(*) from pg_prepared_statements").fetchone()[0]
            for _ in range(4)
        }
    assert (max(counts) > 0) is pooler.prepares
