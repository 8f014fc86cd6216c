"""Decisions on a table as a whole: by its cells, by the answers of the person who imports it, and questions left."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from coinsphere.parsing.number_formats import Mark
from coinsphere.portfolio.imports.formats.row import Reading
from coinsphere.portfolio.imports.formats.timestamps import Order


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers of the person who imports a file; None where there is none."""

    number_format: Mark | None = None
    date_order: Order | None = None
    date_language: str | None = None
    time_zone: str | None = None
    ignore_columns: tuple[str, ...] = ()


class Question(NamedTuple):
    """A question that a file leaves open: the answer's name, its columns, and the possible answers."""

    option: str
    columns: tuple[str, ...]
    choices: tuple[str, ...]
    message: str


class Decision(NamedTuple):
    """The decision on a column, and the cell or rule it follows from."""

    column: str
    what: str
    because: str


class Unread(NamedTuple):
    """A column that is not read, and the reason."""

    column: str
    reason: str


@dataclass(slots=True)
class Decided:
    """The decisions on a table, and the questions left."""

    reading: Reading
    decisions: list[Decision] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)


class Customs(NamedTuple):
    """Conventions that a format documents, for what its cells leave open.

    The order of dates, whether other columns may be there, and whether times are those of a clock that somebody has
    chosen, which the file does not name.
    """

    order: Order | None = None
    takes_any_column: bool = False
    has_own_clock: bool = False


def answered(answers: Mapping[str, object]) -> Answers:
    """Parses answers as they are stored."""
    mark, order, zone = (
        answers.get("numberFormat"),
        answers.get("dateOrder"),
        answers.get("timeZone"),
    )
    language, ignored = answers.get("dateLanguage"), answers.get("ignoreColumns")
    return Answers(
        None if mark is None else Mark(str(mark)),
        None if order is None else Order(str(order)),
        None if language is None else str(language),
        None if zone is None else str(zone),
        tuple(map(str, ignored)) if isinstance(ignored, list) else (),
    )
