"""Scripts of others are those that were looked at: the lock, what was installed and what is served agree."""

import hashlib
import json
import re
from pathlib import Path

import pytest

import webui
from webui import npm_packages, vendoring

HERE = Path(webui.__file__).parent
ENTRIES = json.loads((HERE / "vendor.json").read_text())
LOCK = json.loads((HERE / "package-lock.json").read_text())["packages"]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda each: each["as"])
def test_what_is_served_is_what_was_listed(entry) -> None:
    served = (HERE / "vendor" / entry["as"]).read_bytes()
    assert hashlib.sha256(served).hexdigest() == entry["sha256"]


def test_what_was_installed_is_what_was_locked() -> None:
    installed = json.loads((HERE / "node_modules" / ".package-lock.json").read_text())["packages"]
    for name in {f"node_modules/{entry['package']}" for entry in ENTRIES}:
        assert installed[name]["integrity"] == LOCK[name]["integrity"]
        assert installed[name]["version"] == LOCK[name]["version"]


def test_the_lock_names_no_registry_and_every_package_has_its_licence() -> None:
    for name, entry in LOCK.items():
        assert "resolved" not in entry, name
    for package in {entry["package"] for entry in ENTRIES}:
        assert any(e["package"] == package and "LICENSE" in e["as"] for e in ENTRIES)


def test_the_list_of_what_comes_from_npm_is_that_of_the_locks() -> None:
    """But for the bytes after compression, which differ a little from one zlib to the next."""
    compressed = re.compile(r"[\d,]+ \|$", re.MULTILINE)
    page = (HERE.parent / "docs" / "npm.md").read_text()
    assert compressed.sub("|", page) == compressed.sub("|", npm_packages.document()), (
        "run `make docs`"
    )


def test_another_file_is_not_copied(tmp_path, monkeypatch, capsys) -> None:
    folder = tmp_path / "node_modules" / "p"
    folder.mkdir(parents=True)
    (folder / "a.js").write_text("evil()")
    entry = {"package": "p", "file": "a.js", "as": "a.js", "sha256": "0" * 64}
    (tmp_path / "vendor.json").write_text(json.dumps([entry]))
    monkeypatch.setattr(vendoring, "_HERE", tmp_path)
    monkeypatch.setattr(vendoring, "_LIST", tmp_path / "vendor.json")
    assert vendoring.main() == 1
    assert list((tmp_path / "vendor").iterdir()) == []
    assert "is not what" in capsys.readouterr().err
