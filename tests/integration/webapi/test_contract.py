"""What holds for every route: who may call it, the shape of its errors, its headers, and that it is documented."""

import json
import re
from uuid import UUID

import pytest

from tests.integration.webapi.conftest import NOW, V1, assert_problem
from webapi.app import create_app
from webapi.http import idempotency
from webapi.security import access, limits
from webapi.security.access import Access, public

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
UNTOLD = {f"{V1}/billing/stripe/events", f"{V1}/billing/btcpay/events"}
"""Not in the document: only a provider of payments calls it, with a signature of the body's bytes."""
ARGUMENTS = {
    "symbol": "BTC",
    "name": "start.js",
    "feature": "alerts",
    "flag": "alert-mail-wording",
    "secret": "nothing",
}
UNKNOWN = str(UUID(int=7))


def routes(app) -> list[tuple[str, str, Access | None]]:
    """Every method and address of the app, with who may call it."""
    found = []
    for rule in app.url_map.iter_rules():
        path = re.sub(
            r"<(?:\w+:)?(\w+)>", lambda match: ARGUMENTS.get(match[1], UNKNOWN), rule.rule
        )
        needed = access.of(app.view_functions[rule.endpoint])
        found += [(method, path, needed) for method in rule.methods & set(METHODS)]
    return sorted(found)


def with_bodies(app, client) -> set[tuple[str, str]]:
    """Those that take a body."""
    spec = document(client)["paths"]
    return {
        (method, path)
        for rule in app.url_map.iter_rules()
        if rule.rule not in UNTOLD
        for method in rule.methods & set(METHODS)
        if "requestBody" in spec[re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)][method.lower()]
        for path in [
            re.sub(r"<(?:\w+:)?(\w+)>", lambda match: ARGUMENTS.get(match[1], UNKNOWN), rule.rule)
        ]
    }


def test_there_are_the_routes_of_the_contract(app) -> None:
    known = {(method, path) for method, path, _ in routes(app)}
    assert len(known) >= 30
    for wanted in (
        ("GET", "/health"),
        ("POST", f"{V1}/auth/refresh"),
        ("GET", f"{V1}/tokens/BTC/history"),
        ("PATCH", f"{V1}/alerts/{UUID(int=7)}/toggle"),
        ("GET", f"{V1}/predictions/BTC"),
        ("GET", f"{V1}/risk/BTC"),
    ):
        assert wanted in known


def test_only_what_the_contract_names_is_public(app) -> None:
    public = {path for _, path, needed in routes(app) if needed is Access.PUBLIC}
    outside = {path for path in public if not path.startswith(f"{V1}/")}
    assert outside == {
        "/health",
        "/health/live",
        "/health/ready",
        "/.well-known/jwks.json",
        "/api/openapi.json",
        "/api/docs",
        "/api/docs/start.js",
    }
    # Whoever calls one of these presents a credential: a password, a token of a mail, a link's secret, a signature.
    credentials = re.compile(
        f"^{V1}/(auth/(register|login|refresh|logout|forgot-password|reset-password|verify-email|confirm-email|openid/(begin|finish))"
        "|passkeys/login.*|shared/nothing|billing/(stripe|btcpay)/events)$"
    )
    assert [path for path in sorted(public - outside) if not credentials.match(path)] == []


def test_every_route_refuses_other_methods_in_the_one_shape(app, client) -> None:
    known: dict[str, set[str]] = {}
    for method, path, _ in routes(app):
        known.setdefault(path, set()).add(method)
    for path, methods in known.items():
        for method in set(METHODS) - methods:
            answer = client.open(path, method=method)
            assert_problem(answer, 405)
            assert allowed(answer) == known_with_implied(methods)
        assert allowed(client.options(path)) == known_with_implied(methods)


def allowed(answer) -> set[str]:
    return set(answer.headers["Allow"].split(", "))


def known_with_implied(methods: set[str]) -> set[str]:
    """With what the framework answers by itself."""
    return methods | {"OPTIONS"} | ({"HEAD"} if "GET" in methods else set())


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api",
        "/api/v1",
        "/api/v2/tokens",
        "/api//v1/tokens",
        "/static/x",
        "/metrics",
        "/%00",
        "/health/x",
        "/api/docs/../docs",
        "/api/docs/%2e%2e/page.html",
        "/api/docs/index.css",
    ],
)
@pytest.mark.parametrize("method", METHODS)
def test_unknown_addresses(client, path: str, method: str) -> None:
    answer = client.open(path, method=method)
    assert answer.status_code in (404, 405)
    assert_problem(answer, answer.status_code)


