"""What administrators and analysts may see and do, that it takes effect at once, and that it is told."""

from uuid import UUID

import pytest

from tests.integration.webapi.conftest import V1, assert_problem, new_person, register


def told(owner_db, action: str, target: str) -> list[dict]:
    rows = owner_db.execute(
        "select details from app.audit_logs where action = %s and target = %s order by id",
        [action, target],
    )
    return [row[0] for row in rows]


def test_accounts_are_listed_page_by_page_without_secrets(administrator, owner_db) -> None:
    for _ in range(3):
        new_person(administrator.client)
    seen, cursor = [], ""
    while True:
        page = administrator.get(f"/admin/users?limit=2{cursor}")
        assert page.status_code == 200
        assert "argon2" not in page.text
        assert len(page.json["users"]) <= 2
        seen += [user["id"] for user in page.json["users"]]
        if page.json["nextCursor"] is None:
            break
        cursor = f"&cursor={page.json['nextCursor']}"
    known = owner_db.execute("select id::text from app.users order by created_at, id").fetchall()
    assert seen == [row[0] for row in known]


def test_accounts_are_found_by_address_and_role(administrator, person) -> None:
    found = administrator.get(f"/admin/users?q={person.email[:8].upper()}").json["users"]
    assert [user["email"] for user in found] == [person.email]
    assert administrator.get("/admin/users?q=%25").json["users"] == []
    roles = {user["role"] for user in administrator.get("/admin/users?role=admin").json["users"]}
    assert roles == {"admin"}


@pytest.mark.parametrize("cursor", ["x", "WzFd", "WyJ4IiwieSJd", "WyIyMDI2LTAxLTAxIiwieCJd"])
def test_a_cursor_that_is_none_is_refused(administrator, cursor: str) -> None:
    for path in ("users", "audit-log"):
        if (path, cursor) != ("audit-log", "WzFd"):
            assert_problem(administrator.get(f"/admin/{path}?cursor={cursor}"), 400)


def test_a_disabled_account_is_out_at_once_and_can_come_back(
    client, administrator, person, owner_db
) -> None:
    path = f"/admin/users/{person.id}"
    assert person.get("/auth/me").status_code == 200
    answer = administrator.ask("PATCH", path, json={"isActive": False})
    assert answer.status_code == 200
    assert (answer.json["user"]["isActive"], answer.json["user"]["sessions"]) == (False, 0)
    assert_problem(person.get("/auth/me"), 401)
    body = {"email": person.email, "password": "correct horse battery"}
    assert_problem(client.post(f"{V1}/auth/login", json=body), 401, says="Invalid credentials")
    assert administrator.ask("PATCH", path, json={"isActive": True}).status_code == 200
    assert client.post(f"{V1}/auth/login", json=body).status_code == 200
    assert told(owner_db, "admin.user_disabled", person.id) == [{}]
    assert told(owner_db, "admin.user_enabled", person.id) == [{}]


def test_a_role_that_is_taken_away_is_gone_with_the_next_request(
    administrator, analyst, owner_db
) -> None:
    assert analyst.get("/admin/data-status").status_code == 200
    change = administrator.ask("PATCH", f"/admin/users/{analyst.id}", json={"role": "user"})
    assert change.json["user"]["role"] == "user"
    assert_problem(analyst.get("/admin/data-status"), 403, says="Analyst access required")
    # The session itself lives on.
    assert analyst.get("/auth/me").status_code == 200
    assert told(owner_db, "admin.role_changed", analyst.id) == [{"from": "analyst", "to": "user"}]


def test_nobody_changes_themselves_so_an_administrator_remains(administrator) -> None:
    path = f"/admin/users/{administrator.id}"
    for change in ({"role": "user"}, {"isActive": False}):
        assert_problem(administrator.ask("PATCH", path, json=change), 409, says="own account")


def test_sessions_of_an_account_are_ended(administrator, person, owner_db) -> None:
    answer = administrator.post(f"/admin/users/{person.id}/end-sessions")
    assert answer.json == {"message": "Sessions ended", "sessions": 1}
    assert_problem(person.get("/auth/me"), 401)
    assert told(owner_db, "admin.sessions_ended", person.id) == [{"sessions": 1}]


@pytest.mark.parametrize("user_id", [str(UUID(int=1)), "x", "%00"])
def test_an_unknown_account_is_not_found(administrator, user_id: str) -> None:
    assert_problem(administrator.get(f"/admin/users/{user_id}"), 404)
    assert_problem(
        administrator.ask("PATCH", f"/admin/users/{user_id}", json={"role": "user"}), 404
    )


def test_an_administrator_sees_no_ones_content(administrator, person) -> None:
    body = {"alertType": "price", "tokenSymbol": "BTC", "condition": "above", "threshold": 1}
    alert = person.post("/alerts", body).json["alert"]["id"]
    assert_problem(administrator.get(f"/alerts/{alert}"), 404)
    assert administrator.get("/alerts").json["alerts"] == []


def test_the_audit_log_is_read_and_that_is_told(administrator, person) -> None:
    # Some entries of one actor, by being refused.
    for _ in range(3):
        assert_problem(person.get("/admin/users"), 403, says="Admin access required")
    query = f"/admin/audit-log?actorId={person.id}&action=access.denied&limit=2"
    first = administrator.get(query)
    assert [entry["details"] for entry in first.json["entries"]] == [
        {"route": f"GET {V1}/admin/users"}
    ] * 2
    rest = administrator.get(f"{query}&cursor={first.json['nextCursor']}").json
    assert len(rest["entries"]) == 1
    assert rest["nextCursor"] is None
    read = administrator.get("/admin/audit-log?action=admin.audit_read&limit=1").json["entries"]
    assert read[0]["actorId"] == administrator.id


def test_data_status_says_what_is_there(analyst) -> None:
    body = analyst.get("/admin/data-status").json
    assert body["priceSource"] is None
    assert body["quotes"]["unquoted"] >= 31
    assert body["failures"] == []


def test_a_feature_is_switched_off_and_on(administrator, person, analyst, owner_db) -> None:
    path = "/admin/features/alerts"
    assert_problem(analyst.ask("PUT", path, json={"isOn": False}), 403)
    off = administrator.ask("PUT", path, json={"isOn": False})
    assert off.json["feature"]["isOn"] is False
    body = assert_problem(person.get("/alerts"), 503, says="switched off")
    assert body["type"].endswith("switched-off")
    assert person.get("/tokens").status_code == 200
    shown = {each["feature"]: each for each in analyst.get("/admin/features").json["features"]}
    assert shown["alerts"]["changedBy"] == administrator.id
    assert shown["predictions"]["isOn"] is True
    administrator.ask("PUT", path, json={"isOn": True})
    assert person.get("/alerts").status_code == 200
    assert told(owner_db, "admin.feature_switched", "alerts") == [{"isOn": False}, {"isOn": True}]
    assert_problem(administrator.ask("PUT", "/admin/features/health", json={"isOn": False}), 404)


def test_a_setting_wins_over_the_switch(api_settings, administrator) -> None:
    from webapi.app import create_app
    from webapi.services import EXTENSION

    settings = api_settings.model_copy(update={"features_off": ("registration",)})
    app = create_app(settings)
    assert_problem(register(app.test_client()), 503, says="registration is switched off")
    app.extensions[EXTENSION].close()
