"""The OpenAPI document: APIFlask writes what each route declares, this adds who may call it and how it may fail."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from apiflask import APIFlask

from coinsphere.portfolio.tax.regimes import REGIMES
from webapi.api_keys import presented, scopes
from webapi.documentation import wording
from webapi.documentation.components import simplify
from webapi.features import Feature
from webapi.http import deprecation, errors, idempotency, json, pages
from webapi.security import access, limits
from webapi.security.access import Access

_DESCRIPTION = """\
Prices, alerts, forecasts and risks of crypto tokens.

To try a route here: register or log in, put the `accessToken` of the answer into *Authorize*, and send. It lives for ten
minutes; `/auth/refresh` gives the next one.

Every answer that shows a price names its source: `simulated` where prices are made up. Amounts, prices and percentages
are JSON numbers with every digit of the stored decimal; read them with a decimal parser where digits matter. What is
unknown is `null`, never zero.

Errors are `application/problem+json` (RFC 9457) with one more member, `error`, a plain string for old clients.

An API key (`cs_live_…`) is sent like an access token, or as `X-API-Key`; `x-api-key-scope` names the scope that a route asks of it, and a
route without one is closed to keys. A POST with an `Idempotency-Key` has one effect however often it is sent.
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
        "requiresStepUp": {"type": "boolean", "description": "With 403: a recent login is needed."},
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
_UUID = "8f14e45f-ceea-4672-a0b5-1c6f2a9d3c77"
_PATH_PARAMETERS: dict[str, dict[str, Any]] = {
    "symbol": {
        "description": "Of a token, in any case of its letters: the one of the highest market cap that has it.",
        "example": "BTC",
    },
    "secret": {
        "description": "The last part of a link that its owner gave away.",
        "example": "bD9k3…",
    },
    "feature": {
        "description": "What is switched.",
        "schema": {"type": "string", "enum": [str(each) for each in Feature]},
        "example": "alerts",
    },
    "number": {
        "description": "Of a background job.",
        "schema": {"type": "string", "pattern": "^[1-9][0-9]{0,17}$"},
        "example": "4711",
    },
    "name": {"description": "Of a file that the page loads.", "example": "start.js"},
    "regime": {
        "description": "The rules by which a tax report is made.",
        "schema": {"type": "string", "enum": list(REGIMES)},
        "example": "de",
    },
    "year": {
        "description": "The calendar year in which the tax year begins.",
        "schema": {"type": "string", "pattern": "^[0-9]{4}$"},
        "example": "2025",
    },
    "which": {
        "description": "Number of a row, or a token's symbol for all rows of it.",
        "example": "7",
    },
}
"""What a path may hold beside ids."""
_QUERY_DESCRIPTIONS = {
    "limit": "Entries of a page at most.",
    "cursor": "`nextCursor` of the page before.",
    "offset": "Entries that are passed over; a `cursor` is faster.",
    "from": "The first day, instead of `days`.",
    "to": "The last day; the newest one that is valued where it is left out.",
    "days": "Length of the period in days, up to its last day.",
}
"""Of parameters that several routes share and none describes."""
_SCHEME = "accessToken"
_KEY_SCHEME = "apiKey"
_METHODS = ("get", "post", "put", "patch", "delete")
_KEY_PARAMETER: dict[str, Any] = {
    "name": idempotency.HEADER,
    "in": "header",
    "required": False,
    "description": "Names this request: sent again with the same key it has no second effect and gets the same answer.",
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": idempotency.MAX_KEY,
        "pattern": "^[ -~]+$",
    },
    "example": "5b7c1f0e-8d55-4a53-9c2e-1b1de8a1c0aa",
}


@dataclass(frozen=True, slots=True)
class _Route:
    """An operation of the document and the view behind it."""

    method: str
    path: str
    rule: str
    endpoint: str
    view: Callable[..., Any]

    @property
    def is_public(self) -> bool:
        """Whether it asks for no token."""
        return access.of(self.view) is Access.PUBLIC

    @property
    def is_idempotent(self) -> bool:
        """Whether it honours an `Idempotency-Key`."""
        return idempotency.is_honoured(self.endpoint, self.view, self.method.upper())


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
                "description": "The `accessToken` of register, login or refresh, or an API key.",
            },
            _KEY_SCHEME: {
                "type": "apiKey",
                "in": "header",
                "name": presented.HEADER,
                "description": "An API key, for routes with an `x-api-key-scope`; `Authorization` counts where both are sent.",
            },
        },
    )
    app.description = _DESCRIPTION
    app.config["INFO"] = {
        "contact": {"name": "The founders of Coinsphere"},
        "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
    }


def document(app: APIFlask) -> dict[str, Any]:
    """The OpenAPI 3.1 document of `app`."""
    spec = app._get_spec("json", force_update=True)  # noqa: SLF001 - `spec` is cached by request host
    assert isinstance(spec, dict)
    components = spec.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = _PROBLEM
    components["responses"] = {_name(status): _response(status) for status in _statuses()}
    components["headers"] = _HEADERS
    for route, operation in _operations(app, spec):
        _complete(route, operation, components["schemas"])
    spec["tags"] = [{"name": name, "description": text} for name, text in wording.TAGS.items()]
    spec["servers"] = [{"url": "/", "description": "The server that gave this document."}]
    simplify(spec)
    _leave_out_unused(spec, "responses", "headers")
    return spec


