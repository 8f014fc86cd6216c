"""Flags over the API: what one is given, who sets rules, what is refused."""

import pytest

from tests.integration.webapi.conftest import assert_problem
from tests.integration.webapi.test_admin import told

PATH = "/admin/flags/alert-mail-wording"


@pytest.fixture(autouse=True)
def _no_rules(owner_db, administrator):
    yield
    administrator.ask("PUT", PATH, json={"rules": []})
    owner_db.execute("delete from app.flags")


def given(person) -> dict:
    (flag,) = person.get("/flags").json["flags"]
    return flag


def test_rules_say_what_a_caller_is_given(administrator, person, other, analyst, owner_db) -> None:
    assert given(person) == {"flag": "alert-mail-wording", "variant": "value", "reason": "DEFAULT"}
    rule = {"weights": {"crossing": 1}, "userIds": [person.id]}
    assert_problem(analyst.ask("PUT", PATH, json={"rules": [rule]}), 403)
    changed = administrator.ask("PUT", PATH, json={"rules": [rule]})
    assert changed.status_code == 200, changed.text
    flag = changed.json["flag"]
    assert flag["rules"] == [rule | {"plans": [], "environments": [], "share": 100}]
    assert (flag["version"], flag["fault"], flag["changedBy"]) == (1, None, administrator.id)
    assert given(person)["variant"] == "crossing"
    assert given(other)["variant"] == "value"
    assert analyst.get("/admin/flags").json["flags"] == [flag]
    assert_problem(person.get("/admin/flags"), 403)
    assert told(owner_db, "admin.flag_changed", "alert-mail-wording") == [
        {"rules": 1, "version": 1}
    ]


def test_a_plan_counts(administrator, person, owner_db) -> None:
    administrator.ask("PUT", PATH, json={"rules": [{"weights": {"crossing": 1}, "plans": ["pro"]}]})
    assert given(person)["variant"] == "value"
    owner_db.execute("update app.users set subscription_tier = 'pro' where id = %s", [person.id])
    assert given(person) == {
        "flag": "alert-mail-wording",
        "variant": "crossing",
        "reason": "TARGETING_MATCH",
    }


@pytest.mark.parametrize(
    ("rules", "says"),
    [
        ([{"weights": {"shout": 1}}], "'shout' is no variant of the flag; it has value, crossing"),
        ([{"weights": {"value": 0}}], "no variant has a weight above 0"),
        ([{"weights": {"value": 1}}] * 2, "rule 2 decides nothing"),
        ([{"weights": {"value": 1.5}}], "weights"),
        ([{"weights": {"value": 1}, "share": 0}], "share"),
        ([{"weights": {"value": 1}, "userIds": ["ada"]}], "userIds"),
        ([{"weights": {"value": 1}, "since": "today"}], "since"),
    ],
)
def test_rules_that_mean_nothing_are_refused(administrator, rules, says) -> None:
    assert_problem(administrator.ask("PUT", PATH, json={"rules": rules}), 400, says=says)
    assert_problem(administrator.ask("PUT", "/admin/flags/none", json={"rules": []}), 404)


def test_stored_rules_that_are_bad_are_told_and_give_the_default(
    administrator, person, owner_db
) -> None:
    administrator.ask("PUT", PATH, json={"rules": [{"weights": {"crossing": 1}}]})
    owner_db.execute("""update app.flags set rules = '[{"weights": {"gone": 1}}]'""")
    (flag,) = administrator.get("/admin/flags").json["flags"]
    assert "'gone' is no variant" in flag["fault"]
    assert flag["rules"] == []
    assert given(person) == {"flag": "alert-mail-wording", "variant": "value", "reason": "ERROR"}
