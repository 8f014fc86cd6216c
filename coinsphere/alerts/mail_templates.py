"""The mail about an alert that fired."""

from coinsphere.alerts.firing import Firing
from coinsphere.notify import figures, templates
from coinsphere.notify.templates import Message

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


def fired(firing: Firing) -> Message:
    """The mail about an alert that fired."""
    written = _WRITTEN[firing.alert_type]
    value = written(firing.observed_value)
    headline = f"{firing.subject}: {_WATCHED[firing.alert_type]} is {value}"
    previous = firing.previous_value
    return templates.render(
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
