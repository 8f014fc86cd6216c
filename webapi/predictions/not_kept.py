"""What the log of forecasts does not keep of an answer."""

from collections.abc import Mapping
from typing import Any

from webapi.http.schema import camel

_OF_VERSION = "what the version had reached is not kept with a forecast"
_OF_RUNG = "as which of the models of all tokens it stood, champion or baseline, is not kept with a forecast"
_NOT_KEPT = {
    "prediction.technical_indicators": "indicators are not kept by moment",
    "model.rung": _OF_RUNG,
    "model.trained_at": "when it was trained is not kept with a forecast",
    "quality.coverage80": _OF_VERSION,
    "quality.coverage95": _OF_VERSION,
    "quality.skill_vs_naive": _OF_VERSION,
    "quality.evaluated_on": _OF_VERSION,
    "quality.beats_naive": _OF_VERSION,
    "quality.in_distribution": "the forecast does not say it",
    "quality.validated": _OF_RUNG,
    "quality.reason": "why no model of all tokens had passed its gates is not kept with a forecast",
}


def of(shown: Mapping[str, Any]) -> list[dict[str, str]]:
    """The fields of an answer from the log that are null as they were not stored, with the reason."""
    absent = []
    for path, reason in _NOT_KEPT.items():
        part, field = path.split(".")
        if shown[part][field] is None:
            absent.append({"field": camel(path), "reason": reason})
    return absent
