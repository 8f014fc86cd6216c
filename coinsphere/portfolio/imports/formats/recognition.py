"""Recognises the format of a file by its header; for an unknown one it gives the titles, for a mapping."""

import csv
import io
import re
from itertools import islice

from coinsphere.portfolio.errors import UnreadableFile
from coinsphere.portfolio.imports.formats import layouts, table

OTHER = "generic"
_ACTIVITIES = re.compile(r'"activities"\s*:\s*\[')
"""What Ghostfolio calls its transactions."""
_LEAST_TITLES = 3
_MOST_PREAMBLE = 200


def format_of(text: str) -> str:
    """The name of the format in `layouts.FORMATS` that knows most columns of the header; `generic` where none does.

    Raises:
        UnreadableFile: it is no text that can hold a table.
    """
    if text.lstrip("\ufeff \r\n\t").startswith("{"):
        return "ghostfolio" if _ACTIVITIES.search(text) else "coinsphere"
    table.require_text(text)
    known = {form: _known_columns(text, form) for form in layouts.FORMATS if form != OTHER}
    best = max(known, key=lambda form: known[form])
    return best if known[best] else OTHER


def _known_columns(text: str, form: str) -> int:
    try:
        return len(table.header_of(text, layouts.layout(form, None).columns).known)
    except UnreadableFile:
        return 0


def titles(text: str) -> list[str]:
    """The cells of the first line that looks like a header, whatever parts them; empty where none does.

    Raises:
        UnreadableFile: it is no text that can hold a table.
    """
    table.require_text(text)
    body = io.StringIO(text.removeprefix("\ufeff"), newline="")
    for line in islice(body, _MOST_PREAMBLE):
        cells = max((_cells(line, each) for each in table.DELIMITERS), key=len)
        if len(cells) >= _LEAST_TITLES:
            return cells
    return []


def _cells(line: str, delimiter: str) -> list[str]:
    cells = next(csv.reader([line.strip("\r\n")], delimiter=delimiter), [])
    return list(dict.fromkeys(cell.strip() for cell in cells if cell.strip()))
