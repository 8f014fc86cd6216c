"""Completes the OpenAPI document that APIFlask writes: who may call each route, and how it may fail."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from apiflask import APIFlask

from webapi.api_keys import request_key, scopes
from webapi.documentation import descriptions, failures, parameters
from webapi.documentation.components import simplify
from webapi.http import deprecation, idempotency, json, pages
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
_SCHEME = "accessToken"
_KEY_SCHEME = "apiKey"
_METHODS = ("get", "post", "put", "patch", "delete")


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


_SECURITY_SCHEMES = {
    _SCHEME: {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The `accessToken` of register, login or refresh, or an API key.",
    },
    _KEY_SCHEME: {
        "type": "apiKey",
        "in": "header",
        "name": request_key.HEADER,
        "description": "An API key, for routes with an `x-api-key-scope`; `Authorization` counts where both are sent.",
    },
}


def register(app: APIFlask) -> None:
    """Set up the writing of the document."""
    app.config.update(
        OPENAPI_VERSION="3.1.0",
        AUTO_SERVERS=False,
        AUTO_VALIDATION_ERROR_RESPONSE=False,
        AUTO_404_RESPONSE=False,
        AUTO_OPERATION_ID=True,
        SECURITY_SCHEMES=_SECURITY_SCHEMES,
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
    components.setdefault("schemas", {})["Problem"] = failures.PROBLEM
    components["responses"] = failures.responses()
    components["headers"] = failures.HEADERS
    for route, operation in _operations(app, spec):
        _complete(route, operation, components["schemas"])
    spec["tags"] = [{"name": name, "description": text} for name, text in descriptions.TAGS.items()]
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
    method, rule = route.method.upper(), route.rule
    takes_keys = scopes.needed(method, rule) is not None or scopes.is_by_field(method, rule)
    keyed: list[dict[str, list[str]]] = [{_KEY_SCHEME: []}] if takes_keys else []
    operation["security"] = [] if route.is_public else [{_SCHEME: []}, *keyed]
    _lift_examples(operation, schemas)
    _describe(route, operation)
    parameters.describe(operation["parameters"])
    succeeded = next(iter(operation["responses"].values()))
    succeeded["headers"] = {
        name: failures.reference("headers", name) for name in _header_names(route)
    }
    if pages.is_cached(route.view):
        operation["responses"]["304"] = {"description": "Nothing has changed since that `ETag`."}
    for status in _failures(route, operation):
        operation["responses"][str(status)] = failures.reference("responses", failures.name(status))


def _describe(route: _Route, operation: dict[str, Any]) -> None:
    """Add what a route's decorators say beside its input and output."""
    if "requestBody" in operation:
        operation["requestBody"]["required"] = not _is_body_optional(route.view)
    needed = scopes.needed(route.method.upper(), route.rule)
    sentence = operation["summary"]
    operation["summary"] = descriptions.title(sentence)
    operation["description"] = descriptions.description(
        sentence, operation.get("description"), route.view, needed
    )
    if needed is not None:
        operation["x-api-key-scope"] = str(needed)
    if limits.cost_of(route.view) > 1:
        operation["x-cost"] = limits.cost_of(route.view)
    if deprecation.of(route.view) is not None:
        operation["deprecated"] = True
    if route.is_idempotent:
        operation.setdefault("parameters", []).append(parameters.IDEMPOTENCY_KEY)


def _is_body_optional(view: Callable[..., Any]) -> bool:
    declared: dict[str, Any] = getattr(view, "_spec", {})
    return bool(getattr(declared.get("body"), "body_optional", False))


def _failures(route: _Route, operation: dict[str, Any]) -> list[int]:
    """The statuses that a route may fail with, beside those of the address itself (404, 405)."""
    has_body = "requestBody" in operation
    has_query = any(each["in"] == "query" for each in operation["parameters"])
    changes = route.method != "get"
    applies = {
        400: True,
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
