"""The reader's language: chosen by a cookie, else what the browser prefers. The words are the kernel's, as mails have them."""

from flask import Flask, g, has_request_context, request

from coinsphere import i18n
from coinsphere.i18n import ENGLISH, LANGUAGES
from coinsphere.i18n import gettext as gettext  # noqa: PLC0414 - for pages
from coinsphere.i18n import ngettext as ngettext  # noqa: PLC0414 - for pages

COOKIE = "locale"
NAMES = {"en": "English", "de": "Deutsch"}
"""Of the languages, in themselves."""


def register(app: Flask) -> None:
    """Write each answer of `app` in its reader's language, the API's in English."""
    # First of all: what is refused before its view is asked, is refused in the reader's language, too.
    app.before_request_funcs.setdefault(None, []).insert(0, _choose)


def locale() -> str:
    """The present reader's language, of `LANGUAGES`."""
    if not has_request_context():
        return i18n.language()
    if "locale" not in g:
        chosen = request.cookies.get(COOKIE)
        g.locale = (
            chosen
            if chosen in LANGUAGES
            else request.accept_languages.best_match(LANGUAGES, ENGLISH)
        )
    language: str = g.locale
    return language


def _choose() -> None:
    # A thread keeps what the request before it has set.
    i18n.speak(ENGLISH if request.path.startswith("/api/") else locale())
