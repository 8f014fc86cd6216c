"""Reads a whole file of transactions: its rows, their groups, the problems of each, and an id for each transaction.

Every row is booked, left out with the reason, or wrong. A transaction that its file does not name is named by what it
says and by how many equal ones came before it in the file. So the same file again brings nothing new, and two equal rows
of one file stay two.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from operator import attrgetter

from coinsphere.portfolio.imports.formats import balances, identities, json_members, layouts
from coinsphere.portfolio.imports.formats.columns import all_columns
from coinsphere.portfolio.imports.formats.decisions import (
    Answers,
    Decided,
    Decision,
    Question,
    Unread,
)
from coinsphere.portfolio.imports.formats.dialect import decide
from coinsphere.portfolio.imports.formats.identities import Numbered
from coinsphere.portfolio.imports.formats.layouts import FORMATS, Layout
from coinsphere.portfolio.imports.formats.row import (
    Nothing,
    Parsed,
    Problem,
    Reading,
    Row,
    WrongCell,
    moment,
    number,
)
from coinsphere.portfolio.imports.formats.table import Line, Table, table

__all__ = ["FORMATS", "Content", "read"]

_NO_ANSWERS = Answers()


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a file: transactions with their lines, and the reasons for the other lines.

    `left_out` are rows that mean nothing for holdings, `warnings` say what does not add up though the rows are booked. With
    `questions`, nothing was read yet. `column_of` gives the file's column for a part of a transaction.
    """

    rows: int
    parsed: list[tuple[int, Parsed]]
    problems: list[Problem]
    left_out: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    decisions: list[Decision] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)
    layout: Layout | None = None
    names: Mapping[str, str] = field(default_factory=dict)

    def column_of(self, parsed: Parsed, part: str) -> str:
        """The file's title of the column that a part of a transaction comes from."""
        ours = self.layout.told(parsed).get(part, part) if self.layout else part
        return self.names.get(ours, ours)


def read(
    content: str,
    form: str,
    mapping: Mapping[str, str] | None = None,
    answers: Answers = _NO_ANSWERS,
) -> Content:
    """Read a file.

    Args:
        content: its text.
        form: one of `FORMATS`.
        mapping: of the generic format: our columns to those of the file.
        answers: what the person says of what the file leaves open.

    Raises:
        UnreadableFile: it has no header with the columns of the format, contradicts itself, or has too many rows.
    """
    layout = layouts.layout(form, mapping)
    if layout.members is not None and content.lstrip("\ufeff \r\n\t").startswith("{"):
        decided = Decided(Reading(has_plain_numbers=True))
        lines, wrong, decided.unread = json_members.read(content, decided.reading, layout.members)
        return _read(lines, layout, form, decided, len(lines) + len(wrong), wrong, [])
    parsed_table = table(content, layout.columns)
    columns = all_columns(parsed_table.header, layout.columns)
    decided = decide(parsed_table, columns, layout.customs, answers)
    if decided.questions:
        return Content(
            len(parsed_table.lines), [], [], questions=decided.questions, decisions=decided.decisions, unread=decided.unread
        )  # fmt: skip
    rows, problems, left_out = _rows(parsed_table, decided.reading)
    count = len(rows) + len(problems) + len(left_out)
    return _read(_oldest_first(rows, layout), layout, form, decided, count, problems, left_out)


def _rows(
    parsed_table: Table, reading: Reading
) -> tuple[list[Numbered], list[Problem], list[Problem]]:
    """The rows as our columns, what is wrong with others, and those that only repeat the header."""
    rows, problems, left_out = [], [], []
    if parsed_table.cut is not None:
        problems.append(
            Problem(parsed_table.cut.number, None, "is cut off: the file ends within it")
        )
    titles = [title.lower() for title in parsed_table.titles]
    for line in parsed_table.lines:
        if [cell.strip("\ufeff \t").lower() for cell in line.cells] == titles:
            left_out.append(Problem(line.number, None, "repeats the header"))
        elif any(cell.strip() for cell in line.cells[len(titles) :]):
            problems.append(_too_long(line, len(titles)))
        else:
            rows.append(Numbered(line.number, _row(parsed_table, line, reading)))
    return rows, problems, left_out


def _too_long(line: Line, width: int) -> Problem:
    reason = (
        f"has {len(line.cells)} cells, the header {width}: is a cell with a comma not in quotes?"
    )
    return Problem(line.number, None, reason)


