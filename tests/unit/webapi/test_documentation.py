"""The API's description: valid, said in words everywhere, and what our client is made of."""

import json
import os
import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from openapi_spec_validator import OpenAPIV31SpecValidator

from webapi.cli import api
from webapi.documentation import components, descriptions


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(CliRunner().invoke(api, ["openapi"]).stdout)
    return found


def _properties(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for model, schema in document["components"]["schemas"].items():
        for name, described in schema.get("properties", {}).items():
            yield model, name, described


def _operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [each for item in document["paths"].values() for each in item.values()]


def test_it_is_valid(document) -> None:
    assert [each.message for each in OpenAPIV31SpecValidator(document).iter_errors()] == []
    assert re.fullmatch(r"\d+\.\d+\.\d+", document["info"]["version"])
    assert document["info"]["license"]["identifier"] == "Apache-2.0"


def test_the_collection_for_postman_is_printed() -> None:
    assert json.loads(CliRunner().invoke(api, ["postman"]).stdout)["item"]


def test_every_operation_says_more_than_its_title_and_who_may_call_it(document) -> None:
    operations = _operations(document)
    assert len(operations) > 130
    for each in operations:
        title, text = each["summary"], each["description"]
        assert len(text) > len(title), title
        assert text.splitlines()[-1].startswith(("Anybody may", "Needs a")), title


def test_every_property_is_described_by_its_model_or_by_the_glossary(document) -> None:
    assert [
        f"{model}.{name}"
        for model, name, each in _properties(document)
        if "description" not in each
    ] == []


def test_the_glossary_has_no_word_that_nobody_uses(document) -> None:
    used = {name for _, name, _ in _properties(document)}
    used |= {f"{model}.{name}" for model, name, _ in _properties(document)}
    assert set(components.glossary()) - used == set()


def test_models_and_tags_have_one_name_each_and_limits_are_those_of_the_standard(document) -> None:
    schemas = document["components"]["schemas"]
    assert [name for name in schemas if not re.fullmatch(r"[A-Za-z0-9]+", name)] == []
    tags = [tag["name"] for tag in document["tags"]]
    assert sorted(tags) == sorted({tag for each in _operations(document) for tag in each["tags"]})
    assert all(tag["description"] for tag in document["tags"])
    written = json.dumps(schemas)
    assert [
        own for own in ("ge", "gt", "le", "lt") if re.search(rf'"{own}": ?-?[0-9]', written)
    ] == []


def test_two_models_of_one_name_are_refused() -> None:
    spec = {
        "components": {
            "schemas": {"AOut.PointOut": {"type": "object"}, "BOut.PointOut": {"type": "string"}}
        }
    }
    with pytest.raises(components.Ambiguous, match="PointOut"):
        components.simplify(spec)


def test_a_title_is_the_first_clause() -> None:
    assert (
        descriptions.title("Disconnect a wallet; what it told is taken back.")
        == "Disconnect a wallet"
    )
    assert descriptions.title("One wallet.") == "One wallet"


CLIENT = Path(__file__).resolve().parents[3] / "clients" / "python"


def test_the_types_of_our_client_are_those_of_the_description(document) -> None:
    made = runpy.run_path(str(CLIENT / "generate.py"))["main"](json.loads(json.dumps(document)))
    for name, text in made.items():
        path = CLIENT / "src" / "coinsphere_client" / f"{name}.py"
        command = [Path(sys.executable).parent / "ruff", "format", "--stdin-filename", path, "-"]
        done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
        assert path.read_text() == done.stdout, f"{name} is of another description: make client"


CALLS = """
from decimal import Decimal
from uuid import uuid4
from coinsphere_client import Client, bodies, models, routes

with Client("https://coins.example.org") as api:
    create = routes.ALERTS_CREATE_ALERT
    made = api.call(create({"alertType": "price", "condition": "above", "threshold": Decimal("1.5")}))
    alert: models.AlertOut = made.alert
    mine: bodies.PortfolioIn = {"name": "mine"}
    api.call(routes.PORTFOLIOS_CREATE_PORTFOLIO(mine))
    api.call(routes.TOKENS_GET_TOKEN, symbol="BTC")
    api.call(routes.API_KEYS_ROTATE_KEY, key_id=uuid4())
    create({"alertType": "price", "condition": "over", "threshold": 1})  # type: ignore[typeddict-item]
    create({"alertType": "price", "condition": "above"})  # type: ignore[typeddict-item]
    create({"alertType": "price", "condition": "above", "threshold": 1, "x": 1})  # type: ignore[typeddict-unknown-key]
    api.call(create)  # type: ignore[arg-type]
    routes.TOKENS_GET_TOKEN({"name": "mine"})  # type: ignore[arg-type]
"""


def test_the_types_of_our_client_hold_and_refuse_a_wrong_body(tmp_path: Path) -> None:
    """Where one is not refused, what ignores it is superfluous, which `--strict` refuses."""
    (tmp_path / "calls.py").write_text(CALLS)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", tmp_path / "calls.py"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(CLIENT / "src")},
    )
    assert done.returncode == 0, done.stdout