def test_bodies_that_are_no_json(app, client, person, administrator) -> None:
    taking_bodies = with_bodies(app, client)
    for method, path, needed in routes(app):
        if (method, path) not in taking_bodies:
            continue
        caller = administrator if needed is Access.ADMIN else person
        for data in (b"{", b"\xff\xfe", b'{"a": 1e}', b"[" * 40 + b"]" * 40, b'{"a": NaN}'):
            answer = client.open(
                path,
                method=method,
                headers=caller.headers,
                data=data,
                content_type="application/json",
            )
            # An unknown alert may be noticed before its body.
            assert_problem(answer, 400 if answer.status_code != 404 else 404)
        for media_type in ("text/plain", "application/x-www-form-urlencoded", ""):
            answer = client.open(
                path,
                method=method,
                headers=caller.headers,
                data=b"{}",
                content_type=media_type or None,
            )
            assert_problem(answer, 415)


def test_fields_that_nobody_declared_are_refused(app, client, person, administrator) -> None:
    taking_bodies = with_bodies(app, client)
    for method, path, needed in routes(app):
        if (method, path) not in taking_bodies:
            continue
        caller = administrator if needed is Access.ADMIN else person
        answer = client.open(path, method=method, headers=caller.headers, json={"unheard": 1})
        details = assert_problem(answer, 400)["details"]
        assert ("unheard", "extra_forbidden") in {(each["path"], each["code"]) for each in details}


def test_a_body_of_more_than_a_megabyte_is_refused(app, client, person) -> None:
    large = b'{"email": "' + b"x" * 1024 * 1024 + b'"}'
    for method, path, _ in routes(app):
        answer = client.open(path, method=method, data=large, content_type="application/json")
        assert_problem(answer, 413)


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "", "localhost@evil"])
def test_other_hosts_are_not_answered(client, host: str) -> None:
    assert_problem(client.get("/health", headers={"Host": host}), 400)


def test_our_hosts_are_answered_on_any_port(client) -> None:
    for host in ("localhost:3001", "127.0.0.1:8080"):
        assert client.get("/health/live", headers={"Host": host}).status_code == 200


