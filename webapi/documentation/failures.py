"""The failures of routes and the headers of answers, written once in the OpenAPI document and referred to."""

from http import HTTPStatus
from typing import Any

from webapi.http import errors

PROBLEM: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "error"],
    "properties": {
        "type": {"type": "string", "description": "Stable name of the kind of problem."},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "One sentence for people."},
        "instance": {"type": "string", "description": "The request's id, as in `X-Request-ID`."},
        "error": {"type": "string", "description": "One line for old clients."},
        "details": {
            "type": "array",
            "description": "With 400: what is wrong where.",
            "items": {
                "type": "object",
                "required": ["path", "message", "code"],
                "properties": {
                    "path": {"type": "string"},
                    "message": {"type": "string"},
                    "code": {"type": "string"},
                },
            },
        },
        "retryAfter": {"type": "integer", "description": "With 429: seconds to wait."},
        "requires2FA": {"type": "boolean", "description": "With 403: a second factor is needed."},
        "requiresStepUp": {"type": "boolean", "description": "With 403: a recent login is needed."},
    },
}
_EXTRAS: dict[int, dict[str, Any]] = {
    400: {"details": [{"path": "threshold", "message": "Field required", "code": "missing"}]},
    429: {"retryAfter": 240},
}
HEADERS: dict[str, dict[str, Any]] = {
    "X-Request-ID": {"description": "Names the request in our log.", "schema": {"type": "string"}},
    "RateLimit": {
        "description": 'What is left of the nearest limit, and until when: `"api";r=2999;t=900`.',
        "schema": {"type": "string"},
    },
    "RateLimit-Policy": {
        "description": 'That limit and its window: `"api";q=3000;w=900`.',
        "schema": {"type": "string"},
    },
    "ETag": {
        "description": "Send it as `If-None-Match`; 304 says that nothing has changed.",
        "schema": {"type": "string"},
    },
    "Idempotency-Replayed": {
        "description": "`true` where this is the answer that an earlier request with the key got.",
        "schema": {"type": "string", "enum": ["true"]},
    },
    "Deprecation": {
        "description": "Since when this is deprecated: `@` and seconds since 1970.",
        "schema": {"type": "string"},
    },
    "Sunset": {"description": "When it ends, as an HTTP date.", "schema": {"type": "string"}},
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}},
}
_STATUSES = (400, 401, 403, 404, 409, 410, 413, 415, 422, 429, 500, 503)


def responses() -> dict[str, dict[str, Any]]:
    """The answer of each status that a route may fail with, by its component's name."""
    return {name(status): _response(status) for status in _STATUSES}


def name(status: int) -> str:
    """The component's name of a status, such as `NotFound`."""
    return HTTPStatus(status).phrase.replace(" ", "")


def reference(kind: str, of: str) -> dict[str, str]:
    """A reference to the component `of` of a kind."""
    return {"$ref": f"#/components/{kind}/{of}"}


def _response(status: int) -> dict[str, Any]:
    example = {**errors.Problem(status).body("6f1c…"), **_EXTRAS.get(status, {})}
    answer: dict[str, Any] = {
        "description": errors.Problem(status).detail,
        "headers": {"X-Request-ID": reference("headers", "X-Request-ID")},
        "content": {
            errors.MIMETYPE: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "example": example,
            }
        },
    }
    if status in (429, 503):
        answer["headers"]["Retry-After"] = reference("headers", "Retry-After")
    return answer
