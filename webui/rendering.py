"""Templates, and what every page has: its head, its policy, who looks at it."""

import gzip
from typing import Any

from flask import Flask, Response, render_template, request
from jinja2 import StrictUndefined

from webapi.services import services
from webui import api_messages, devices, figures, i18n, icons, requests
from webui.assets import Assets
from webui.i18n import gettext, locale, ngettext
from webui.pages import flash_messages
from webui.security import cookies, forms

THEMES = ("auto", "light", "dark")
THEME_COOKIE = "theme"
POLICY = "; ".join(  # noqa: FLY002 - one directive a line
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "font-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types default",
    )
)
_LEAST_COMPRESSED = 1024
_LEVEL = 5


def register(app: Flask, files: Assets) -> None:
    """Set up the templates of `app`, and the head of every page."""
    environment = app.jinja_env
    environment.add_extension("jinja2.ext.i18n")
    environment.install_gettext_callables(  # type: ignore[attr-defined]  # the extension adds it
        gettext, ngettext, newstyle=True
    )
    i18n.register(app)
    environment.undefined = StrictUndefined
    environment.trim_blocks = environment.lstrip_blocks = True
    environment.filters.update(figures.FILTERS, said=api_messages.in_words, device=devices.named)
    environment.globals.update(
        asset=files.url, has_asset=files.has, icon=icons.icon, csrf_token=forms.token,
        locale=locale, languages=i18n.NAMES, theme=theme, caller=cookies.caller, openid=_openid, caller_is_known=cookies.is_known, time_zone=cookies.time_zone, themes=THEMES, take_note=flash_messages.take,alert_words=figures.alert_words, alert_value=figures.alert_value,
        known_places=lambda: {rule.rule for rule in app.url_map.iter_rules()},
    )  # fmt: skip
    app.after_request(_finish)


def page(template: str, **values: Any) -> Response:
    """The page, or the part of one, that `template` makes of `values`."""
    return Response(render_template(template, **values), mimetype="text/html")


def _openid() -> str | None:
    """What the button for the OpenID provider calls it; None where there is none."""
    work = services()
    return work.settings.oidc_name if work.openid is not None else None


def theme() -> str:
    """Light, dark, or as the reader's system is."""
    chosen = request.cookies.get(THEME_COOKIE, "")
    return chosen if chosen in THEMES else THEMES[0]


def _finish(answer: Response) -> Response:
    if answer.mimetype != "text/html" or not requests.wants_page():
        return answer
    answer.headers["Content-Security-Policy"] = POLICY
    answer.headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=()"
    # A form's page must say where it was sent from, or `Origin` would be null.
    answer.headers["Referrer-Policy"] = "same-origin"
    answer.headers["Content-Language"] = locale()
    answer.vary.update(("Accept-Encoding", "Cookie", "HX-Request"))
    _pack(answer)
    return flash_messages.forget(answer)


def _pack(answer: Response) -> None:
    """Compress; what a guesser at a secret by lengths (BREACH) needs, a request from his site with our cookie, is none."""
    if not request.accept_encodings.quality("gzip") or answer.is_streamed:
        return
    body = answer.get_data()
    if len(body) >= _LEAST_COMPRESSED:
        answer.set_data(gzip.compress(body, _LEVEL, mtime=0))
        answer.headers["Content-Encoding"] = "gzip"
