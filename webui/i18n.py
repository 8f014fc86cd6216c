"""Words and numbers in the reader's language: Babel's catalogues, chosen by a cookie, else by what the browser prefers."""

from functools import cache
from pathlib import Path

from babel.support import NullTranslations, Translations
from flask import g, has_request_context, request

COOKIE = "locale"
_FOLDER = Path(__file__).parent / "locale"
LOCALES = ("en", *sorted(each.parent.parent.name for each in _FOLDER.glob("*/LC_MESSAGES/*.mo")))
"""The language that everything is written in, and those that it was translated into."""


def locale() -> str:
    """The present reader's language, of `LOCALES`."""
    if not has_request_context():
        return LOCALES[0]
    if "locale" not in g:
        chosen = request.cookies.get(COOKIE)
        g.locale = (
            chosen if chosen in LOCALES else request.accept_languages.best_match(LOCALES, "en")
        )
    found: str = g.locale
    return found


def gettext(message: str) -> str:
    """`message` in the reader's language; as it is where nobody has translated it yet."""
    translated: str = _catalogue(locale()).ugettext(message)
    return translated


def ngettext(singular: str, plural: str, number: int) -> str:
    """The form for `number` in the reader's language."""
    translated: str = _catalogue(locale()).ungettext(singular, plural, number)
    return translated


@cache
def _catalogue(name: str) -> NullTranslations:
    return Translations.load(_FOLDER, [name])
