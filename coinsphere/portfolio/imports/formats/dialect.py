"""Decides number formats, orders of dates and time zones of a table before any of its rows is read.

Nothing is guessed: what its cells do not decide is asked.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, tzinfo

from coinsphere.parsing import number_formats
from coinsphere.parsing.number_formats import Contradiction, Evidence, Mark
from coinsphere.portfolio.errors import UnreadableFile
from coinsphere.portfolio.imports.formats import (
    named_dates,
    timestamps,
    untold_columns,
)
from coinsphere.portfolio.imports.formats.columns import Column
from coinsphere.portfolio.imports.formats.decisions import (
    Answers,
    Customs,
    Decided,
    Decision,
    Question,
    Unread,
)
from coinsphere.portfolio.imports.formats.row import Reading
from coinsphere.portfolio.imports.formats.table import Table
from coinsphere.portfolio.imports.formats.timestamps import ASKED, NoMoment, Order


def decide(table: Table, columns: Sequence[Column], customs: Customs, answers: Answers) -> Decided:
    """Decide from all cells of a table.

    Raises:
        UnreadableFile: a column contradicts itself, or an answer is none.
    """
    decided = Decided(Reading(units=dict(table.header.units), names=dict(table.header.names)))
    _decide_numbers(table, _of(columns, "number", table), answers, decided)
    for name in _of(columns, "moment", table):
        _decide_order(table, name, customs, answers, decided)
        _decide_zone(table, name, customs, answers, decided)
    _note_unread(table, customs, answers, decided)
    return decided


def _of(columns: Sequence[Column], role: str, table: Table) -> list[str]:
    return [each.name for each in columns if each.role == role and each.name in table.header.places]


def _cells(table: Table, name: str) -> Iterator[tuple[int, str]]:
    place = table.header.places[name]
    return ((line.number, line.cells[place]) for line in table.lines if place < len(line.cells))


# Numbers


def _decide_numbers(table: Table, names: Sequence[str], answers: Answers, decided: Decided) -> None:
    evidence = {name: number_formats.evidence(_cells(table, name)) for name in names}
    open_columns = []
    for name, seen in evidence.items():
        others = [its for other, its in evidence.items() if other != name]
        mark, because = _mark(table, name, seen, others, answers)
        if mark is None:
            open_columns.append((name, next(iter(seen.ambiguous.values()))))
            continue
        decided.reading.marks[name] = mark
        if because:
            decided.decisions.append(Decision(table.header.names[name], f"decimal {mark}", because))
    if open_columns:
        line, cell = open_columns[0][1]
        decided.questions.append(
            Question(
                "numberFormat",
                tuple(table.header.names[name] for name, _ in open_columns),
                tuple(Mark),
                f"{cell.strip()!r} in line {line} can be read with its mark before a fraction or between thousands",
            )
        )


def _mark(
    table: Table, name: str, seen: Evidence, others: Sequence[Evidence], answers: Answers
) -> tuple[Mark | None, str]:
    """The mark before the fraction and why; None where it is to be asked."""
    if answers.number_format is not None:
        return answers.number_format, "as answered"
    try:
        return number_formats.decided(seen, others, table.delimiter)
    except Contradiction as error:
        raise UnreadableFile(
            f"writes numbers in two ways in the column {table.header.names[name]!r}: {error}; if one of both is wrong, "
            "answer numberFormat"
        ) from None


# Dates


def _decide_order(
    table: Table, name: str, customs: Customs, answers: Answers, decided: Decided
) -> None:
    seen = timestamps.found(_cells(table, name))
    title = table.header.names[name]
    order, because = _order(title, seen, customs, answers)
    if order is None:
        line, cell = seen.first or (0, "")
        choices = tuple(each for each in ASKED if each in seen.possible)
        if _is_same_everywhere(table, name, choices):
            order, because = choices[0], "each date is the same in both orders"
        else:
            message = f"{cell.strip()!r} in line {line} can be read in more than one order of day and month"
            decided.questions.append(Question("dateOrder", (title,), choices, message))
            return
    decided.reading.orders[name] = order
    decided.decisions.append(Decision(title, f"dates {order}", because))
    if order is Order.NAMED:
        _decide_language(table, name, answers, decided)


def _decide_language(table: Table, name: str, answers: Answers, decided: Decided) -> None:
    """English where that fits; else what all languages that fit agree on."""
    title = table.header.names[name]
    fitting = named_dates.languages(cell for _, cell in _cells(table, name))
    if answers.date_language is not None:
        fitting = {_answered_language(answers.date_language): ()}
    if not fitting:
        raise UnreadableFile(
            f"names months in several languages in the column {title!r}; if one of them is wrong, answer dateLanguage"
        )
    if named_dates.ENGLISH not in fitting and len(set(fitting.values())) > 1:
        names = ", ".join(map(named_dates.name_of, fitting))
        message = f"names of months in the column {title!r} are different ones in {names}"
        decided.questions.append(Question("dateLanguage", (title,), tuple(fitting), message))
        return
    chosen = named_dates.ENGLISH if named_dates.ENGLISH in fitting else next(iter(fitting))
    because = "as answered" if answers.date_language else "fits all cells"
    decided.reading.languages[name] = chosen
    decided.decisions.append(
        Decision(title, f"months as in {named_dates.name_of(chosen)}", because)
    )


def _answered_language(language: str) -> str:
    if language not in named_dates.known():
        raise UnreadableFile(
            f"cannot be read in the language {language!r}: its months are not known"
        )
    return language


def _order(
    title: str, seen: timestamps.Found, customs: Customs, answers: Answers
) -> tuple[Order | None, str]:
    if seen.first is None:
        return Order.YMD, "no cell is a date"
    if len(seen.possible) == 1:
        return next(
            iter(seen.possible)
        ), f"fits all cells, as {seen.first[1].strip()!r} in line {seen.first[0]}"
    asked = answers.date_order
    if asked is not None and (asked in seen.possible or not seen.possible):
        return asked, "as answered"
    if not seen.possible:
        raise UnreadableFile(_contradiction(title, seen))
    if customs.order in seen.possible:
        return customs.order, "as the format is documented"
    if Order.DMY in seen.possible and timestamps.is_dotted(seen.first[1]):
        return Order.DMY, "dates with points have the day first"
    return None, ""


def _contradiction(title: str, seen: timestamps.Found) -> str:
    assert seen.first is not None
    line, cell = seen.first
    other = next(
        (each for each in reversed(seen.ruled_out.values()) if each != seen.first), seen.first
    )
    return (
        f"writes dates in two ways in the column {title!r}: {cell.strip()!r} in line {line},"
        f" {other[1].strip()!r} in line {other[0]}; if one of both is wrong, answer dateOrder"
    )


def _is_same_everywhere(table: Table, name: str, choices: Sequence[Order]) -> bool:
    """Whether all dates are as 03/03/2026."""
    return all(
        len({timestamps.date_in(cell, order) for order in choices}) == 1
        for _, cell in _cells(table, name)
    )


def _decide_zone(
    table: Table, name: str, customs: Customs, answers: Answers, decided: Decided
) -> None:
    zone = _answered_zone(answers) or table.header.zones.get(name) or _zone_above(table)
    title = table.header.names[name]
    is_local = customs.has_own_clock or name in table.header.local
    if zone is None and is_local and not _names_zones(table, name):
        message = f"the column {title!r} is in a local time that the file does not name"
        decided.questions.append(Question("timeZone", (title,), (), message))
        return
    decided.reading.zones[name] = zone or UTC
    what = f"times without a zone in {zone or 'UTC'}"
    because = (
        "as answered" if answers.time_zone else "by its header" if zone else "no zone is named"
    )
    decided.decisions.append(Decision(title, what, because))


def _zone_above(table: Table) -> tzinfo | None:
    """The zone that the lines above the header name."""
    try:
        return timestamps.zone_of(table.zone) if table.zone else None
    except NoMoment:
        return None


def _answered_zone(answers: Answers) -> tzinfo | None:
    if answers.time_zone is None:
        return None
    try:
        return timestamps.zone_of(answers.time_zone)
    except NoMoment as error:
        raise UnreadableFile(f"cannot be read in that time zone: {error}") from None


def _names_zones(table: Table, name: str) -> bool:
    return all(timestamps.names_zone(cell) for _, cell in _cells(table, name) if cell.strip())


# Columns that are not read


def _note_unread(table: Table, customs: Customs, answers: Answers, decided: Decided) -> None:
    unknown = []
    for place, title in enumerate(table.titles):
        column = table.header.known.get(place)
        name = title or f"column {place + 1}"
        if column is not None and column.role == "unread":
            decided.unread.append(Unread(name, column.why))
        elif column is None and not _holds(table, place):
            decided.unread.append(Unread(name, "is empty"))
        elif column is None and name in answers.ignore_columns:
            decided.unread.append(Unread(name, "as answered"))
        elif (
            column is None
            and customs.takes_any_column
            and not untold_columns.may_tell(table, place)
        ):
            decided.unread.append(Unread(name, "is not mapped"))
        elif column is None:
            decided.unread.append(Unread(name, "is not known"))
            unknown.append(name)
    if unknown:
        decided.questions.append(_whether_to_ignore(tuple(unknown), customs))


def _whether_to_ignore(columns: tuple[str, ...], customs: Customs) -> Question:
    what = (
        "may tell that a row did not happen, which way it went, when, or what its price is in, unless mapped"
        if customs.takes_any_column
        else "this format does not know"
    )
    message = f"columns of the file that {what}: {', '.join(columns)}; without them, is all said?"
    return Question("ignoreColumns", columns, columns, message)


def _holds(table: Table, place: int) -> bool:
    return any(
        place < len(line.cells) and line.cells[place].strip().lower() not in number_formats.NOTHING
        for line in table.lines
    )
