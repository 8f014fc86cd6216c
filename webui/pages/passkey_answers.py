"""Reads an authenticator's answer out of the form that a script filled in."""

import json
from typing import Any

from flask import request
from pydantic import ValidationError

from webapi.passkeys.schemas import AssertionIn

_MOST_CHARACTERS = 64 * 1024


def credential() -> dict[str, Any]:
    """The field of a credential, read; empty where there is none or it cannot be read, which the model then says."""
    text = request.form.get("credential", "")
    if not 0 < len(text) <= _MOST_CHARACTERS:
        return {}
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return {"credential": answer} if isinstance(answer, dict) else {}


def assertion() -> AssertionIn | None:
    """The answer to a challenge; None where there is none."""
    try:
        fields = {"challengeId": request.form.get("challengeId"), **credential()}
        return AssertionIn.model_validate(fields)
    except ValidationError:
        return None
