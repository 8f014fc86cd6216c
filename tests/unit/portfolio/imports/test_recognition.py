"""Formats told apart by their headers."""

import pytest

from coinsphere.portfolio.errors import UnreadableFile
from coinsphere.portfolio.imports.formats import layouts, recognition


def header(form: str) -> str:
    """All columns of a format that has a reader of its own."""
    return ",".join(each.header or each.name for each in layouts.layout(form, None).columns)


@pytest.mark.parametrize("form", [each for each in layouts.FORMATS if each != "generic"])
@pytest.mark.parametrize("before", ["", "\ufeff", "Transactions\nof Ada,2026\n\n"])
def test_each_format_is_known_by_its_header(form, before) -> None:
    assert recognition.format_of(f"{before}{header(form)}\n") == form
    assert recognition.format_of(f"{before}{header(form).replace(',', ';')}\r\n") == form


def test_our_own_json_and_what_nobody_knows() -> None:
    assert recognition.format_of(' {"transactions": []}') == "coinsphere"
    assert recognition.format_of("Tag,Monto,Moneda\n1,2,3\n") == "generic"
    assert recognition.format_of("") == "generic"
    with pytest.raises(UnreadableFile, match="workbook"):
        recognition.format_of("PK\x03\x04")


def test_titles_of_a_file_of_others() -> None:
    assert recognition.titles("Export, of Ada\nTag;Menge;Preis;\n1;2;3;\n") == [
        "Tag",
        "Menge",
        "Preis",
    ]
    assert recognition.titles("a\tb\tc\n") == ["a", "b", "c"]
    assert recognition.titles("prose, alone\nand more\n") == []
