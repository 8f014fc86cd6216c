"""Names of months in many languages, as CLDR has them (https://cldr.unicode.org, by Babel): `make months` stores them.

Stored, as Babel reads all that it knows of 97 locales for them: a second of somebody's wait, and 30 MB of an image.
"""

import json
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from babel import Locale, UnknownLocaleError, localedata
from babel.core import get_global
from babel.languages import get_official_languages

Names = dict[str, list[list[str]]]
"""By language (ISO 639): January's names, February's, and so on, in lower case and without a dot at the end."""

_FILE = Path(__file__).with_suffix(".json")
_SPELLINGS = ("en_GB", "de_AT")
"""Of a country's own: Sept, Jänner."""


def stored() -> Names:
    """The names as the file has them."""
    names: Names = json.loads(_FILE.read_text(encoding="utf-8"))
    return names


def of_cldr() -> Names:
    """The names of each language that is official somewhere; a name that is two months in a language is the first."""
    months: dict[str, dict[str, int]] = defaultdict(dict)
    for locale in _locales():
        for name, month in _months(locale):
            months[locale.language].setdefault(name, month)
    return {
        language: [[name for name, at in names.items() if at == month] for month in range(1, 13)]
        for language, names in sorted(months.items())
    }


def _locales() -> Iterator[Locale]:
    countries = get_global("territory_languages")
    official = {name for each in countries for name in get_official_languages(each)}
    for name in (*sorted(official), *_SPELLINGS):
        # What an alias stands for in one language is remembered in the root that all share: German months had Azeri names.
        localedata._cache.clear()  # noqa: SLF001 - there is no public way
        try:
            yield Locale.parse(name)
        except UnknownLocaleError:
            continue


def _months(locale: Locale) -> Iterator[tuple[str, int]]:
    for context in ("format", "stand-alone"):
        for width in ("wide", "abbreviated"):
            for month, name in locale.months[context][width].items():
                yield unicodedata.normalize("NFC", name).casefold().rstrip("."), month


def main() -> None:
    """Store the names of the Babel that is installed."""
    lines = (
        f"{json.dumps(language)}: {json.dumps(months, ensure_ascii=False)}"
        for language, months in of_cldr().items()
    )
    _FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
