"""The documents hold together: every link of one page to another leads somewhere."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
_LINK = re.compile(r"\]\((?!https?://|#|mailto:)([^)#\s]+)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page: Path) -> None:
    missing = [
        link for link in _LINK.findall(page.read_text()) if not (page.parent / link).exists()
    ]
    assert missing == []


def test_every_decision_states_status_context_decision_and_consequences() -> None:
    for page in (ROOT / "docs" / "adr").glob("[0-9]*.md"):
        text = page.read_text()
        for part in ("Status:", "## Context", "## Decision", "## Consequences"):
            assert part in text, f"{page.name} has no {part}"


def test_every_guide_and_runbook_is_reachable_from_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    for page in (ROOT / "docs" / "guides").glob("*.md"):
        assert f"docs/guides/{page.name}" in readme, f"the README does not name {page.name}"
