"""Administration by pages: the same acts as over the API, told in the same log."""

import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest

from coinsphere.market.candles import store as candle_store
from coinsphere.market.model import Candle, Interval
from coinsphere.market.quality import quarantine, set_aside
from coinsphere.market.quality.set_aside import Scope, Subject
from tests.integration.webapi.conftest import NOW
from tests.integration.webui.conftest import HTML, Visitor
from webui import figures

DAYS = [datetime(2026, 3, day, tzinfo=UTC) for day in (1, 2, 3)]
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def analyst(app, redis_url, owner_db) -> Visitor:
    made = Visitor(app.test_client())
    made.register()
    owner_db.execute("update app.users set role = 'analyst' where email = %s", [made.email])
    return made


def acts(owner_db) -> list[tuple[str, str]]:
    return owner_db.execute(
        "select action, target from app.audit_logs where action ~ '^(admin|token)' order by id"
    ).fetchall()


def words(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text))


def test_an_account_is_found_given_a_role_disabled_and_enabled(
    administrator, member, owner_db
) -> None:
    part = administrator.client.get(
        f"/admin/users?q={member.email[:10]}", headers={**HTML, "HX-Request": "true"}
    ).text
    assert part.lstrip().startswith('<section id="users"')
    assert administrator.email not in part
    (path,) = set(re.findall(r"/admin/users/[0-9a-f-]{36}", part))
    user = path.rsplit("/", 1)[1]
    assert "Disable this account" in administrator.get(path).text
    assert administrator.post(path, {"role": "analyst"}).status_code == 303
    assert administrator.get("/admin/users?role=analyst").text.count(member.email) == 1
    assert member.get("/admin").status_code == 200
    assert member.get("/admin/users").status_code == 403
    administrator.get(path)
    assert administrator.post(path, {"isActive": "false"}).status_code == 303
    assert member.get("/admin").headers["Location"].startswith("/login")
    assert "Enable this account" in administrator.get(path).text
    administrator.post(path, {"isActive": "true"})
    member.log_in(member.email)
    assert member.get("/dashboard").status_code == 200
    administrator.get(path)
    assert administrator.post(f"{path}/end-sessions").status_code == 303
    assert member.get("/dashboard").status_code == 303
    told = [action for action, target in acts(owner_db) if target == user]
    assert told == ["admin.role_changed", "admin.user_disabled", "admin.user_enabled", "admin.sessions_ended"]  # fmt: skip
    assert administrator.post(path, {"role": "owner"}).status_code == 400


def test_nobody_changes_themselves(administrator, owner_db) -> None:
    (own,) = owner_db.execute(
        "select id from app.users where email = %s", [administrator.email]
    ).fetchone()
    page = administrator.get(f"/admin/users/{own}")
    assert "This is your own account" in page.text
    refused = administrator.post(f"/admin/users/{own}", {"isActive": "false"})
    assert refused.status_code == 409
    assert administrator.get("/admin").status_code == 200


def test_the_log_says_whether_somebody_changed_it(administrator, owner_db) -> None:
    text = words(administrator.get("/admin/audit?whole=1").text)
    assert "nobody changed one" in text
    assert "user.registered" in text
    only = administrator.get("/admin/audit?action=admin.audit_read").text
    assert "<code>user.registered</code>" not in only
    assert administrator.get("/admin/audit?action=nonsense").status_code == 400
    (number, before) = owner_db.execute(
        "select id, details from app.audit_logs where action = 'user.registered' limit 1"
    ).fetchone()
    change = "update app.audit_logs set details = %s where id = %s"
    owner_db.execute("alter table app.audit_logs disable trigger user")
    owner_db.execute(change, ['{"forged": true}', number])
    try:
        assert "The log was changed" in administrator.get("/admin/audit?whole=1").text
    finally:
        owner_db.execute(change, [psycopg.types.json.Jsonb(before), number])
        owner_db.execute("alter table app.audit_logs enable trigger user")


def test_a_feature_is_turned_off_and_on(administrator, analyst, member, clock) -> None:
    assert "Turn off" in administrator.get("/admin/features").text
    assert "Turn off" not in analyst.get("/admin/features").text
    assert administrator.post("/admin/features/alerts", {"isOn": "false"}).status_code == 303
    assert member.get("/alerts").status_code in (403, 503)
    administrator.post("/admin/features/alerts", {"isOn": "true"})
    assert member.get("/alerts").status_code == 200
    assert administrator.post("/admin/features/nothing", {"isOn": "true"}).status_code == 404


