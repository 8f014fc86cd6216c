"""What the documents say of the code is there: names, paths and decisions."""

import ast
import re
from pathlib import Path

import pytest

from tests import call_order

ROOT = Path(__file__).resolve().parents[3]
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()
WAYS = re.split(r"^### ", ARCHITECTURE, flags=re.MULTILINE)[1:]
ROOMS = "coinsphere|ml|orchestration|webapi|webui|expectations|dbt_project|migrations|tests|bench|deploy|clients|docs"
NAME = re.compile(r"`((?:coinsphere|ml|orchestration|webapi|webui|expectations)(?:\.\w+)+)`")


def exists(name: str) -> bool:
    """Whether a function or method of that dotted name is defined where it says."""
    parts = name.split(".")
    for length in range(len(parts) - 1, 0, -1):
        module = ROOT.joinpath(*parts[:length]).with_suffix(".py")
        if module.is_file():
            return _defines(ast.parse(module.read_text()).body, parts[length:])
    return False


def _defines(body: list[ast.stmt], names: list[str]) -> bool:
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    for node in body:
        if isinstance(node, kinds) and node.name == names[0]:
            return len(names) == 1 or _defines(node.body, names[1:])
    return False


@pytest.mark.parametrize("way", WAYS, ids=[way.splitlines()[0] for way in WAYS])
def test_a_way_names_functions_that_exist(way: str) -> None:
    names = NAME.findall(way)
    assert len(names) >= 5
    assert [name for name in names if not exists(name)] == []


@pytest.mark.parametrize("way", WAYS, ids=[way.splitlines()[0] for way in WAYS])
def test_the_functions_of_a_way_call_one_another_in_its_order(way: str) -> None:
    """In each process, whose name stands in italics; and not the other way round."""
    chains = [NAME.findall(chain) for chain in re.split(r"(?m)^\d+\. (?=\*)", way)[1:]]
    assert sum(map(len, chains)) == len(NAME.findall(way))
    assert [call_order.out_of_order(names) for names in chains] == [[] for _ in chains]
    turned = [names[::-1] for names in chains if len(names) > 1]
    assert all(call_order.out_of_order(names) for names in turned)


def test_there_is_a_way_for_each_kind_of_data() -> None:
    assert len(WAYS) == 6
    assert not exists("coinsphere.portfolio.recording.no_such_function")


def test_the_table_of_changes_leads_to_places_that_exist() -> None:
    rows = [
        line for line in (ROOT / "CONTRIBUTING.md").read_text().splitlines() if line[:2] == "| "
    ]
    paths = [re.findall(r"`([^`]+)`", row.split("|")[2]) for row in rows[1:]]
    assert len(paths) >= 20
    missing = [path for row in paths for path in row if not list(ROOT.glob(path.split("::")[0]))]
    assert missing == []
    assert all(paths)


def paths_of(page: Path) -> list[str]:
    """The paths of the repository that a page names; NAME stands for any name."""
    named = re.findall(rf"`((?:{ROOMS})/[\w./*{{}},-]+)(?:::\w+)?`", page.read_text())
    return [re.sub(r"\{(\w+),[^}]*\}", r"\1", path).replace("NAME", "*") for path in named]


def test_every_path_that_a_guide_names_exists() -> None:
    pages = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]
    pages += [*(ROOT / "docs" / "guides").glob("*.md"), *(ROOT / "docs" / "runbooks").glob("*.md")]
    paths = [(page.name, path) for page in pages for path in paths_of(page)]
    assert len(paths) >= 100
    assert [(page, path) for page, path in paths if not list(ROOT.glob(path.rstrip("/")))] == []


def test_the_index_names_every_decision_once_and_says_which_were_superseded() -> None:
    index = (ROOT / "docs" / "adr" / "README.md").read_text()
    for page in (ROOT / "docs" / "adr").glob("[0-9]*.md"):
        lines = [line for line in index.splitlines() if f"]({page.name})" in line]
        assert len(lines) == 1, f"{page.name} stands in the index {len(lines)} times"
        if re.search(r"^Status: superseded", page.read_text(), flags=re.MULTILINE):
            assert "superseded by" in lines[0], (
                f"the index does not say what superseded {page.name}"
            )


def test_the_index_says_of_each_decision_which_later_one_changed_a_part_of_it() -> None:
    index = (ROOT / "docs" / "adr" / "README.md").read_text()
    line_of = {line[3:7]: line for line in index.splitlines() if line.startswith("- [")}
    changing = r"(?:supersedes|replaces|changes|takes)\b([^;]*?)(?:;|\.\s|\n\n)"
    unmarked = [
        (former, page.name)
        for page in sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
        for part in re.findall(changing, _status(page), flags=re.IGNORECASE | re.DOTALL)
        for former in re.findall(r"\b\d{4}\b", re.sub(r"\([^)]*\)", "", part))
        if page.name[:4] not in line_of[former]
    ]
    assert unmarked == []


def _status(page: Path) -> str:
    text = page.read_text()
    return text[text.index("Status:") : text.index("## Context")]
