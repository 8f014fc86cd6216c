"""Line icons as SVG in the page: no request, no style attribute, the text's colour."""

from markupsafe import Markup

_PATHS = {
    "dashboard": "M4 13h6V4H4zM14 20h6v-9h-6zM14 4v4h6V4zM4 20h6v-4H4z",
    "markets": "M4 17l5-6 4 4 7-9M15 6h5v5",
    "portfolio": "M12 3a9 9 0 1 0 9 9h-9zM15 3.5A9 9 0 0 1 20.5 9H15z",
    "alerts": "M6 16V11a6 6 0 1 1 12 0v5l1.5 2h-15zM10 20.5h4",
    "account": "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20c.8-3.6 3.8-5.5 7.5-5.5s6.7 1.9 7.5 5.5",
    "admin": "M12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM12 3v3M12 18v3M3 12h3M18 12h3M5.600 5.600l2.100 2.100M16.300 16.300l2.100 2.100M5.600 18.400l2.100-2.100M16.300 7.700l2.100-2.100",
    "search": "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14zM16 16l4.5 4.500",
    "star": "M12 3.600l2.600 5.300 5.800.800-4.200 4.100 1 5.800-5.200-2.700-5.200 2.700 1-5.800-4.200-4.100 5.800-.800z",
    "theme": "M12 3a9 9 0 1 0 0 18zM12 3a9 9 0 0 1 0 18",
    "logout": "M10 4H5v16h5M15 8l4 4-4 4M19 12H9",
    "check": "M5 12.500l4.500 4.500L19 7.500",
    "warn": "M12 4l9 16H3zM12 10v4.500M12 17.200v.1",
    "shield": "M12 3l7.500 3v5.500c0 4.600-3 8-7.500 9.500-4.500-1.500-7.500-4.900-7.500-9.500V6zM9 12l2.200 2.200L15.200 10",
    "file": "M6 3h8l5 5v13H6zM14 3v5h5M12.500 18v-6M9.800 14.500l2.700-2.700 2.700 2.700",
    "key": "M8 19a4.5 4.5 0 1 0 0-9 4.500 4.500 0 0 0 0 9zM11.300 11.300L20 3M16 6.700l3 3",
}

NAMES = tuple(_PATHS)
"""All icons there are."""


def icon(name: str) -> Markup:
    """The icon of that name, hidden from who listens: a text beside it says what it means."""
    return Markup(
        '<svg class="icon" viewBox="0 0 24 24" width="20" height="20" aria-hidden="true" focusable="false">'
        '<path d="{}"/></svg>'
    ).format(_PATHS[name])