@pytest.fixture
def faulty(owner_db, module_database):
    """Injective with three days, of which checks set aside two; two rows of it were refused, one of a hostile source."""
    owner_db.execute(
        "truncate market.set_aside, market.set_aside_trail, market.price_data, market.quarantine"
    )
    owner_db.execute("insert into market.origin (source) values ('live') on conflict do nothing")
    (token,) = owner_db.execute("select id from market.tokens where symbol = 'INJ'").fetchone()

    def candle(at, price, interval=Interval.DAY):
        numbers = [Decimal(price)] * 4
        return Candle(token, interval, at, *numbers, None, HOSTILE, is_final=True, observed_at=NOW)

    with psycopg.connect(module_database.pipeline, autocommit=True) as conn:
        candle_store.load(conn, [candle(day, 5) for day in DAYS], lambda: NOW)
        subjects = [
            Subject(token, day, "a_rule", f"It is wrong {HOSTILE}.", {"close": "5"})
            for day in DAYS[:2]
        ]
        set_aside.apply(conn, Scope.CANDLE, ["a_rule"], subjects, DAYS[0], NOW)
        for price in (4, 0):
            quarantine.store(
                conn, [candle_store.rejected(candle(DAYS[2], price), "It contradicts.", token)]
            )


@pytest.fixture
def wrong_hour(faulty, owner_db, module_database):
    """An hour of Injective that is set aside too."""
    (token,) = owner_db.execute("select id from market.tokens where symbol = 'INJ'").fetchone()
    at = DAYS[0] + timedelta(hours=7)
    hour = Candle(token, Interval.HOUR, at, *[Decimal(5)] * 4, None, "kraken", is_final=True, observed_at=NOW)  # fmt: skip
    with psycopg.connect(module_database.pipeline, autocommit=True) as conn:
        candle_store.load(conn, [hour], lambda: NOW)
        subject = Subject(token, at, "a_rule", "An hour is wrong.", {"close": "5"})
        set_aside.apply(conn, Scope.HOUR, ["a_rule"], [subject], DAYS[0], NOW)


@pytest.mark.usefixtures("faulty")
def test_the_heat_map_says_in_each_measure_what_a_day_was_like(administrator, analyst) -> None:
    page = analyst.get("/admin/data?symbol=INJ").text
    row = words(page[page.index('<table class="heat">') : page.index("</table>")])
    # The first of March has its first candle; it and the second are set aside, from the fourth on there is none.
    assert "Token 3/10 3/9 3/8" in row
    assert "INJ - 0 0 0 0 0 0 100 0 0 - - - -" in row.replace(figures.UNKNOWN, "-")
    assert "No venue quoted" in page
    refused = analyst.get("/admin/data?measure=quarantine&symbol=INJ")
    assert refused.status_code == 200
    assert 'aria-current="true">Quarantine' in refused.text
    assert analyst.get("/admin/data?measure=nonsense").status_code == 400
    german = administrator.client.get("/admin/data", headers={**HTML, "Accept-Language": "de"}).text
    assert "Vollständigkeit" in german


