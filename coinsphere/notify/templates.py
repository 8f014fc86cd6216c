"""Renders mails from the files in `templates/`, as text and as HTML with everything escaped."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from coinsphere import i18n


@dataclass(frozen=True, slots=True)
class Message:
    """A mail's subject and its two forms."""

    subject: str
    text: str
    html: str


def account_mail(
    headline: str,
    *paragraphs: str,
    link: str | None = None,
    facts: Sequence[tuple[str, str]] = (),
) -> Message:
    """A mail about an account, with its headline as the subject."""
    return render(
        "account", headline, headline=headline, paragraphs=paragraphs, link=link, facts=facts
    )


def render(name: str, subject: str, **values: Any) -> Message:
    """The mail of the files `name` in `templates/`; unprintable characters of the subject are left out."""
    environment = _environment()
    return Message(
        printable(subject),
        environment.get_template(f"{name}.txt").render(values),
        environment.get_template(f"{name}.html").render(values),
    )


def printable(subject: str) -> str:
    """The subject without what could break the header into two: a portfolio's name is a user's text."""
    return "".join(character for character in subject if character.isprintable())[:200]


def link(pages_url: str, page: str, token: str) -> str:
    """The address of one of our pages with a token."""
    return f"{pages_url.rstrip('/')}/{page}?token={quote(token, safe='')}"


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("coinsphere.notify", "templates"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        # No look at the files for each mail: they change with the program only.
        auto_reload=False,
        keep_trailing_newline=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_callables(  # type: ignore[attr-defined]  # the extension adds it
        i18n.gettext, i18n.ngettext, newstyle=True
    )
    environment.globals["language"] = i18n.language
    return environment
