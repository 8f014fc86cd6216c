"""How mails are worded is what the flag gives their owner, in the transaction of the firing."""

from psycopg.types.json import Jsonb

from coinsphere.alerts import evaluation
from coinsphere.alerts.mails import AlertMails
from coinsphere.flags.client import Flags
from tests.integration.alerts.conftest import NOW, STALE_AFTER, add_user

_RULES = "insert into app.flags (flag, version, rules, changed_at) values ('alert-mail-wording', 1, %s, %s)"
_SUBJECTS = "select u.email, m.subject from app.mails m join app.users u on u.id = m.user_id"


def test_each_owner_gets_the_wording_that_the_rules_give(world) -> None:
    bob = add_user(world.conn, "bob@example.org")
    world.conn.execute("update app.users set subscription_tier = 'pro' where id = %s", [bob])
    rules = [{"weights": {"crossing": 1}, "plans": ["pro"], "environments": ["local"]}]
    world.conn.execute(_RULES, [Jsonb(rules), NOW])
    for user in (world.user, bob):
        world.user = user
        world.alert("above", 100)
    world.quote(101)
    mails = AlertMails(Flags("local"), "https://coinsphere.example")
    assert evaluation.evaluate(world.conn, world.now, STALE_AFTER, mails).fired == 2
    assert dict(world.conn.execute(_SUBJECTS).fetchall()) == {
        "ada@example.org": "BTC: price is 101 USD",
        "bob@example.org": "BTC: price went above 100 USD",
    }


def test_the_pipelines_role_may_read_what_it_needs_for_that(world, pipeline) -> None:
    world.alert("above", 100)
    world.quote(101)
    world.conn.commit()
    pipeline.execute("set search_path = app, market, model, jobs, public")
    mails = AlertMails(Flags("local"), "https://coinsphere.example")
    assert evaluation.evaluate(pipeline, world.now, STALE_AFTER, mails).fired == 1
