"""Dates with a month's name in many languages: 2 Jan 2026, Jan 2, 2026, 2. März 2026, 1er mai 2026.

Names are those of `month_names`. A few words are one month here and another there: `listopad` is October in Croatian and
November in Czech and Polish.
"""

import calendar
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from typing import NamedTuple

from babel import Locale

from coinsphere.portfolio.imports.formats import month_names

ENGLISH = "en"
YEARS = range(2009, 2100)
"""From the first token on; a year outside is no year, which tells orders of two-digit years apart."""
_OF = r"(?:d(?:e|el|['\u2019])\s*\b)?"
_WORD = r"(?P<month>[^\W\d_]{3,15})"
_FORMS = (
    re.compile(rf"(?P<day>[0-9]{{1,2}})(?:st|nd|rd|th|er)?[-./ ]+{_OF}{_WORD}[-., ]+{_OF}(?P<year>[0-9]{{4}}|[0-9]{{2}})\b"),
    re.compile(rf"{_WORD}[-. ]+(?P<day>[0-9]{{1,2}})(?:st|nd|rd|th)?,?[- ]+(?P<year>[0-9]{{4}})\b"),
)  # fmt: skip
_WEEKDAY = re.compile(r"(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*[,.]?\s+", re.IGNORECASE)

Date = tuple[int, int, int]
"""Year, month, day."""


class Named(NamedTuple):
    """A date with a month's name: its meaning in each language that knows the word, and the text after it."""

    dates: Mapping[str, Date]
    rest: str


def named(cell: str) -> Named:
    """A cell's date by language; none where no language knows the word."""
    match = _match(_WEEKDAY.sub("", unicodedata.normalize("NFC", cell), count=1))
    if match is None:
        return Named({}, "")
    year = int(match["year"]) + (2000 if len(match["year"]) == 2 else 0)  # noqa: PLR2004 - two digits
    dates = _dates(int(match["day"]), match["month"].casefold(), year)
    return Named(dates, match.string[match.end() :])


def languages(cells: Iterable[str]) -> dict[str, tuple[Date, ...]]:
    """The languages in which each cell with a month's name is a date, and those dates."""
    distinct = [each for each in dict.fromkeys(map(_frozen, cells)) if each]
    if not distinct:
        return {}
    fitting = set.intersection(*({language for language, _ in each} for each in distinct))
    seen = [dict(each) for each in distinct]
    return {language: tuple(each[language] for each in seen) for language in sorted(fitting)}


def known() -> frozenset[str]:
    """Every language whose months we know, by its code (ISO 639)."""
    return frozenset(language for months in _words().values() for language in months)


def name_of(language: str) -> str:
    """A language's name in English."""
    name: str = Locale(ENGLISH).languages.get(language, language)
    return name


def is_date(date: Date) -> bool:
    """Whether there is such a day, in a year of tokens."""
    year, month, day = date
    return year in YEARS and 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1]  # noqa: PLR2004


def _frozen(cell: str) -> tuple[tuple[str, Date], ...]:
    return tuple(named(cell.strip()).dates.items())


def _match(plain: str) -> re.Match[str] | None:
    return next((match for form in _FORMS if (match := form.match(plain))), None)


@lru_cache(maxsize=4096)
def _dates(day: int, word: str, year: int) -> Mapping[str, Date]:
    dates = {language: (year, month, day) for language, month in _words().get(word, {}).items()}
    return {language: date for language, date in dates.items() if is_date(date)}


@cache
def _words() -> Mapping[str, Mapping[str, int]]:
    """The month that a word is, by language."""
    words: dict[str, dict[str, int]] = defaultdict(dict)
    for language, months in month_names.stored().items():
        for month, names in enumerate(months, 1):
            for name in names:
                words[name][language] = month
    return words
