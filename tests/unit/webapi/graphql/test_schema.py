"""The schema that is committed, and that every entry stands behind the door of a route."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from graphql import build_schema
from graphql.utilities import find_breaking_changes

from coinsphere.cli.main import cli
from webapi.api_keys.scopes import policy
from webapi.graphql.fields import RoutePermission
from webapi.graphql.schema import EXECUTABLE, printed

COMMITTED = Path(__file__).resolve().parents[4] / "docs" / "schema.graphql"
ENTRIES = {**EXECUTABLE.query_type.fields, **EXECUTABLE.mutation_type.fields}


def test_the_committed_schema_is_the_present_one() -> None:
    breaking = find_breaking_changes(build_schema(COMMITTED.read_text()), EXECUTABLE)
    assert [change.description for change in breaking] == []
    how = "coinsphere api graphql > docs/schema.graphql"
    assert COMMITTED.read_text() == printed(), f"write it anew: {how}"


def test_what_would_break_a_client_is_named() -> None:
    stricter = printed().replace("  currentPrice: Decimal\n", "  currentPrice: Float\n")
    (change, *_) = find_breaking_changes(EXECUTABLE, build_schema(stricter))
    assert "currentPrice" in change.description


def test_the_command_prints_it() -> None:
    assert CliRunner().invoke(cli, ["api", "graphql"]).output == printed()


def test_an_api_without_queries_does_not_load_the_library() -> None:
    loaded = (
        "import sys, webapi.app; print([n for n in sys.modules if n in ('strawberry', 'graphql')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", loaded], check=True, capture_output=True, text=True
    )
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("name", sorted(ENTRIES))
def test_every_entry_is_for_whom_a_route_is_for(name: str) -> None:
    extensions = ENTRIES[name].extensions["strawberry-definition"].extensions
    (door,) = [each for each in extensions if isinstance(each, RoutePermission)]
    assert policy()[door.route]["access"] == "user"


def test_every_field_says_what_it_means() -> None:
    silent = [
        f"{kind.name}.{name}"
        for kind in EXECUTABLE.type_map.values()
        if hasattr(kind, "fields") and not kind.name.startswith("__")
        for name, field in kind.fields.items()
        if not field.description
    ]
    assert silent == []
