"""`python -m orchestration.warehouse.lint`: what must hold of the dbt project before it runs. Needs no database.

Deprecated spellings are errors; every model, source and column is described, every model's key is tested, and marts
have contracts. The SQL is linted by sqlfluff with stand-ins for dbt's functions.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from coinsphere.errors import ConfigurationError
from orchestration.warehouse import project

_DEPRECATIONS = ("--warn-error-options", '{"error": ["Deprecations"]}')
_KEY_TESTS = ("unique", "unique_together")

Node = Mapping[str, Any]


def main() -> int:
    """Print each fault; the exit status is 1 if there is one."""
    try:
        all_faults = [*faults(_manifest()), *_badly_written()]
    except ConfigurationError as error:
        all_faults = [str(error)]
    for fault in all_faults:
        print(fault, file=sys.stderr)  # noqa: T201 - a command
    return 1 if all_faults else 0


def faults(manifest: Mapping[str, Any]) -> Iterator[str]:
    """What is missing in a manifest, in a sentence each."""
    tests = _tests_by_model(manifest)
    for source in manifest["sources"].values():
        if not source["description"]:
            yield f"source {source['source_name']}.{source['name']} has no description"
    for unique_id, node in manifest["nodes"].items():
        if node["resource_type"] == "model":
            yield from _model_faults(node, tests.get(unique_id, set()))


def _model_faults(model: Node, tests: set[str]) -> Iterator[str]:
    name = model["name"]
    if not model["description"]:
        yield f"model {name} has no description"
    if not tests & set(_KEY_TESTS):
        yield f"model {name} has no test of its key: `unique` on a column, or `unique_together`"
    if not model["columns"]:
        yield f"model {name} names no columns"
    for column in model["columns"].values():
        if not column["description"]:
            yield f"column {name}.{column['name']} has no description"
    if model["fqn"][1] == "marts" and not model["contract"]["enforced"]:
        yield f"model {name} is a mart without an enforced contract"


def _tests_by_model(manifest: Mapping[str, Any]) -> Mapping[str, set[str]]:
    """The names of the generic tests of each model."""
    tests: dict[str, set[str]] = {}
    for node in manifest["nodes"].values():
        if node["resource_type"] == "test" and node.get("attached_node"):
            name = (node.get("test_metadata") or {}).get("name", "")
            tests.setdefault(node["attached_node"], set()).add(name)
    return tests


def _badly_written() -> list[str]:
    """What sqlfluff says of the models."""
    command = [
        str(Path(sys.executable).parent / "sqlfluff"),
        "lint",
        "--nocolor",
        "--processes",
        "1",
    ]
    process = subprocess.run(  # noqa: S603 - a tool of our own environment
        [*command, "--config", str(project.PROJECT / ".sqlfluff"), "models"],
        cwd=project.PROJECT,
        env={**os.environ, "DO_NOT_TRACK": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    return [] if process.returncode == 0 else [process.stdout + process.stderr]


def _manifest() -> Mapping[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        project.parse(Path(folder), *_DEPRECATIONS)
        text = (Path(folder) / "manifest.json").read_text(encoding="utf-8")
    parsed: Mapping[str, Any] = json.loads(text)
    return parsed


if __name__ == "__main__":
    sys.exit(main())
