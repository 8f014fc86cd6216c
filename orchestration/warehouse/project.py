"""The dbt project's files: where they lie, the environment that dbt needs, and its manifest. Imports no Dagster."""

import fcntl
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from coinsphere.errors import ConfigurationError
from coinsphere.settings import Role, Settings

PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"
MANIFEST = PROJECT / "target" / "definitions" / "manifest.json"
"""Apart from what `dbt` itself writes into `target`: that names whatever database it was run on, and may be half done."""
_SOURCES = ("dbt_project.yml", "profiles.yml", "models", "macros", "tests", "seeds", "snapshots")
_NO_DATABASE = "none"
_NOWHERE = {
    "HOST": "127.0.0.1",
    "PORT": "5432",
    "USER": "none",
    "PASSWORD": "none",
    "NAME": _NO_DATABASE,
}
"""Parsing renders the profile but connects to nothing."""


def executable(program: str = "dbt") -> str:
    """The program that is installed beside this Python, whatever PATH says."""
    return str(Path(sys.executable).parent / program)


def environment(settings: Settings) -> dict[str, str]:
    """The variables that `profiles.yml` reads: the pipeline's database, and no telemetry."""
    url = urlsplit(settings.url_for(Role.PIPELINE))
    return _variables(
        {
            "HOST": url.hostname or "127.0.0.1",
            "PORT": str(url.port or 5432),
            "USER": unquote(url.username or ""),
            "PASSWORD": unquote(url.password or ""),
            "NAME": url.path.removeprefix("/"),
        }
    )


def by_hand(settings: Settings) -> dict[str, str]:
    """The variables of a dbt that somebody runs, who may not write beside the code.

    It writes into a folder of the state, apart from that of Dagster's runs, which may be going on.
    """
    written = str(settings.state / "dbt-by-hand")
    return {
        **environment(settings),
        "DBT_PROJECT_DIR": str(PROJECT),
        "DBT_PROFILES_DIR": str(PROJECT),
        "DBT_TARGET_PATH": written,
        "DBT_LOG_PATH": written,
    }


def ensure_manifest() -> Path:
    """The manifest of the project as it is now; parses the project if it changed since.

    Costs a few `stat` calls where nothing changed. Processes that find it stale at once take turns.

    Raises:
        ConfigurationError: dbt cannot parse the project; carries what it said.
    """
    if _is_stale():
        MANIFEST.parent.mkdir(parents=True, exist_ok=True)
        with (MANIFEST.parent / "parse.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if _is_stale():
                _parse()
    return MANIFEST


def _is_stale() -> bool:
    if not MANIFEST.is_file():
        return True
    parsed_at = MANIFEST.stat().st_mtime
    return any(path.stat().st_mtime > parsed_at for path in _files())


def _files() -> Iterator[Path]:
    """Files and folders that the manifest is made of; a folder's own time tells of files that went."""
    for name in _SOURCES:
        path = PROJECT / name
        if path.exists():
            yield path
            yield from path.rglob("*")


def manifest(settings: Settings) -> dict[str, Any]:
    """The manifest, with the database of `settings`, where they name one, in place of the one it was parsed for.

    Dagster counts the rows of each model by the name that stands in it.

    Raises:
        ConfigurationError: dbt cannot parse the project.
    """
    parsed: dict[str, Any] = json.loads(ensure_manifest().read_text(encoding="utf-8"))
    if settings.database_url is None and settings.pipeline_database_url is None:
        return parsed
    name = environment(settings)["COINSPHERE_DBT_NAME"]
    for node in (*parsed["nodes"].values(), *parsed["sources"].values()):
        node["database"] = name
        if node.get("relation_name"):
            node["relation_name"] = node["relation_name"].replace(
                f'"{_NO_DATABASE}"', f'"{name}"', 1
            )
    return parsed


def _parse() -> None:
    """Parse in a folder of our own and put the manifest in its place at once: others may be reading it."""
    with tempfile.TemporaryDirectory(dir=MANIFEST.parent) as folder:
        parse(Path(folder))
        (Path(folder) / MANIFEST.name).replace(MANIFEST)


def parse(target: Path, *options: str) -> None:
    """Parse the project without a database; `options` stand before dbt's command.

    Raises:
        ConfigurationError: dbt cannot parse it; carries what it said.
    """
    process = subprocess.run(  # noqa: S603 - our own executable and arguments
        [executable(), "--quiet", *options, "parse", "--no-partial-parse"],
        cwd=PROJECT,
        env={
            **os.environ,
            **_variables(_NOWHERE),
            "DBT_PROFILES_DIR": str(PROJECT),
            "DBT_TARGET_PATH": str(target),
            "DBT_LOG_PATH": str(target),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode != 0:
        raise ConfigurationError(f"dbt cannot parse {PROJECT}:\n{process.stdout}{process.stderr}")


def _variables(values: dict[str, str]) -> dict[str, str]:
    return {
        **{f"COINSPHERE_DBT_{name}": value for name, value in values.items()},
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }
