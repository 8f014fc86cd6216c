"""What guides and runbooks tell a person to type exists: the command, and each of its options."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from coinsphere.cli.main import cli

ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted(
    page for folder in ("guides", "runbooks") for page in (ROOT / "docs" / folder).glob("*.md")
)
_SPAN = re.compile(r"`(coinsphere [a-z][^`]*)`")
_LINE = re.compile(r"^\s*(?:\S+/)?(coinsphere [a-z].*)$", re.MULTILINE)
_FENCED = re.compile(r"```\w*\n(.*?)```", re.DOTALL)
_ENDS = ("&&", "|", ">", ";", "||", "&", "#")


def shown(text: str) -> Iterator[str]:
    """Every command that a page shows, up to where the shell takes over."""
    fenced = "\n".join(_FENCED.findall(text))
    prose = _FENCED.sub("", text)
    for found in (
        *_LINE.findall(fenced),
        *(" ".join(each.split()) for each in _SPAN.findall(prose)),
    ):
        for part in re.split(r"&&|\|\||;|\|", found):
            if part.strip().startswith("coinsphere "):
                yield part.strip()


def resolved(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that the first words name, and the rest."""
    command: click.Command = cli
    rest = words[1:]
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-"):
        found = command.get_command(click.Context(command), rest[0])
        if found is None:
            raise AssertionError(f"`{' '.join(words)}`: there is no {rest[0]!r}")
        command, rest = found, rest[1:]
    return command, rest


def refuse_unknown(text: str) -> None:
    words = shlex.split(text.replace("'", ""), comments=True)
    words = words[: next((at for at, word in enumerate(words) if word[0] in "><&#"), len(words))]
    command, rest = resolved(words)
    known = {"--help", "-h", "--version"} | {
        name for each in command.params for name in (*each.opts, *each.secondary_opts)
    }
    if command.context_settings.get("ignore_unknown_options"):
        return  # those of a program behind it
    given = {
        word.partition("=")[0] for word in rest if re.fullmatch(r"--?[a-zA-Z][\w-]*(=.*)?", word)
    }
    assert given <= known, f"`{text}`: {given - known}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: f"{page.parent.name}/{page.name}")
def test_every_command_that_is_shown_exists(page: Path) -> None:
    for text in shown(page.read_text()):
        refuse_unknown(text)


def test_there_are_some_and_a_wrong_one_is_refused() -> None:
    everything = [text for page in PAGES for text in shown(page.read_text())]
    assert len(everything) > 150
    assert "coinsphere backup verify" in everything
    for wrong in (
        "coinsphere backup vérify",
        "coinsphere backup list --plase x",
        "coinsphere nothing",
    ):
        with pytest.raises(AssertionError):
            refuse_unknown(wrong)


def test_every_runbook_is_named_by_a_guide_an_alert_or_another() -> None:
    texts = [page.read_text() for page in PAGES]
    texts += [(ROOT / "deploy" / "prometheus" / "alerts.yml").read_text()]
    for page in (ROOT / "docs" / "runbooks").glob("*.md"):
        assert any(f"{page.name}" in text for text in texts), page.name


def test_help_of_every_command_of_the_runbooks_is_there() -> None:
    for page in (ROOT / "docs" / "runbooks").glob("*.md"):
        for text in shown(page.read_text()):
            command, _ = resolved(shlex.split(text.replace("'", "")))
            said = CliRunner().invoke(command, ["--help"])
            assert said.exit_code == 0, text
