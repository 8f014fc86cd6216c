"""Reads transactions of a JSON file as rows of the table that the same program writes."""

import json
from collections.abc import Mapping
from functools import partial

from coinsphere.parsing import untrusted_json
from coinsphere.portfolio.errors import UnreadableFile
from coinsphere.portfolio.imports.formats import row_readers
from coinsphere.portfolio.imports.formats.decisions import Unread
from coinsphere.portfolio.imports.formats.identities import Numbered
from coinsphere.portfolio.imports.formats.layout import Members
from coinsphere.portfolio.imports.formats.row import Problem, Reading, Row
from coinsphere.portfolio.imports.formats.table import MOST_ROWS

_texts = partial(
    json.loads, parse_float=str, parse_int=str, object_pairs_hook=untrusted_json.unique
)
"""Numbers stay as they are written: a float has too few digits."""


def read(
    content: str, reading: Reading, members: Members
) -> tuple[list[Numbered], list[Problem], list[Unread]]:
    """The transactions, what of the list is none, and members that are not read; numbers take the place of lines'.

    Raises:
        UnreadableFile: it is no JSON, has no list of that name, or too many transactions.
    """
    listed = _listed(content, members.name)
    places = {place: each for place, each in enumerate(listed, 1) if isinstance(each, dict)}
    rows = [Numbered(place, Row(_cells(each, members), reading)) for place, each in places.items()]
    wrong = [
        Problem(place, None, "is no transaction")
        for place in range(1, len(listed) + 1)
        if place not in places
    ]
    others = dict.fromkeys(
        name for each in places.values() for name in each if name not in members.columns
    )
    return rows, wrong, [Unread(name, members.unread.get(name, "is not known")) for name in others]


def _listed(content: str, name: str) -> list[object]:
    """What stands in the list of that name, of which something is a transaction. Raises `UnreadableFile`."""
    try:
        document = untrusted_json.decode(content.removeprefix("\ufeff"), _texts)
    except ValueError as error:
        raise UnreadableFile(f"is no JSON: {error}") from None
    listed = document.get(name)
    is_list = isinstance(listed, list)
    if not is_list or (listed and not any(isinstance(each, dict) for each in listed)):
        raise UnreadableFile(f"has no list of {name}")
    if len(listed) > MOST_ROWS:
        raise UnreadableFile(f"has more than {MOST_ROWS:,} transactions: split it")
    return list(listed)


def _cells(member: Mapping[str, object], members: Members) -> dict[str, str]:
    write = row_readers.guarded if members.is_guarded else str
    return {
        column: "" if member.get(name) is None else write(str(member[name]))
        for name, column in members.columns.items()
    }
