"""Each command that guides and runbooks show is run by a test: what only looks here, literally, the rest where it is told.

Of the two of the global model, which take minutes, what they call is run, with a quick recipe.
"""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
from click.testing import CliRunner

from coinsphere.cli.main import cli
from tests.unit.docs.test_shown_commands import PAGES, resolved, shown

TESTS = Path(__file__).resolve().parents[2]
HERE = """
    audit list, audit verify, backup identity, config check, config docs, config show, db status,
    exchanges list, exchanges unbooked, experiments, integrity, jobs list, keys list, mail, mail list,
    market gaps, market quarantine, market revisions, market status, portfolio rebuild, portfolio tax,
    tokens list, users list
"""
ELSEWHERE = {
    "e2e/test_local_system.py": "doctor, down, links, logs, status, up",
    "integration/backup/test_backup.py": "backup create, backup drill, backup list, backup restore",
    "integration/backup/test_before_upgrade.py": "upgrade",
    "integration/backup/test_own_server.py": "backup prune, backup verify",
    "integration/db/test_commands.py": "db seed, db upgrade",
    "integration/deploy/test_apart.py": "db provision, prepare, run, secrets",
    "integration/exchanges/test_commands.py": "exchanges sync",
    "integration/jobs/test_every_task.py": "jobs cancel, jobs retry, jobs show",
    "integration/local/test_red.py": "fill",
    "integration/market/test_asset_events.py": "market events add, market events list, market events remove",
    "integration/market/test_import.py": "market import",
    "integration/market/test_quarantine_review.py": "market release, market remove",
    "integration/market/test_suspects.py": "market doubt",
    "integration/ml/test_cli.py": "ml evaluate, ml predict, ml show, ml train",
    "integration/ml/test_global_pipeline.py": "ml predict-global, ml train-global",
    "integration/ml/test_pipeline.py": "ml reproduce",
    "integration/notify/test_outbox.py": "mail retry, mail show",
    "integration/orchestration/test_jobs.py": "dbt",
    "integration/portfolio/valuation/test_reference_rates.py": "portfolio rates",
    "integration/security/test_audit.py": "audit anchor, audit reseal",
    "integration/security/test_keys.py": "keys revoke, keys rotate",
    "integration/webapi/test_admin_tokens.py": "tokens activate, tokens add, tokens deactivate, tokens delete, tokens edit",
    "integration/webapi/test_cli.py": "users create-admin",
    "unit/ml/evaluation/test_backtest_command.py": "ml backtest, ml implied",
    "unit/webapi/graphql/test_schema.py": "api graphql",
    "unit/webapi/test_documentation.py": "api openapi, api postman",
}
EMAIL = "ada@example.com"
_SHELL = re.compile(r"\s+(?:[>#&].*|\[.*)")
"""Where the shell takes over, and what may be left out."""


def names(told: str) -> set[str]:
    return {" ".join(name.split()) for name in told.split(",")}


def everything() -> Iterator[tuple[str, list[str]]]:
    """Each command by its name, and its words as they are shown; a group of commands is none."""
    for text in {_SHELL.sub("", text) for page in PAGES for text in shown(page.read_text())}:
        words = shlex.split(text.replace("EMAIL", EMAIL))[1:]
        command, rest = resolved(["coinsphere", *words])
        if not isinstance(command, click.Group) or command.invoke_without_command:
            yield " ".join(words[: len(words) - len(rest)]), words


def test_each_is_run_here_or_by_the_test_that_is_named() -> None:
    known = names(HERE).union(*map(names, ELSEWHERE.values()))
    assert {name for name, _ in everything()} == known
    for test, told in ELSEWHERE.items():
        text = (TESTS / test).read_text()
        for name in names(told):
            word = name.split()[-1].replace("-", "[-_]")
            assert re.search(rf"[\"' .]{word}[\"' (]", text), (test, name)


def test_what_only_looks_is_run_as_it_is_shown(database, owner, tmp_path, monkeypatch) -> None:
    owner.execute("insert into app.users (email, password_hash) values (%s, 'x')", [EMAIL])
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COINSPHERE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COINSPHERE_DATABASE_URL", database.owner)
    looks = [words for name, words in everything() if name in names(HERE)]
    assert len(looks) > 25
    done = {" ".join(words): CliRunner().invoke(cli, words) for words in looks}
    assert {each: how.output for each, how in done.items() if how.exit_code != 0} == {}
