"""An experiment from the first mail to its report: who takes part, what counts, and what is concluded."""

import json
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import psycopg
import pytest
from click.testing import CliRunner
from psycopg.types.json import Jsonb

from coinsphere.analytics import consent
from coinsphere.cli.main import cli
from coinsphere.db.owner import act_for
from coinsphere.experiments import records, report
from coinsphere.experiments.catalogue import EXPERIMENTS, Metric
from coinsphere.flags.catalogue import ALERT_MAIL_WORDING
from coinsphere.flags.client import Flags
from tests.integration.alerts.conftest import NOW

FLAG, WITHIN = ALERT_MAIL_WORDING.key, EXPERIMENTS[0].within
LATER = NOW + WITHIN
HALVES = [{"weights": {"value": 1, "crossing": 1}}]
_RULES = """
    insert into app.flags (flag, version, rules, changed_at) values (%s, 1, %s, %s)
    on conflict (flag) do update set version = flags.version + 1, rules = excluded.rules
"""
_USERS = """
    with made as (
        insert into app.users (id, email, password_hash)
        select id, id || '@example.org', 'x' from unnest(%(ids)s::uuid[]) as id
    )
    insert into app.experiment_assignments
    select %(flag)s, 1, id, %(variant)s, %(now)s, %(now)s, 1 from unnest(%(ids)s::uuid[]) as id
"""
_SHARER = "insert into app.users (id, email, password_hash, usage_shared_since) values (%s, 'a@b.org', 'x', %s)"
_DID = """
    insert into app.experiment_outcomes
    select %(flag)s, 1, id, %(metric)s, %(at)s from unnest(%(ids)s::uuid[]) as id
"""


def rule(conn: psycopg.Connection, rules: list) -> None:
    conn.execute(_RULES, [FLAG, Jsonb(rules), NOW])


def add(conn: psycopg.Connection, variant: str, users: int, at: datetime = NOW) -> list[UUID]:
    ids = [uuid4() for _ in range(users)]
    conn.execute(_USERS, {"ids": ids, "flag": FLAG, "variant": variant, "now": at})
    return ids


def did(conn, ids, metric=Metric.ALERT_USEFUL, at=NOW) -> None:
    conn.execute(_DID, {"ids": ids, "flag": FLAG, "metric": metric, "at": at})


@pytest.fixture
def conn(owner: psycopg.Connection) -> psycopg.Connection:
    rule(owner, HALVES)
    return owner


def verdicts(found: report.Report) -> dict[Metric, str]:
    return {each.metric: each.verdict for each in found.findings}


def test_nothing_runs_while_no_rule_draws(owner) -> None:
    assert report.running(owner, NOW) == []
    rule(owner, [{"weights": {"crossing": 1}, "plans": ["pro"]}])
    assert report.running(owner, NOW) == []
    rule(owner, [{"weights": {"gone": 1, "value": 1}}])
    assert report.running(owner, NOW) == []


def test_what_is_better_is_found_and_a_guard_that_rises_is_worse(conn) -> None:
    did(conn, add(conn, "value", 600)[:100])
    crossing = add(conn, "crossing", 600)
    did(conn, crossing[:300])
    did(conn, crossing[:400], Metric.ALERT_ENDED)
    (found,) = report.running(conn, LATER)
    assert [(arm.variant, arm.users, arm.over) for arm in found.arms] == [
        ("value", 600, 600),
        ("crossing", 600, 600),
    ]
    assert found.arms[1].did == {
        Metric.ALERT_USEFUL: 300,
        Metric.ALERT_NOT_USEFUL: 0,
        Metric.ALERT_ENDED: 400,
    }
    assert verdicts(found) == {
        Metric.ALERT_USEFUL: "better",
        Metric.ALERT_NOT_USEFUL: "open",
        Metric.ALERT_ENDED: "worse",
    }
    useful = found.findings[0].compared
    assert useful.lower < useful.difference < useful.upper
    assert useful.difference == pytest.approx(1 / 3)


def test_only_what_was_done_in_time_counts_and_only_whose_time_is_over(conn) -> None:
    early, late = add(conn, "value", 2), add(conn, "value", 1, NOW + timedelta(days=1))
    did(conn, early[:1], at=LATER - timedelta(seconds=1))
    did(conn, early[1:], at=LATER)
    did(conn, late, at=NOW + timedelta(days=1))
    (found,) = report.running(conn, LATER)
    control = found.arms[0]
    assert (control.users, control.over, control.did[Metric.ALERT_USEFUL]) == (3, 2, 1)
    assert set(verdicts(found).values()) == {"too few"}


