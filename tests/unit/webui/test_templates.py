"""What templates do with text that is markup already, and with names that they have words for."""

import inspect
import re
from collections.abc import Iterable
from pathlib import Path

import pytest
from jinja2 import Environment, nodes
from markupsafe import Markup

from coinsphere.defi.model import PositionKind
from coinsphere.exchanges.model import Verdict
from coinsphere.market.reference.asset_events import EventKind
from coinsphere.portfolio.imports.formats.layouts import FORMATS
from coinsphere.portfolio.model import Kind
from webapi.api_keys.scopes import KeyScope
from webapi.features import Feature
from webui import figures
from webui.pages.admin.heat_map import Measure

TEMPLATES = Path(figures.__file__).parent / "templates"
OF_MARKUP = [
    name
    for name, function in inspect.getmembers(figures, inspect.isfunction)
    if inspect.signature(function).return_annotation is Markup
]


def test_no_attribute_holds_markup() -> None:
    """An element within an attribute ends it, and the rest of the tag is shown as text."""
    assert "moment" in OF_MARKUP
    within = re.compile(rf"=\"[^\"]*\|\s*({'|'.join(OF_MARKUP)})\b")
    found = [
        f"{path.relative_to(TEMPLATES)}: {match[0]}"
        for path in TEMPLATES.rglob("*.html")
        for match in within.finditer(path.read_text())
    ]
    assert found == []


@pytest.mark.parametrize(
    ("template", "names"),
    [
        ("account/api_keys.html", KeyScope),
        ("admin/asset_events.html", EventKind),
        ("admin/features.html", Feature),
        ("admin/heat.html", Measure),
        ("connections/words.html", PositionKind),
        ("connections/words.html", Verdict),
        ("imports/words.html", FORMATS),
        ("parts/words.html", Kind),
    ],
)
def test_every_name_has_its_words(template: str, names: Iterable[str]) -> None:
    """One without them is a page that fails, for all who see a row of that kind."""
    assert set(names) in _tables(template)


def _tables(template: str) -> list[set[str]]:
    """The keys of each table of words."""
    tree = Environment(extensions=["jinja2.ext.i18n"], autoescape=True).parse(
        (TEMPLATES / template).read_text()
    )
    tables = [
        {item.key.value for item in found.items if isinstance(item.key, nodes.Const)}
        for found in tree.find_all(nodes.Dict)
    ]
    assert tables
    return tables