def _row(parsed_table: Table, line: Line, reading: Reading) -> Row:
    width = len(line.cells)
    cells = {
        name: line.cells[place] if place < width else ""
        for name, place in parsed_table.header.places.items()
    }
    return Row(cells, reading)


def _oldest_first(rows: list[Numbered], layout: Layout) -> list[Numbered]:
    """Files of the newest first are turned round: what stands together at one instant is turned round, too."""
    column = next(each.name for each in layout.columns if each.role == "moment")
    times = []
    for row in rows:
        try:
            times.append(moment(row.cells, column))
        except WrongCell:
            continue
    pairs = list(itertools.pairwise(times))
    is_newest_first = any(one > two for one, two in pairs) and all(one >= two for one, two in pairs)
    return rows[::-1] if is_newest_first else rows


def _read(  # noqa: PLR0917 - what is known by now
    rows: list[Numbered],
    layout: Layout,
    form: str,
    decided: Decided,
    count: int,
    problems: list[Problem],
    left_out: list[Problem],
) -> Content:
    _note_signs(rows, decided.reading)
    names = decided.reading.names
    parsed: list[tuple[int, Parsed]] = []
    cautions: list[Problem] = []
    once, again, contradicting = identities.told_once(rows, layout.identity, names)
    left_out, problems = left_out + again, problems + contradicting
    for group in _groups(once, layout):
        try:
            transactions = layout.read([row.cells for row in group])
        except WrongCell as error:
            column = names.get(error.column, error.column) or None
            problems += _refused(group, column, error.reason, error.place)
        except Nothing as nothing:
            left_out += [Problem(row.number, None, str(nothing)) for row in group]
        else:
            parsed += [(group[0].number, each) for each in transactions]
            cautions += _caution(group, layout)
            problems += [] if transactions else _refused(group, None, "is not understood")
    return Content(
        count, identities.named(parsed, layout.shares_names_with or form), sorted(problems, key=_by_line), sorted(left_out, key=_by_line),
        sorted([*_warnings(once, layout, names), *cautions], key=_by_line), decisions=decided.decisions, unread=decided.unread, layout=layout, names=names,
    )  # fmt: skip


def _caution(group: Sequence[Numbered], layout: Layout) -> list[Problem]:
    reason = layout.caution([row.cells for row in group]) if layout.caution else None
    return [] if reason is None else [Problem(group[0].number, None, reason)]


_by_line = attrgetter("line")


def _refused(
    group: Sequence[Numbered], column: str | None, reason: str, place: int = 0
) -> list[Problem]:
    """Refuses all rows of a group of which one is wrong, naming that one's line."""
    lines = [row.number for row in group]
    wrong = lines.pop(place)
    of_group = f"belongs to line {wrong}: {reason}"
    return [Problem(wrong, column, reason), *(Problem(line, column, of_group) for line in lines)]


def _note_signs(rows: Sequence[Numbered], reading: Reading) -> None:
    """Whether a file's amounts have signs: then one without a minus says that it comes; the same of fees."""
    reading.has_signs = any(_with_minus(rows, "amount"))
    reading.has_negative_fees = any(_with_minus(rows, "fee"))
    reading.signed_kinds |= {
        row.cells["type"] for row in _with_minus(rows, "amount") if "type" in row.cells
    }


def _with_minus(rows: Sequence[Numbered], column: str) -> Iterator[Numbered]:
    for row in rows:
        with suppress(WrongCell):
            if (number(row.cells, column) or 0) < 0:
                yield row


def _warnings(rows: Sequence[Numbered], layout: Layout, names: Mapping[str, str]) -> list[Problem]:
    if layout.contradiction is not None:
        return [problem for row in rows if (problem := _contradiction(row, layout, names))]
    if layout.balance is None or layout.balance.column not in names:
        return []
    problem = balances.first_difference(rows, layout.balance)
    return [] if problem is None else [replace(problem, column=names[layout.balance.column])]


def _contradiction(row: Numbered, layout: Layout, names: Mapping[str, str]) -> Problem | None:
    """The contradiction within a readable row; None where there is none."""
    assert layout.contradiction is not None
    try:
        fault = layout.contradiction(row.cells)
    except WrongCell:
        return None
    return None if fault is None else Problem(row.number, names.get(fault[0], fault[0]), fault[1])


def _groups(rows: Sequence[Numbered], layout: Layout) -> list[list[Numbered]]:
    """Rows that belong together, in the order of the first of each."""
    if layout.groups is None:
        return [[row] for row in rows]
    indices = layout.groups([row.cells for row in rows])
    return [[rows[index] for index in group] for group in indices]