def _leave_out_unused(spec: dict[str, Any], *kinds: str) -> None:
    """Components of these kinds that nothing refers to; a response goes before the headers that only it names."""
    for kind in kinds:
        used = set(re.findall(rf'"#/components/{kind}/([^"]+)"', json.dumps(spec).decode()))
        named = spec["components"][kind]
        spec["components"][kind] = {name: named[name] for name in named if name in used}


def _operations(app: APIFlask, spec: dict[str, Any]) -> Iterator[tuple[_Route, dict[str, Any]]]:
    rules = {
        (method.lower(), _path(rule.rule)): rule
        for rule in app.url_map.iter_rules()
        for method in rule.methods or ()
    }
    for path, item in spec["paths"].items():
        for method in _METHODS:
            if method in item:
                rule = rules[method, path]
                view = app.view_functions[rule.endpoint]
                yield _Route(method, path, rule.rule, rule.endpoint, view), item[method]


def _path(rule: str) -> str:
    """A rule as the document writes it: `/alerts/<alert_id>` as `/alerts/{alert_id}`."""
    return re.sub(r"<(?:[^<>:]+:)?([^<>]+)>", r"{\1}", rule)


def _complete(route: _Route, operation: dict[str, Any], schemas: dict[str, Any]) -> None:
    keyed: list[dict[str, list[str]]] = (
        [{_KEY_SCHEME: []}] if scopes.needed(route.method.upper(), route.rule) else []
    )
    operation["security"] = [] if route.is_public else [{_SCHEME: []}, *keyed]
    _lift_examples(operation, schemas)
    _describe(route, operation)
    _describe_parameters(operation["parameters"])
    succeeded = next(iter(operation["responses"].values()))
    succeeded["headers"] = {name: _reference("headers", name) for name in _header_names(route)}
    if pages.is_cached(route.view):
        operation["responses"]["304"] = {"description": "Nothing has changed since that `ETag`."}
    for status in _failures(route, operation):
        operation["responses"][str(status)] = _reference("responses", _name(status))


def _describe(route: _Route, operation: dict[str, Any]) -> None:
    """What the decorators of a route say beside its input and output."""
    if "requestBody" in operation:
        operation["requestBody"]["required"] = not _is_body_optional(route.view)
    needed = scopes.needed(route.method.upper(), route.rule)
    sentence = operation["summary"]
    operation["summary"] = wording.title(sentence)
    operation["description"] = wording.description(
        sentence, operation.get("description"), route.view, needed
    )
    if needed is not None:
        operation["x-api-key-scope"] = str(needed)
    if limits.cost_of(route.view) > 1:
        operation["x-cost"] = limits.cost_of(route.view)
    if deprecation.of(route.view) is not None:
        operation["deprecated"] = True
    if route.is_idempotent:
        operation.setdefault("parameters", []).append(_KEY_PARAMETER)


def _describe_parameters(parameters: list[dict[str, Any]]) -> None:
    """What a reader of the document is to put into a path or a query, where the route does not say it."""
    for parameter in parameters:
        name, schema = parameter["name"], parameter["schema"]
        if parameter["in"] == "path":
            parameter.update(_id(name) if name.endswith("_id") else _PATH_PARAMETERS[name])
        elif parameter["in"] == "query":
            known = schema.get("description") or _QUERY_DESCRIPTIONS.get(name)
            if known is not None:
                parameter.setdefault("description", known)


def _id(name: str) -> dict[str, Any]:
    """A path's `portfolio_id`: what is no id is as unknown as one that nobody has."""
    return {
        "description": f"Id of the {name.removesuffix('_id').replace('_', ' ')}.",
        "schema": {"type": "string", "format": "uuid"},
        "example": _UUID,
    }


def _is_body_optional(view: Callable[..., Any]) -> bool:
    declared: dict[str, Any] = getattr(view, "_spec", {})
    return bool(getattr(declared.get("body"), "body_optional", False))


def _failures(route: _Route, operation: dict[str, Any]) -> list[int]:
    """The statuses that a route may fail with, beside those of the address itself (404, 405)."""
    has_body = "requestBody" in operation
    has_query = any(each["in"] == "query" for each in operation["parameters"])
    changes = route.method != "get"
    applies = {
        400: has_body or has_query or route.is_idempotent,
        401: not route.is_public or changes,
        403: not route.is_public or changes,
        404: "{" in route.path or ((has_query or changes) and not route.is_public),
        409: changes and not route.is_public,
        410: deprecation.of(route.view) is not None,
        413: has_body,
        415: has_body,
        422: route.is_idempotent,
        429: not limits.is_exempt(route.view),
        500: True,
        503: True,
    }
    return [status for status, does in applies.items() if does]


def _header_names(route: _Route) -> list[str]:
    names = ["X-Request-ID"]
    if not limits.is_exempt(route.view):
        names += ["RateLimit", "RateLimit-Policy"]
    if pages.is_cached(route.view):
        names.append("ETag")
    if route.is_idempotent:
        names.append("Idempotency-Replayed")
    if deprecation.of(route.view) is not None:
        names += ["Deprecation", "Sunset"]
    return names


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
    return (400, 401, 403, 404, 409, 410, 413, 415, 422, 429, 500, 503)


def _name(status: int) -> str:
    return HTTPStatus(status).phrase.replace(" ", "")


def _reference(kind: str, name: str) -> dict[str, str]:
    return {"$ref": f"#/components/{kind}/{name}"}
