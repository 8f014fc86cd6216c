"""Rules in PostgreSQL, asked through OpenFeature's client: what is given, what goes wrong, and for how long it is known."""

from datetime import UTC, datetime
from uuid import UUID

import psycopg
import pytest
from openfeature.evaluation_context import EvaluationContext
from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import Reason
from psycopg.types.json import Jsonb
from structlog.testing import capture_logs

from coinsphere.flags import client, repository
from coinsphere.flags.catalogue import ALERT_MAIL_WORDING, CATALOGUE, Flag
from coinsphere.flags.client import Flags
from coinsphere.flags.provider import RulesProvider
from coinsphere.flags.repository import Stored
from coinsphere.flags.rules import parse

FLAG = ALERT_MAIL_WORDING
NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
ADA = UUID(int=1)


@pytest.fixture
def flags() -> Flags:
    return Flags("local")


@pytest.fixture
def admin(owner: psycopg.Connection) -> UUID:
    add = "insert into app.users (email, password_hash) values ('admin@example.org', 'x') returning id"
    return owner.execute(add).fetchone()[0]


def store(conn: psycopg.Connection, admin: UUID, rules: list) -> Stored:
    return repository.store(conn, FLAG, parse(FLAG, rules), admin, NOW)


def test_a_flag_that_nobody_set_gives_its_default(owner, flags) -> None:
    given = flags.give(owner, FLAG, ADA, "free")
    assert (given.value, given.reason, given.error_code) == ("value", Reason.DEFAULT, None)


def test_what_is_stored_decides_by_user_plan_and_environment(owner, admin, flags) -> None:
    rules = [
        {"weights": {"crossing": 1}, "plans": ["pro"], "environments": ["local"]},
        {"weights": {"value": 1, "crossing": 1}},
    ]
    assert store(owner, admin, rules).version == 1
    given = flags.give(owner, FLAG, ADA, "pro")
    assert (given.value, given.reason) == ("crossing", Reason.TARGETING_MATCH)
    drawn = flags.give(owner, FLAG, ADA, "free")
    assert (drawn.reason, drawn.flag_metadata) == (Reason.SPLIT, {"version": 1})
    elsewhere = Flags("production").give(owner, FLAG, ADA, "pro")
    assert elsewhere.reason == Reason.SPLIT


_TO_ALL = {"weights": {"crossing": 1}}


@pytest.mark.parametrize(
    "case",
    [
        ([], 2),
        ([_TO_ALL], 2),
        ([_TO_ALL | {"plans": ["pro"]}], 2),
        ([_TO_ALL | {"userIds": [str(ADA)]}], 8),
        ([_TO_ALL | {"share": 50}], 8),
        ([_TO_ALL | {"plans": ["pro"]}, {"weights": {"value": 1, "crossing": 1}}], 8),
    ],
)
def test_many_users_are_given_what_each_would_be(owner, admin, flags, monkeypatch, case) -> None:
    rules, questions = case
    store(owner, admin, rules)
    plans = {UUID(int=n): ("free", "pro")[n % 2] for n in range(1, 9)}
    each = {user_id: flags.give(owner, FLAG, user_id, plan) for user_id, plan in plans.items()}
    asked = []
    answer = RulesProvider.resolve_string_details
    monkeypatch.setattr(
        RulesProvider,
        "resolve_string_details",
        lambda *question, **named: asked.append(named) or answer(*question, **named),
    )
    assert flags.give_all(owner, FLAG, plans) == each
    assert len(asked) == questions


def test_a_change_is_a_version_and_is_seen_when_what_is_known_is_old(
    owner, admin, flags, monkeypatch
) -> None:
    monkeypatch.setattr(client, "CACHE_SECONDS", 3600.0)
    assert flags.give(owner, FLAG, ADA, "free").value == "value"
    store(owner, admin, [{"weights": {"value": 1}}])
    assert store(owner, admin, [{"weights": {"crossing": 1}}]).version == 2
    assert flags.give(owner, FLAG, ADA, "free").value == "value"
    flags.forget()
    assert flags.give(owner, FLAG, ADA, "free").value == "crossing"
    monkeypatch.setattr(client, "CACHE_SECONDS", 0.0)
    flags.forget()
    flags.give(owner, FLAG, ADA, "free")
    store(owner, admin, [])
    assert flags.give(owner, FLAG, ADA, "free").reason == Reason.DEFAULT


def test_bad_rules_give_the_default_and_say_why(owner, admin, flags) -> None:
    store(owner, admin, [{"weights": {"crossing": 1}}])
    owner.execute("update app.flags set rules = %s", [Jsonb([{"weights": {"gone": 1}}])])
    given = flags.give(owner, FLAG, ADA, "free")
    assert (given.value, given.error_code) == ("value", ErrorCode.PARSE_ERROR)
    assert "'gone' is no variant" in given.error_message


def test_a_row_of_a_flag_that_left_the_code_is_passed_over(owner, admin) -> None:
    owner.execute("insert into app.flags values ('left', 1, '[{}]', null, %s)", [NOW])
    assert repository.stored(owner) == {}


def test_the_provider_answers_the_sdk_for_each_type(monkeypatch) -> None:
    switch = Flag("switch", "On or off.", ("off", "on"), "nobody")
    monkeypatch.setitem(CATALOGUE, "switch", switch)
    flags = Flags("local")
    stored = Stored("switch", 1, [{"weights": {"on": 1}, "plans": ["pro"]}], None, NOW)
    flags._provider.learn({"switch": stored})
    asked = flags._client
    ada = EvaluationContext(str(ADA), {"plan": "pro"})
    assert asked.get_boolean_value("switch", False, ada) is True  # noqa: FBT003 - the SDK's signature
    assert asked.get_string_value("switch", "off", ada) == "on"
    for details, code in (
        (asked.get_integer_details("switch", 7, ada), ErrorCode.TYPE_MISMATCH),
        (asked.get_boolean_details(FLAG.key, True, ada), ErrorCode.TYPE_MISMATCH),  # noqa: FBT003
        (asked.get_string_details("nothing", "x", ada), ErrorCode.FLAG_NOT_FOUND),
        (asked.get_string_details("switch", "x"), ErrorCode.TARGETING_KEY_MISSING),
        (asked.get_string_details("switch", "x", EvaluationContext("ada")), ErrorCode.INVALID_CONTEXT),
    ):  # fmt: skip
        assert (details.error_code, details.reason) == (code, Reason.ERROR)
        assert details.value in (7, True, "x")


def test_bad_rules_are_logged_once() -> None:
    provider = RulesProvider()
    bad = Stored(FLAG.key, 3, [{}], None, NOW)
    with capture_logs() as lines:
        provider.learn({FLAG.key: bad})
        provider.learn({FLAG.key: bad})
    assert [line["flag"] for line in lines] == [FLAG.key]
