"""What templates do with text that is markup already."""

import inspect
import re
from pathlib import Path

from markupsafe import Markup

from webui import figures

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
