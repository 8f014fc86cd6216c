"""What is said of a table as a whole: by its cells, by the person who imports it, and what is still to be asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from coinsphere.parsing.number_formats import Mark
from coinsphere.portfolio.imports.formats.row import Reading
from coinsphere.portfolio.imports.formats.timestamps import Order


@dataclass(frozen=True, slots=True)
class Answers:
    """What the person who imports says of a file; None where it is not said."""

    number_format: Mark | None = None
    date_order: Order | None = None
    date_language: str | None = None
    time_zone: str | None = None
    ignore_columns: tuple[str, ...] = ()


class Question(NamedTuple):
    """What a file does not decide: the answer's name, the columns it is about, and what may be answered."""

    option: str
    columns: tuple[str, ...]
    choices: tuple[str, ...]
    message: str


class Decision(NamedTuple):
    """What was decided for a column, and by which cell or rule."""

    column: str
    what: str
    because: str


class Unread(NamedTuple):
    """A column that is not read, and why not."""

    column: str
    reason: str


@dataclass(slots=True)
class Decided:
    """All that was decided of a table, and what is still to be asked."""

    reading: Reading
    decisions: list[Decision] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    unread: list[Unread] = field(default_factory=list)


class Customs(NamedTuple):
    """How a format is documented to write what its cells leave open.

    The order of dates, whether other columns may be there, and whether times are those of a clock that somebody has
    chosen, which the file does not name.
    """

    order: Order | None = None
    takes_any_column: bool = False
    has_own_clock: bool = False


def answered(given: Mapping[str, object]) -> Answers:
    """Answers as they are stored."""
    mark, order, zone = given.get("numberFormat"), given.get("dateOrder"), given.get("timeZone")
    language, ignored = given.get("dateLanguage"), given.get("ignoreColumns")
    return Answers(
        None if mark is None else Mark(str(mark)),
        None if order is None else Order(str(order)),
        None if language is None else str(language),
        None if zone is None else str(zone),
        tuple(map(str, ignored)) if isinstance(ignored, list) else (),
    )