@pytest.mark.usefixtures("wrong_hour")
def test_what_waits_for_a_decision_is_decided(administrator, analyst, owner_db, clock) -> None:
    text = administrator.get("/admin/data?symbol=INJ").text
    assert HOSTILE not in text
    assert "&lt;script&gt;alert(1)" in text
    assert "It is wrong" in analyst.get("/admin/data").text
    assert "/release" not in analyst.get("/admin/data").text
    hour, newer, older = re.findall(r"/admin/data/set-aside/(\d+)/release", text)
    assert re.search(r"INJ hour [^<>]*07:00 .*An hour is wrong\. close 5", words(text))
    zero, four = re.findall(r"/admin/data/refused/(\d+)/release", text)
    assert administrator.post(f"/admin/data/set-aside/{older}/release", {"reason": "x"}).status_code == 400  # fmt: skip
    why = {"reason": "seen in all markets"}
    assert administrator.post(f"/admin/data/set-aside/{older}/release", why).status_code == 303
    impossible = administrator.post(f"/admin/data/refused/{zero}/release", why)
    assert impossible.status_code == 409
    assert administrator.post(f"/admin/data/refused/{zero}/remove", why).status_code == 303
    assert administrator.post(f"/admin/data/refused/{four}/release", why).status_code == 303
    assert administrator.post(f"/admin/data/set-aside/{hour}/remove", why).status_code == 303
    stored = "select interval, quality from market.price_data where interval = '1h'"
    assert owner_db.execute(stored).fetchall() == []
    # Taking out of the history asks who is there.
    owner_db.execute(
        "update app.sessions set authenticated_at = %s", [datetime(2020, 1, 1, tzinfo=UTC)]
    )
    refused = administrator.post(f"/admin/data/set-aside/{newer}/remove", why)
    assert refused.headers["Location"].startswith("/step-up")
    rest = words(administrator.get("/admin/data").text)
    assert "Nothing waits" in rest
    assert "An hour is wrong" not in rest
    told = [each for each in acts(owner_db) if "data" in each[0]][-4:]
    assert told == [("admin.data_released", older), ("admin.data_removed", zero), ("admin.data_released", four), ("admin.data_removed", hour)]  # fmt: skip


def test_a_failed_job_is_tried_again_or_forgotten(administrator, owner_db) -> None:
    numbers = [
        owner_db.execute(
            "insert into jobs.procrastinate_jobs (queue_name, task_name, args, status, attempts, lock, queueing_lock)"
            " values ('mail', 'send_mails', %s, 'failed', 8, null, null) returning id",
            [psycopg.types.json.Jsonb({"name": HOSTILE})],
        ).fetchone()[0]
        for _ in range(2)
    ]
    text = administrator.get("/admin/jobs").text
    assert HOSTILE not in text
    assert all(f"/admin/jobs/{number}/retry" in text for number in numbers)
    assert administrator.post(f"/admin/jobs/{numbers[0]}/retry").status_code == 303
    assert administrator.post(f"/admin/jobs/{numbers[1]}/cancel").status_code == 303
    for number in (numbers[0], numbers[1], 1 << 70):
        assert administrator.post(f"/admin/jobs/{number}/retry").status_code == 404
    states = owner_db.execute(
        "select status::text from jobs.procrastinate_jobs where id = any(%s)", [numbers]
    ).fetchall()
    assert states == [("todo",)]
    owner_db.execute("delete from jobs.procrastinate_jobs where id = any(%s)", [numbers])
    told = [each for each in acts(owner_db) if "job" in each[0]]
    assert told == [("admin.job_retried", str(numbers[0])), ("admin.job_cancelled", str(numbers[1]))]  # fmt: skip


def test_a_token_is_added_edited_deactivated_and_deleted(administrator, owner_db) -> None:
    administrator.get("/admin/tokens/new")
    wrong = administrator.post(
        "/admin/tokens/new", {"symbol": "a b", "name": "x", "blockchain": "y", "decimals": "many"}
    )
    assert wrong.status_code == 400
    assert wrong.text.count('class="fault"') == 2
    given = {"symbol": "neu", "name": HOSTILE, "blockchain": "Nowhere", "decimals": "18"}
    made = administrator.post("/admin/tokens/new", given)
    path = made.headers["Location"]
    page = administrator.get(path).text
    assert HOSTILE not in page
    assert "Delete this token" in page
    changed = administrator.post(path, {**given, "name": "New", "contractAddress": "0x1"})
    assert changed.status_code == 303
    stored = "select symbol, name, decimals, contract_address, is_active from market.tokens where symbol = 'NEU'"
    assert owner_db.execute(stored).fetchone() == ("NEU", "New", 18, "0x1", False)
    administrator.get(path)
    administrator.post(path, {**given, "name": "New", "isActive": "true"})
    assert owner_db.execute(stored).fetchone() == ("NEU", "New", 18, None, True)
    assert "NEU" in administrator.get("/admin/tokens?q=neu").text
    assert administrator.post(f"{path}/delete").status_code == 303
    assert owner_db.execute(stored).fetchone() is None
    (held,) = owner_db.execute("select id from market.tokens where symbol = 'BTC'").fetchone()
    owner_db.execute(
        "insert into app.alerts (user_id, token_id, alert_type, condition, threshold)"
        " select id, %s, 'price', 'above', 1 from app.users limit 1",
        [held],
    )
    assert "cannot be deleted" in administrator.get(f"/admin/tokens/{held}").text
    assert administrator.post(f"/admin/tokens/{held}/delete").status_code == 409