def test_sizes_that_chance_does_not_give_forbid_conclusions(conn) -> None:
    did(conn, add(conn, "value", 900)[:100])
    did(conn, add(conn, "crossing", 700)[:600])
    (found,) = report.running(conn, LATER)
    assert found.ratio_p < 0.001
    assert set(verdicts(found).values()) == {"unsound"}


def test_a_user_keeps_what_was_drawn_and_is_exposed_once_more(conn) -> None:
    user = uuid4()
    conn.execute(_SHARER, [user, NOW])
    flags = Flags("local")
    given = {user: flags.give(conn, ALERT_MAIL_WORDING, user, "free")}
    first = records.expose(conn, ALERT_MAIL_WORDING, given, {user: 2}, NOW)
    conn.execute("update app.experiment_assignments set variant = 'kept'")
    assert first == {user: given[user].value}
    assert records.expose(conn, ALERT_MAIL_WORDING, given, {user: 1}, LATER) == {user: "kept"}
    stored = (
        "select version, exposed_at, last_exposed_at, exposures from app.experiment_assignments"
    )
    assert conn.execute(stored).fetchall() == [(1, NOW, LATER, 3)]
    records.observe(conn, Metric.ALERT_USEFUL, user, NOW)
    records.observe(conn, Metric.ALERT_USEFUL, user, LATER)
    outcomes = "select metric, occurred_at from app.experiment_outcomes"
    assert conn.execute(outcomes).fetchall() == [("alert-useful", NOW)]
    rule(conn, HALVES)
    flags.forget()
    given = {user: flags.give(conn, ALERT_MAIL_WORDING, user, "free")}
    assert records.expose(conn, ALERT_MAIL_WORDING, given, {user: 1}, LATER) == first


def test_who_does_not_allow_it_takes_no_part_and_who_takes_it_back_leaves(conn, database) -> None:
    user, silent = uuid4(), uuid4()
    conn.execute(_SHARER, [user, NOW])
    conn.execute(
        "insert into app.users (id, email, password_hash) values (%s, 'b@b.org', 'x')", [silent]
    )
    flags = Flags("local")
    given = {each: flags.give(conn, ALERT_MAIL_WORDING, each, "free") for each in (user, silent)}
    shown = records.expose(conn, ALERT_MAIL_WORDING, given, {user: 1, silent: 1}, NOW)
    assert shown == {each: given[each].value for each in (user, silent)}
    records.observe(conn, Metric.ALERT_USEFUL, user, NOW)
    records.observe(conn, Metric.ALERT_USEFUL, silent, NOW)
    taking_part = "select user_id from app.experiment_assignments"
    assert conn.execute(taking_part).fetchall() == [(user,)]
    with psycopg.connect(database.api) as api:
        act_for(api, user)
        consent.take_back(api, user)
    assert conn.execute(taking_part).fetchall() == []
    assert conn.execute("select * from app.experiment_outcomes").fetchall() == []


def test_who_is_given_something_by_name_takes_part_in_nothing(conn) -> None:
    user = uuid4()
    rule(conn, [{"weights": {"crossing": 1}, "userIds": [str(user)]}, *HALVES])
    given = {user: Flags("local").give(conn, ALERT_MAIL_WORDING, user, "free")}
    assert records.expose(conn, ALERT_MAIL_WORDING, given, {user: 1}, NOW) == {user: "crossing"}
    assert conn.execute("select count(*) from app.experiment_assignments").fetchone() == (0,)


def test_the_command_shows_it(conn, database, monkeypatch) -> None:
    monkeypatch.setenv("COINSPHERE_DATABASE_URL", database.worker)
    add(conn, "value", 3)
    shown = CliRunner().invoke(cli, ["experiments"])
    assert shown.exit_code == 0, shown.output
    assert "alert-mail-wording, version 1" in shown.output
    assert "alert-ended (guard)" in shown.output
    assert "too few" in shown.output
    (told,) = json.loads(CliRunner().invoke(cli, ["experiments", "--json"]).output)
    assert [arm["users"] for arm in told["variants"]] == [3, 0]
    conn.execute("update app.flags set rules = '[]'")
    assert "None runs" in CliRunner().invoke(cli, ["experiments"]).output
