"""Pages by role: what the guide's table says, what the views declare, what each role gets."""

import re
from collections import defaultdict
from pathlib import Path

from tests.integration.webui.conftest import HTML, Visitor
from webapi.security import access

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "guides" / "webui.md"
_ROW = re.compile(r"^\| (`(?:GET|POST) .+?) \| (all|user|analyst|admin) \|", re.MULTILINE)
_ROUTE = re.compile(r"`(GET|POST) (/[^`]*)`")
_WHO = {"all": "public", "user": "user", "analyst": "analyst", "admin": "admin"}
_SEEN_BY = {
    "public": {"stranger", "user", "analyst", "admin"},
    "user": {"user", "analyst", "admin"},
    "analyst": {"analyst", "admin"},
    "admin": {"admin"},
}


def told() -> dict[tuple[str, str], str]:
    return {
        (method, path): _WHO[who]
        for routes, who in _ROW.findall(GUIDE.read_text())
        for method, path in _ROUTE.findall(routes)
    }


def declared(app) -> dict[tuple[str, str], str]:
    return {
        (method, re.sub(r"<(?:\w+(?:\([^)]*\))?:)?(\w+)>", r"{\1}", rule.rule)): str(
            access.of(app.view_functions[rule.endpoint])
        )
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("web_")
        for method in rule.methods & {"GET", "POST", "PUT", "PATCH", "DELETE"}
    }


def address_of(path: str) -> str:
    """An address that the path takes: a form of files is one of those that there are, everything else may be anything."""
    return re.sub(r"\{\w+\}", "0", path.replace("{form}", "csv"))


def test_the_guide_names_every_page_and_who_may_see_it(app) -> None:
    assert told() == declared(app)


def test_each_role_at_each_page(app, redis_url, owner_db) -> None:
    people = {role: Visitor(app.test_client()) for role in ("stranger", "user", "analyst", "admin")}
    for role in ("user", "analyst", "admin"):
        people[role].register()
        owner_db.execute(
            "update app.users set role = %s where email = %s", [role, people[role].email]
        )
    wrong = defaultdict(list)
    for (method, path), who in declared(app).items():
        if path == "/logout":
            continue
        address = address_of(path)
        for role, visitor in people.items():
            visitor.get("/forgot-password")
            answer = visitor.get(address) if method == "GET" else visitor.post(address)
            to_login = answer.headers.get("Location", "").startswith("/login")
            is_in = answer.status_code not in (401, 403) and not to_login
            if is_in != (role in _SEEN_BY[who]) and path != "/login/code":
                wrong[f"{method} {path}"].append((role, answer.status_code))
            assert answer.status_code < 500, (method, path, role)
    assert wrong == {}


def test_nothing_is_changed_by_asking(app) -> None:
    """What changes something takes POST, or the token of forms would not be asked for."""
    for method, path in declared(app):
        assert method in ("GET", "POST"), path


def test_no_form_is_taken_from_another_site(app, administrator) -> None:
    """Each of them, with the right token and cookies; a password that was given a moment ago helps nobody else either."""
    administrator.get("/profile")
    data = {"csrf": administrator.form}
    for method, path in declared(app):
        if method == "GET":
            continue
        address = address_of(path)
        for sent in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}):
            answer = administrator.client.post(address, data=data, headers={**HTML, **sent})
            assert answer.status_code == 403, (path, sent)
            assert "came from another site" in answer.text or "not open to you" in answer.text
        assert administrator.post(address, {"csrf": "0" * 64}).status_code == 403, path
    assert administrator.get("/dashboard").status_code == 200


def test_a_page_of_others_is_told_as_a_page(app, redis_url) -> None:
    stranger = Visitor(app.test_client())
    answer = stranger.get("/profile?x=1")
    assert answer.headers["Location"] == "/login?next=/profile%3Fx%3D1"
    part = stranger.client.get(
        "/profile",
        headers={**HTML, "HX-Request": "true", "HX-Current-URL": "http://localhost/dashboard"},
    )
    assert part.headers["HX-Redirect"] == "/login?next=/dashboard"
