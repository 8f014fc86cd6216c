"""Names the browser and system of a session, from its `User-Agent`."""

import re

from webui.i18n import gettext

_BROWSERS = (
    ("Edge", r"\bEdg(?:A|iOS)?/"),
    ("Opera", r"\bOPR/"),
    ("Samsung Internet", r"\bSamsungBrowser/"),
    ("Firefox", r"\b(?:Firefox|FxiOS)/"),
    ("Chrome", r"\b(?:(?:Headless)?Chrome|CriOS)/"),
    ("Safari", r"\bVersion/.*\bSafari/"),
)
"""In this order: most of them claim to be those below them, too."""
_SYSTEMS = (
    ("iPhone", r"\biPhone\b"),
    ("iPad", r"\biPad\b"),
    ("Android", r"\bAndroid\b"),
    ("Windows", r"\bWindows NT\b"),
    ("ChromeOS", r"\bCrOS\b"),
    ("macOS", r"\bMac OS X\b"),
    ("Linux", r"\bLinux\b"),
)


def named(user_agent: str | None) -> str:
    """A browser and its system, as "Firefox on Windows"; a program by its own name, and what nobody told as unknown."""
    if not user_agent:
        return gettext("Unknown program")
    browser, system = _first(_BROWSERS, user_agent), _first(_SYSTEMS, user_agent)
    if browser and system:
        return gettext("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return user_agent


def _first(names: tuple[tuple[str, str], ...], user_agent: str) -> str | None:
    return next((name for name, form in names if re.search(form, user_agent)), None)
