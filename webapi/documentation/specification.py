"""The OpenAPI document: APIFlask writes what each route declares, this adds who may call it and how it may fail."""

from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

from apiflask import APIFlask

from webapi import errors, pages
from webapi.security import access, limits
from webapi.security.access import Access

_DESCRIPTION = """\
Prices, alerts, forecasts and risks of crypto tokens.

Every answer that shows a price names its source: `simulated` where prices are made up. Amounts, prices and percentages
are JSON numbers with every digit of the stored decimal; read them with a decimal parser where digits matter. What is
unknown is `null`, never zero.

Errors are `application/problem+json` (RFC 9457) with one more member, `error`, a plain string for old clients.
"""
_PROBLEM: dict[str, Any] = {
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
    },
}
_EXTRAS: dict[int, dict[str, Any]] = {
    400: {"details": [{"path": "threshold", "message": "Field required", "code": "missing"}]},
    429: {"retryAfter": 240},
}
_HEADERS: dict[str, dict[str, Any]] = {
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
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}},
}
_SCHEME = "accessToken"
_METHODS = ("get", "post", "put", "patch", "delete")
_CONFLICTS = frozenset(("alerts.create_alert", "tokens.create_token"))


def register(app: APIFlask) -> None:
    """Set up how the document is written."""
    app.config.update(
        OPENAPI_VERSION="3.1.0",
        AUTO_SERVERS=False,
        AUTO_VALIDATION_ERROR_RESPONSE=False,
        AUTO_404_RESPONSE=False,
        AUTO_OPERATION_ID=True,
        SECURITY_SCHEMES={
            _SCHEME: {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "JWT",
                "description": "The `accessToken` of register, login or refresh.",
            }
        },
    )
    app.description = _DESCRIPTION


def document(app: APIFlask) -> dict[str, Any]:
    """The OpenAPI 3.1 document of `app`."""
    spec = app._get_spec("json", force_update=True)  # noqa: SLF001 - `spec` is cached by request host
    assert isinstance(spec, dict)
    components = spec.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = _PROBLEM
    components["responses"] = {_name(status): _response(status) for status in _statuses()}
    components["headers"] = _HEADERS
    for path, operation in _operations(spec):
        _complete(app, operation, components["schemas"], has_arguments="{" in path)
    return spec


def _operations(spec: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, item in spec["paths"].items():
        for method in _METHODS:
            if method in item:
                yield path, item[method]


def _complete(
    app: APIFlask, operation: dict[str, Any], schemas: dict[str, Any], *, has_arguments: bool
) -> None:
    endpoint = _endpoint(operation)
    view = app.view_functions[endpoint]
    operation["security"] = [] if access.of(view) is Access.PUBLIC else [{_SCHEME: []}]
    _lift_examples(operation, schemas)
    succeeded = next(iter(operation["responses"].values()))
    succeeded["headers"] = {name: _reference("headers", name) for name in _header_names(view)}
    if pages.is_cached(view):
        operation["responses"]["304"] = {"description": "Nothing has changed since that `ETag`."}
    for status in _failures(endpoint, view, operation, has_arguments=has_arguments):
        operation["responses"][str(status)] = _reference("responses", _name(status))


def _failures(
    endpoint: str, view: Callable[..., Any], operation: dict[str, Any], *, has_arguments: bool
) -> list[int]:
    """The statuses that a route may fail with, beside those of the address itself (404, 405)."""
    needed = access.of(view)
    has_body = "requestBody" in operation
    has_input = has_body or any(each["in"] == "query" for each in operation["parameters"])
    applies = {
        400: has_input,
        401: needed is not Access.PUBLIC or endpoint.startswith("auth."),
        403: needed is Access.ADMIN or endpoint == "auth.login",
        404: has_arguments or endpoint == "alerts.create_alert",
        409: endpoint in _CONFLICTS,
        413: has_body,
        415: has_body,
        429: not limits.is_exempt(view),
        500: True,
        503: True,
    }
    return [status for status, does in applies.items() if does]


def _header_names(view: Callable[..., Any]) -> list[str]:
    names = ["X-Request-ID"]
    if not limits.is_exempt(view):
        names += ["RateLimit", "RateLimit-Policy"]
    return [*names, "ETag"] if pages.is_cached(view) else names


def _lift_examples(operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    """Show the example of a model where it is used, as tools look for it there."""
    for owner in (operation.get("requestBody", {}), *operation["responses"].values()):
        for content in owner.get("content", {}).values():
            name = content["schema"].get("$ref", "").rpartition("/")[2]
            example = schemas.get(name, {}).get("example")
            if example is not None:
                content.setdefault("example", example)


def _response(status: int) -> dict[str, Any]:
    example = {**errors.Problem(status).body("6f1c…"), **_EXTRAS.get(status, {})}
    answer: dict[str, Any] = {
        "description": errors.Problem(status).detail,
        "headers": {"X-Request-ID": _reference("headers", "X-Request-ID")},
        "content": {
            errors.MIMETYPE: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "example": example,
            }
        },
    }
    if status in (429, 503):
        answer["headers"]["Retry-After"] = _reference("headers", "Retry-After")
    return answer


def _statuses() -> tuple[int, ...]:
    return (400, 401, 403, 404, 409, 413, 415, 429, 500, 503)


def _name(status: int) -> str:
    return HTTPStatus(status).phrase.replace(" ", "")


def _reference(kind: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{kind}/{name}"}


def _endpoint(operation: dict[str, Any]) -> str:
    """The endpoint, which APIFlask wrote into the operation's id as METHOD_BLUEPRINT_VIEW."""
    _, blueprint, view = operation["operationId"].split("_", 2)
    return f"{blueprint}.{view}"
