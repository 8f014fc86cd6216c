"""Translates texts by Babel catalogues in `locale/`, compiled when first needed, so none is stale.

English is what everything is written in. Who writes to a person says in which language by `speaking`; pages say it once a
request. Numbers and dates by the same language: `coinsphere.notify.figures`.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

_FOLDER = Path(__file__).parent / "locale"
ENGLISH = "en"
LANGUAGES = (ENGLISH, *sorted(each.parent.parent.name for each in _FOLDER.glob("*/*/messages.po")))
"""The language that everything is written in, and those that it was translated into."""
_language = ContextVar("language", default=ENGLISH)


def N_(message: str) -> str:  # noqa: N802 - its name in gettext's manual
    """Marks a text for translation where it is shown later."""
    return message


def language() -> str:
    """The present reader's language, one of `LANGUAGES`."""
    return _language.get()


def speak(chosen: str) -> None:
    """Set the language of the present request or task."""
    _language.set(chosen if chosen in LANGUAGES else ENGLISH)


@contextmanager
def speaking(chosen: str | None) -> Iterator[None]:
    """Use a person's language within the context, English where it is not known."""
    before = _language.set(chosen if chosen in LANGUAGES else ENGLISH)
    try:
        yield
    finally:
        _language.reset(before)


def gettext(message: str) -> str:
    """`message` in the reader's language; unchanged where there is no translation."""
    translated: str = _catalogue(language()).ugettext(message)
    return translated


def ngettext(singular: str, plural: str, number: int) -> str:
    """The form for `number` in the reader's language."""
    translated: str = _catalogue(language()).ungettext(singular, plural, number)
    return translated


@cache
def _catalogue(name: str) -> NullTranslations:
    if name == ENGLISH:
        return NullTranslations()
    compiled = io.BytesIO()
    with (_FOLDER / name / "LC_MESSAGES" / "messages.po").open("rb") as source:
        write_mo(compiled, read_po(source, locale=name))
    compiled.seek(0)
    return Translations(compiled)
