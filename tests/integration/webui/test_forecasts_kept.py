"""A token's page while the model server is away: the forecast that was issued stands, and says what was not kept with it."""

import psycopg
import pytest

from ml.registry.global_version import NAME
from tests.integration.webapi.conftest import NOW, OPTIONS
from tests.integration.webapi.test_as_of import DAY, LAST, candle, forecast
from tests.integration.webui.conftest import Visitor


@pytest.fixture
def alone(api_settings, clock):
    """Pages whose model server does not answer."""
    from webapi.services import EXTENSION
    from webui.app import create_app

    settings = api_settings.model_copy(update={"ml_url": "http://127.0.0.1:1"})
    made = create_app(settings, clock=lambda: clock[0])
    visitor = Visitor(made.test_client())
    visitor.register()
    yield visitor
    made.extensions[EXTENSION].close()


def test_a_forecast_of_all_tokens_stands_without_the_name_of_its_maker(
    alone, module_database, clock
) -> None:
    with psycopg.connect(module_database.pipeline, autocommit=True, options=OPTIONS) as conn:
        conn.execute("insert into market.origin (source) values ('live')")
        for day, close in ((LAST - DAY, "1"), (LAST, "2")):
            candle(conn, day, close)
        forecast(conn, model=NAME)
    assert clock[0] == NOW
    answer = alone.get("/tokens/ADA")
    assert answer.status_code == 200
    assert "a model of all tokens: which one was not kept with the forecast" in answer.text
    assert alone.get("/dashboard").status_code == 200