def test_what_happened_to_a_token_is_recorded_listed_and_removed(
    administrator, analyst, owner_db
) -> None:
    path = "/admin/asset-events"
    seeded = words(administrator.get(path).text)
    assert "1 MKR → 24,000 SKY swapped" in seeded
    assert seeded.index("24,000 SKY") < seeded.index("MATIC")
    given = {"kind": "redenomination", "token": "pepe", "ratio": "1,000:1", "happenedAt": "2026-01-10T00:00", "reason": HOSTILE}  # fmt: skip
    for wrong, says in (
        ({"token": "NOPE"}, "Is no token that we know."),
        ({"ratio": "x"}, "is no ratio"),
        ({"happenedAt": "2026-01-10T01:00"}, "A redenomination counts from a midnight in UTC"),
        ({"happenedAt": ""}, "Field required"),
        ({"reason": ""}, "Field required"),
    ):
        refused = administrator.post(path, {**given, **wrong})
        assert (refused.status_code, says in refused.text) == (400, True), (wrong, refused.text)
    german = {**HTML, "Accept-Language": "de"}
    refused = administrator.client.post(path, data={**given, "ratio": "1:1", "csrf": administrator.form}, headers=german)  # fmt: skip
    assert "Eine Umstellung ändert die Einheit" in refused.text
    assert administrator.post(path, given).status_code == 303
    page = administrator.get(f"{path}?token=pepe").text
    assert HOSTILE not in page
    assert "1,000 PEPE → 1 PEPE counted anew not yet applied" in words(page)
    (number,) = re.findall(r"/admin/asset-events/([0-9a-f-]{36})/remove", page)
    assert administrator.post(path, given).status_code == 409
    assert "Record an event" not in analyst.get(path).text
    assert f"{number}/remove" not in analyst.get(path).text
    assert analyst.post(path, given).status_code == 403
    assert administrator.post(f"{path}/{number}/remove", {"reason": "x"}).status_code == 400
    assert administrator.post(f"{path}/{number}/remove", {"reason": "a test"}).status_code == 303
    assert "Nothing is on record of this token" in administrator.get(f"{path}?token=PEPE").text
    assert "a test" in administrator.get(f"{path}?token=PEPE&past=1").text
    assert "No token has that name" in administrator.get(f"{path}?token=NOPE").text
    owner_db.execute(
        "update app.sessions set authenticated_at = %s", [datetime(2020, 1, 1, tzinfo=UTC)]
    )
    assert administrator.post(path, given).headers["Location"].startswith("/step-up")
    told = [each for each in acts(owner_db) if "asset" in each[0]]
    assert told == [("admin.asset_event_added", number), ("admin.asset_event_removed", number)]


def test_models_are_linked_to_where_they_are_worked_on(analyst, owner_db, model_server) -> None:
    assert "None: forecasts are issued" in analyst.get("/admin/models").text
    owner_db.execute("""
        insert into model.training_sets (digest, token_id, first_day, last_day, rows, price_source, location)
        select repeat('a', 64), id, '2026-01-01', '2026-03-01', 60, 'kraken', 'x' from market.tokens where symbol = 'BTC'
    """)
    owner_db.execute("""
        insert into model.gate_reports
            (id, model_name, model_version, algorithm, run_id, dagster_run_id, data_digest, passed, report, created_at)
        values (gen_random_uuid(), 'global', 7, 'scale', 'run-7', 'dagster-7', repeat('a', 64), false,
            '{"gates": [{"name": "skill", "reasons": [{"horizon": 1, "text": "too small <b>"}]}]}', now())
    """)
    text = analyst.get("/admin/models").text
    assert f"{model_server.url}/#/models/global/versions/7?workflowType=machine_learning" in text
    assert f'"{model_server.url}/#/experiments?workflowType=machine_learning"' in text
    assert "/runs/dagster-7" in text
    assert "too small &lt;b&gt;" in text
