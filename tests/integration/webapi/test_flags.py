"""Flags over the API: what one is given, who sets rules, what is refused."""

import pytest

from tests.integration.webapi.conftest import NOW, assert_problem
from tests.integration.webapi.test_admin import told

PATH = "/admin/flags/alert-mail-wording"
_TAKES_PART = """
    insert into app.experiment_assignments (flag, version, variant, user_id, exposed_at, last_exposed_at, exposures)
    values ('alert-mail-wording', 1, %s, %s, %s::timestamptz - interval '8 days', %s::timestamptz - interval '8 days', 1)
"""


@pytest.fixture(autouse=True)
def _no_rules(owner_db, administrator):
    yield
    administrator.ask("PUT", PATH, json={"rules": []})
    owner_db.execute("delete from app.experiment_assignments")
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


def test_experiments_that_run_are_told_to_administrators(administrator, analyst, owner_db) -> None:
    assert administrator.get("/admin/experiments").json == {"experiments": []}
    rule = {"weights": {"value": 1, "crossing": 1}}
    administrator.ask("PUT", PATH, json={"rules": [rule]})
    for _ in range(3):
        owner_db.execute(_TAKES_PART, ["value", new_user(owner_db), NOW, NOW])
    (found,) = administrator.get("/admin/experiments").json["experiments"]
    assert (found["flag"], found["version"], found["withinDays"]) == ("alert-mail-wording", 1, 7)
    assert [(arm["variant"], arm["users"], arm["over"]) for arm in found["arms"]] == [
        ("value", 3, 3),
        ("crossing", 0, 0),
    ]
    assert found["arms"][0]["did"]["alert-useful"] == 0
    # Three of three at even odds: a quarter of the time, by the chi-square test a twelfth.
    assert 0 < found["sampleRatioPValue"] < 0.25
    assert {each["verdict"] for each in found["findings"]} == {"too few"}
    assert {each["compared"] for each in found["findings"]} == {None}
    assert_problem(analyst.get("/admin/experiments"), 403)


def new_user(owner_db) -> str:
    query = "insert into app.users (email, password_hash) values (gen_random_uuid() || '@example.org', 'x') returning id"
    return owner_db.execute(query).fetchone()[0]
