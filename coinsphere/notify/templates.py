"""The words of every mail, rendered from the files in `templates/`; HTML is escaped."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from coinsphere.notify import figures

if TYPE_CHECKING:
    from coinsphere.alerts.evaluation import Firing

_WRITTEN = {
    "price": figures.dollars,
    "percent_change": figures.percent,
    "volume": figures.dollars,
    "prediction": figures.percent,
    "risk": figures.score,
    "portfolio": figures.dollars,
}
_WATCHED = {
    "price": "price",
    "percent_change": "change over 24 hours",
    "volume": "volume over 24 hours",
    "prediction": "predicted change for tomorrow",
    "risk": "risk score",
    "portfolio": "value",
}


@dataclass(frozen=True, slots=True)
class Message:
    """A mail's subject and its two forms."""

    subject: str
    text: str
    html: str


def alert(firing: Firing) -> Message:
    """The mail about an alert that fired."""
    written = _WRITTEN[firing.alert_type]
    value = written(firing.observed_value)
    headline = f"{firing.subject}: {_WATCHED[firing.alert_type]} is {value}"
    previous = firing.previous_value
    return _render(
        "alert",
        headline,
        headline=headline,
        value=value,
        previous="not known" if previous is None else written(previous),
        condition=firing.condition.replace("_", " "),
        threshold=written(firing.threshold),
        source=firing.source,
        observed_at=figures.moment(firing.observed_at),
    )


def letter(
    headline: str,
    *paragraphs: str,
    link: str | None = None,
    facts: Sequence[tuple[str, str]] = (),
) -> Message:
    """A mail about an account: its headline is its subject too."""
    return _render(
        "letter", headline, headline=headline, paragraphs=paragraphs, link=link, facts=facts
    )


def _render(name: str, subject: str, **values: Any) -> Message:
    environment = _environment()
    return Message(
        # A portfolio's name is a user's text: it must not break the header into two.
        "".join(character for character in subject if character.isprintable())[:200],
        environment.get_template(f"{name}.txt").render(values),
        environment.get_template(f"{name}.html").render(values),
    )


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("coinsphere.notify", "templates"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