SECURITY = {
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000; includeSubDomains",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
STRICT = "default-src 'none'; frame-ancestors 'none'"


def unguarded(answer) -> list[str]:
    """What an answer lacks of the headers of security."""
    lacks = [name for name, value in SECURITY.items() if answer.headers.get(name) != value]
    policy = answer.headers.get("Content-Security-Policy", "")
    # The page of the reference runs the scripts of this server; nothing else runs any.
    if policy != STRICT and not (answer.mimetype == "text/html" and "object-src" not in policy):
        lacks.append("Content-Security-Policy")
    if "Cache-Control" not in answer.headers or "Server" in answer.headers:
        lacks.append("Cache-Control, or a Server")
    if not re.fullmatch("[0-9a-f]{32}", answer.headers.get("X-Request-ID", "")):
        lacks.append("X-Request-ID")
    return lacks


def test_every_answer_has_the_headers_of_security(app, client, administrator) -> None:
    """Of every route, let in and refused, with a wrong method and a wrong body; of what is unchanged, and unknown."""
    answers = [
        client.get("/nothing"),
        client.post("/health/live", headers={"Host": "evil.example"}),
    ]
    for method, path, needed in routes(app):
        # What ends the session is asked without one.
        is_ending = needed is Access.PUBLIC or "logout" in path or "delete" in path
        headers = {} if is_ending else administrator.headers
        answers.append(client.open(path, method=method, headers=headers))
        answers.append(client.open(path, method=method, headers=headers, data=b"{"))
        answers.append(client.open(path, method="TRACE"))
    tag = administrator.get("/tokens").headers["ETag"]
    unchanged = administrator.get("/tokens", headers={"If-None-Match": tag})
    assert unchanged.status_code == 304
    lacking = {
        f"{answer.request.method} {answer.request.path} {answer.status_code}": lacks
        for answer in (*answers, unchanged)
        if (lacks := unguarded(answer))
    }
    assert lacking == {}
    assert {answer.status_code for answer in answers} >= {200, 400, 401, 404, 405}
    assert administrator.get("/auth/me").headers["Cache-Control"] == "no-store"


def test_a_fault_of_ours_tells_nothing(app, person, monkeypatch) -> None:
    from webapi.auth import queries

    def fail(*_: object) -> None:
        raise RuntimeError("select secret from /etc/passwd")

    monkeypatch.setattr(queries, "ask_account", fail)
    answer = person.get("/auth/me")
    assert_problem(answer, 500)
    assert "secret" not in answer.text
    assert "passwd" not in answer.text


def test_without_the_database_it_is_unavailable(api_settings, person) -> None:
    from pydantic import SecretStr

    from webapi.services import EXTENSION

    url = "postgresql://nobody:x@127.0.0.1:1/x"
    settings = api_settings.model_copy(update={"database_url": SecretStr(url)})
    app = create_app(settings, clock=lambda: NOW)
    client = app.test_client()
    answer = client.get(f"{V1}/tokens", headers=person.headers)
    body = assert_problem(answer, 503)
    assert "nobody" not in json.dumps(body)
    assert answer.headers["Retry-After"]
    assert client.get("/health/live").status_code == 200
    assert_problem(client.get("/health/ready"), 503)
    states = client.get("/health").json
    assert (states["status"], states["services"]["postgres"]) == ("degraded", "error")
    assert states["setAside"] is None
    app.extensions[EXTENSION].close()


def test_health(api_settings, owner_db) -> None:
    from webapi.services import EXTENSION

    owner_db.execute("insert into jobs.procrastinate_workers default values")
    app = create_app(api_settings, clock=lambda: NOW)
    client = app.test_client()
    body = client.get("/health").json
    assert body == {
        "status": "ok",
        "timestamp": "2026-03-10T12:30:00Z",
        "setAside": 0,
        "services": dict.fromkeys(
            (
                "api",
                "postgres",
                "redis",
                "ml",
                "worker",
                "jobs",
                "schedules",
                "data",
                "backups",
                "connections",
                "audit",
                "books",
                "orchestrator",
                "daemon",
                "mlflow",
                "stream",
                "supervisor",
                "disk",
            ),
            "ok",
        ),
    }
    assert client.get("/health/ready").json["status"] == "ok"
    app.extensions[EXTENSION].close()


def test_health_says_what_is_down(api_settings) -> None:
    from webapi.services import EXTENSION

    settings = api_settings.model_copy(update={"dagster_url": "http://127.0.0.1:1"})
    app = create_app(settings)
    body = app.test_client().get("/health").json
    assert body["status"] == "degraded"
    assert body["services"]["orchestrator"] == "error"
    assert body["services"]["ml"] == "ok"
    app.extensions[EXTENSION].close()


def test_a_route_that_does_not_say_who_may_call_it_stops_the_start(api_settings) -> None:

    app = create_app(api_settings)
    app.add_url_rule("/forgotten", "forgotten", lambda: "x")
    with pytest.raises(RuntimeError, match="forgotten"):
        access.refuse_undeclared(app)


def test_browsers_of_named_origins_may_ask(api_settings) -> None:

    origin = "https://app.example"
    app = create_app(api_settings.model_copy(update={"cors_origins": (origin,)}))
    client = app.test_client()
    ask = {
        "Access-Control-Request-Method": "GET",
        "Access-Control-Request-Headers": "authorization",
    }
    answer = client.options(f"{V1}/tokens", headers={"Origin": origin, **ask})
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == origin
    other = client.options(f"{V1}/tokens", headers={"Origin": "https://evil.example", **ask})
    assert "Access-Control-Allow-Origin" not in other.headers


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "http://app.example",
        "https://app.example:8443",
        "https://app.example.evil.com",
        "https://evilapp.example",
        "https://sub.app.example",
        "https://appxexample",
        "https://app.example/",
        "https://app.example, https://evil.example",
    ],
)
def test_an_origin_that_resembles_a_named_one_is_another(api_settings, origin: str) -> None:
    app = create_app(api_settings.model_copy(update={"cors_origins": ("https://app.example",)}))
    client = app.test_client()
    for answer in (
        client.get("/health/live", headers={"Origin": origin}),
        client.options(
            "/health/live", headers={"Origin": origin, "Access-Control-Request-Method": "GET"}
        ),
    ):
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert "Access-Control-Allow-Credentials" not in answer.headers
    named = client.get("/health/live", headers={"Origin": "https://app.example"})
    assert named.headers["Access-Control-Allow-Origin"] == "https://app.example"
    assert "Origin" in named.headers["Vary"]


def test_nothing_of_the_environment_turns_debugging_on(api_settings, monkeypatch) -> None:
    monkeypatch.setenv("FLASK_DEBUG", "1")
    app = create_app(api_settings)

    @public
    def broken() -> None:
        raise RuntimeError("a fault that only the log may know")

    app.add_url_rule("/broken", "broken", broken)
    assert not app.debug
    answer = app.test_client().get("/broken")
    assert_problem(answer, 500)
    assert "only the log" not in answer.text


def document(client) -> dict:
    return json.loads(client.get("/api/openapi.json").data)


