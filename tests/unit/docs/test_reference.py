"""Every command, route and make target is documented where a person would look for it."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from pydantic import SecretStr

from coinsphere.cli.main import cli
from coinsphere.settings import Settings
from webapi.app import create_app

ROOT = Path(__file__).resolve().parents[3]
DOCS = "\n".join(page.read_text() for page in [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])


def commands(group: click.Group, path: str) -> Iterator[str]:
    """The full name of every command below `group`."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, f"{path} {name}")
        elif command is not None:
            yield f"{path} {name}"


def test_there_are_commands_to_document() -> None:
    assert {"coinsphere up", "coinsphere market import", "coinsphere mail list"} & set(
        commands(cli, "coinsphere")
    )


@pytest.mark.parametrize("command", sorted(commands(cli, "coinsphere")))
def test_every_command_is_documented(command: str) -> None:
    assert re.search(rf"\b{re.escape(command)}\b", DOCS), f"no document shows `{command}`"


def test_every_setting_is_documented() -> None:
    table = (ROOT / "docs" / "settings.md").read_text()
    missing = [
        name for name in Settings.model_fields if f"`COINSPHERE_{name.upper()}`" not in table
    ]
    assert missing == []


def test_every_route_is_in_the_guide(tmp_path: Path) -> None:
    guide = (ROOT / "docs" / "guides" / "api.md").read_text()
    # Nothing is connected before the first request, so nothing needs to listen there.
    settings = Settings(
        home=tmp_path,
        database_url=SecretStr("postgresql://nobody:x@127.0.0.1:1/x"),
        redis_url=SecretStr("redis://127.0.0.1:1/0"),
    )
    rules = {
        re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule).removeprefix("/api/v1")
        for rule in create_app(settings).url_map.iter_rules()
    }
    missing = sorted(rule for rule in rules if rule not in guide)
    assert missing == []


def test_make_help_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, flags=re.MULTILINE))
    listed = subprocess.run(
        ["make", "help"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    assert targets
    assert {target for target in targets if not re.search(rf"\b{target}\b", listed)} == set()
