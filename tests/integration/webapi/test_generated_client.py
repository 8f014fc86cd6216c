"""A client that openapi-python-client makes of the description: every route, without a warning, and answers that it can read."""

import importlib
import inspect
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest
from click.testing import CliRunner

from tests.integration.webapi.test_client import front as front  # noqa: PLC0414 - a fixture
from tests.integration.webapi.test_predictions import forecast
from tests.integration.webapi.test_predictions import market as market  # noqa: PLC0414 - a fixture
from tests.integration.webapi.test_risk import scores as scores  # noqa: PLC0414 - a fixture
from webapi.cli import api

PACKAGE = "made_by_a_generator"
_TOOLS = Path(sys.executable).parent


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Iterator[ModuleType]:
    """The package, imported."""
    folder = tmp_path_factory.mktemp("client")
    description = CliRunner().invoke(api, ["openapi"]).stdout
    (folder / "openapi.json").write_text(description)
    (folder / "config.yml").write_text(f"package_name_override: {PACKAGE}\n")
    command = ["generate", "--path", "openapi.json", "--config", "config.yml", "--output-path", "made", "--fail-on-warning"]  # fmt: skip
    done = subprocess.run(
        [_TOOLS / "openapi-python-client", *command],
        cwd=folder,
        env={**os.environ, "PATH": f"{_TOOLS}:{os.environ['PATH']}"},  # it formats by ruff
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    operations = [each for path in json.loads(description)["paths"].values() for each in path]
    assert len(list((folder / "made").glob("*/api/*/[a-z]*.py"))) == len(operations)
    sys.path.insert(0, str(folder / "made"))
    yield importlib.import_module(PACKAGE)
    sys.path.remove(str(folder / "made"))


def _reads(made: ModuleType) -> Iterator[tuple[str, Any]]:
    """What reads without saying what: the function of each such route."""
    for path in sorted(Path(made.__path__[0]).glob("api/*/[a-z]*.py")):
        name = f"{PACKAGE}.api.{path.parent.name}.{path.stem}"
        module = importlib.import_module(name)
        parameters = inspect.signature(module.sync_detailed).parameters.values()
        is_read = '"method": "get"' in path.read_text()
        if is_read and all(each.name == "client" or each.default is not each.empty for each in parameters):  # fmt: skip
            yield path.stem, module.sync_detailed


def test_every_answer_of_a_route_that_asks_for_nothing_is_read(made, front, person) -> None:
    url, _ = front
    client = made.AuthenticatedClient(base_url=url, token=person.access_token)
    read, unread = 0, []
    with client as session:
        for name, ask in _reads(made):
            answer = ask(client=session)
            if answer.status_code == 200 and "json" in answer.headers["Content-Type"]:
                read += 1
                unread += [name] if answer.parsed is None else []
    assert unread == []
    assert read > 25


def test_forecasts_risks_and_portfolios_are_read_by_their_types(
    made, front, person, model_server
) -> None:
    url, _ = front
    model_server.answers["BTC"] = (200, forecast())
    portfolio = person.post("/portfolios", {"name": "mine"}).json["portfolio"]["id"]

    def asked(name: str, **parameters: Any) -> Any:
        (path,) = Path(made.__path__[0]).glob(f"api/*/{name}.py")
        module = importlib.import_module(f"{PACKAGE}.api.{path.parent.name}.{name}")
        answer = module.sync_detailed(client=session, **parameters)
        assert answer.status_code == 200, answer.content
        return answer.parsed

    with made.AuthenticatedClient(base_url=url, token=person.access_token) as session:
        predicted = asked("get_predictions_get_prediction", symbol="BTC")
        assert (predicted.symbol, predicted.prediction.direction) == ("BTC", "neutral")
        assert predicted.expires_at == datetime(2026, 3, 11, tzinfo=UTC)
        assert asked("get_risk_get_risk", symbol="BTC").risk_score.risk_level
        listed = asked("get_portfolios_list_portfolios").portfolios
        assert [each.id for each in listed if each.name == "mine"] == [UUID(portfolio)]
        assert (
            asked("get_portfolios_get_portfolio", portfolio_id=portfolio).portfolio.name == "mine"
        )
        asked("get_portfolio_performance_get_performance", portfolio_id=portfolio)
