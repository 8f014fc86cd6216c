"""The Postman collection (v2.1), made from the OpenAPI document: every operation with its example, by tag."""

import re
from typing import Any

from webapi.http import json

SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"
_METHODS = ("get", "post", "put", "patch", "delete")
_DEFAULT_BASE = "http://127.0.0.1:3001"
# What a login answers is kept for the requests after it.
_KEEP_TOKENS = [
    "const answer = pm.response.json();",
    'if (answer.accessToken) { pm.collectionVariables.set("accessToken", answer.accessToken); }',
    'if (answer.refreshToken) { pm.collectionVariables.set("refreshToken", answer.refreshToken); }',
]
_GIVE_TOKENS = ("/auth/register", "/auth/login", "/auth/refresh")


def collection(spec: dict[str, Any], base_url: str = _DEFAULT_BASE) -> dict[str, Any]:
    """The collection of an OpenAPI 3.1 document."""
    folders: dict[str, list[dict[str, Any]]] = {}
    for path, item in spec["paths"].items():
        for method in _METHODS:
            if method in item:
                operation = item[method]
                folder = (operation.get("tags") or ["Other"])[0]
                folders.setdefault(folder, []).append(_item(method, path, operation))
    return {
        "info": {
            "name": spec["info"]["title"],
            "description": spec["info"].get("description", ""),
            "schema": SCHEMA,
        },
        "auth": {"type": "bearer", "bearer": [_pair("token", "{{accessToken}}", type="string")]},
        "variable": [
            _pair("baseUrl", base_url),
            _pair("accessToken", ""),
            _pair("refreshToken", ""),
        ],
        "item": [{"name": name, "item": items} for name, items in sorted(folders.items())],
    }


def _item(method: str, path: str, operation: dict[str, Any]) -> dict[str, Any]:
    request: dict[str, Any] = {
        "method": method.upper(),
        "description": operation.get("description", operation.get("summary", "")),
        "header": _headers(operation),
        "url": _url(path, operation),
    }
    body = _body(operation)
    if body is not None:
        request["body"] = body
    if operation["security"] == []:
        request["auth"] = {"type": "noauth"}
    item = {"name": operation.get("summary", path).rstrip("."), "request": request, "response": []}
    if path.endswith(_GIVE_TOKENS):
        item["event"] = [
            {"listen": "test", "script": {"type": "text/javascript", "exec": _KEEP_TOKENS}}
        ]
    return item


def _url(path: str, operation: dict[str, Any]) -> dict[str, Any]:
    """The address; what is optional in the query is there and switched off."""
    segments = [re.sub(r"^\{(.+)\}$", r":\1", part) for part in path.strip("/").split("/")]
    parameters = operation.get("parameters", [])
    query = [
        {
            **_pair(each["name"], _example(each)),
            "description": each.get("description", ""),
            "disabled": not each.get("required", False),
        }
        for each in parameters
        if each["in"] == "query"
    ]
    variables = [_pair(each["name"], _example(each)) for each in parameters if each["in"] == "path"]
    return {
        "raw": "{{baseUrl}}/" + "/".join(segments),
        "host": ["{{baseUrl}}"],
        "path": segments,
        "query": query,
        "variable": variables,
    }


def _headers(operation: dict[str, Any]) -> list[dict[str, Any]]:
    headers = [
        {
            **_pair(each["name"], "{{$guid}}" if each["name"] == "Idempotency-Key" else ""),
            "description": each.get("description", ""),
            "disabled": not each.get("required", False),
        }
        for each in operation.get("parameters", [])
        if each["in"] == "header"
    ]
    if "requestBody" in operation:
        headers.append(_pair("Content-Type", "application/json"))
    return headers


def _body(operation: dict[str, Any]) -> dict[str, Any] | None:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return None
    text = json.dumps(content.get("example", {})).decode()
    return {"mode": "raw", "raw": text, "options": {"raw": {"language": "json"}}}


def _example(parameter: dict[str, Any]) -> str:
    schema = parameter.get("schema", {})
    for candidate in (parameter.get("example"), schema.get("default"), *schema.get("enum", ())):
        if candidate is not None:
            return str(candidate)
    return "BTC" if parameter["name"] == "symbol" else ""


def _pair(key: str, value: str, **more: str) -> dict[str, Any]:
    return {"key": key, "value": value, **more}