def errors_of(app, rule, method: str, operation: dict) -> set[str]:
    """Every status that a route may fail with, from what its decorators say."""
    view = app.view_functions[rule.endpoint]
    is_public = access.of(view) is Access.PUBLIC
    queries = [each for each in operation["parameters"] if each["in"] == "query"]
    found = {"500", "503"}
    if not is_public:
        found |= {"401", "403"}
    if not limits.is_exempt(view):
        found.add("429")
    if "requestBody" in operation:
        found |= {"400", "413", "415"}
    if queries:
        found.add("400")
    if rule.arguments:
        found.add("404")
    if idempotency.is_honoured(rule.endpoint, view, method):
        found |= {"400", "409", "422"}
    return found


def gaps_of(app, rule, method: str, operation: dict, problems: dict) -> list[str]:
    """What the document lacks of a route: a summary, who may call it, an example, a description, an error."""
    is_public = access.of(app.view_functions[rule.endpoint]) is Access.PUBLIC
    answers = operation["responses"]
    successes = [answer for status, answer in answers.items() if status[0] == "2"]
    lacks = {
        "a summary": not operation["summary"] or operation["summary"].endswith("."),
        "who may call it": bool(operation["security"]) == is_public,
        "one success": len(successes) != 1,
        "an example": not all(map(has_example, successes)),
        "an example of its body": not has_example(operation.get("requestBody")),
        "the arguments of its path": not all(map(is_described, operation["parameters"])),
        "an error": not errors_of(app, rule, method, operation) <= set(answers),
        "an example of an error": not all(
            has_problem(status, answer, problems)
            for status, answer in answers.items()
            if status[0] in "45"
        ),
    }
    return [name for name, is_lacking in lacks.items() if is_lacking]


def has_example(owner: dict | None) -> bool:
    """Whether a body, where there is one, shows what it looks like; what has no schema is a file."""
    contents = [] if owner is None else list(owner["content"].values())
    return all("example" in content or not content["schema"] for content in contents)


def is_described(parameter: dict) -> bool:
    return parameter["in"] != "path" or {"description", "example"} <= set(parameter)


def has_problem(status: str, answer: dict, problems: dict) -> bool:
    problem = problems[answer["$ref"].rpartition("/")[2]]["content"]["application/problem+json"]
    return problem["example"]["status"] == int(status)


def test_the_document_has_every_route_with_its_errors_and_examples(app, client) -> None:
    spec = document(client)
    assert spec["openapi"].startswith("3.1")
    operations = {
        (method.upper(), path): operation
        for path, item in spec["paths"].items()
        for method, operation in item.items()
    }
    rules = {
        (method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)): rule
        for rule in app.url_map.iter_rules()
        if rule.rule not in UNTOLD
        for method in rule.methods & set(METHODS)
    }
    assert set(operations) == set(rules)
    problems = spec["components"]["responses"]
    gaps = {
        f"{method} {path}": found
        for (method, path), rule in rules.items()
        if (found := gaps_of(app, rule, method, operations[method, path], problems))
    }
    figures = f"{len(rules) - len(gaps)} of {len(rules)} routes have examples and every error"
    print(figures)  # noqa: T201 - shown by `pytest -rP`
    assert gaps == {}


def test_the_document_is_valid_and_its_references_resolve(client) -> None:
    from jsonschema import Draft202012Validator

    spec = document(client)
    names = {
        f"#/components/{kind}/{name}"
        for kind in ("schemas", "responses", "headers")
        for name in spec["components"][kind]
    }
    used = set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(spec)))
    assert used <= names
    Draft202012Validator.check_schema({"$defs": spec["components"]["schemas"]})


def test_the_examples_fit_their_schemas(client) -> None:
    from jsonschema import Draft202012Validator

    spec = document(client)
    for item in spec["paths"].values():
        for operation in item.values():
            for owner in (operation.get("requestBody", {}), *operation["responses"].values()):
                content = owner.get("content", {}).get("application/json", {})
                if "example" in content:
                    schema = {**content["schema"], "components": spec["components"]}
                    Draft202012Validator(schema).validate(content["example"])


def test_the_page_loads_only_from_here_and_runs_no_script_of_its_own(client) -> None:
    page = client.get("/api/docs")
    assert page.mimetype == "text/html"
    policy = page.headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "<script>" not in page.text
    files = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(files) == 4
    for file in files:
        answer = client.get(file)
        assert answer.status_code == 200, file
        assert len(answer.data) > 100
    assert b"SwaggerUIBundle" in client.get("/api/docs/swagger-ui-bundle.js").data
