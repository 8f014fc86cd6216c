"""Feedback: told by users, counted by day, read and closed by administrators, gone with the account."""

import base64
from datetime import timedelta

from tests.integration.webapi.conftest import assert_problem
from tests.unit.parsing.test_pictures import told
from webapi.feedback.queries import MOST, WITHIN

_TOLD = (
    "select count(*) from app.feedback f join app.users u on u.id = f.user_id where u.email = %s"
)
_FILL = """
    insert into app.feedback (user_id, category, body, created_at)
    select id, 'praise', 'x', %s from app.users, generate_series(1, %s) where email = %s
"""


def test_what_a_user_tells_is_read_and_closed_by_an_administrator(
    person, administrator, owner_db
) -> None:
    text = "Fees are wrong.\n\nSee <b>2025</b>. 🎈"
    told = person.post("/feedback", {"category": "fault", "text": f"  {text}\n"})
    assert told.status_code == 201, told.text
    (stored,) = [each for each in _listed(administrator) if each["id"] == told.json["id"]]
    assert (stored["text"], stored["email"]) == (text, person.email)
    assert stored["closedAt"] is None
    assert_problem(person.get("/admin/feedback"), 403)
    assert_problem(person.post(f"/admin/feedback/{told.json['id']}/close"), 403)
    assert administrator.post(f"/admin/feedback/{told.json['id']}/close").status_code == 200
    assert_problem(administrator.post(f"/admin/feedback/{told.json['id']}/close"), 404)
    assert told.json["id"] not in [each["id"] for each in _listed(administrator)]
    closed = _listed(administrator, "&closed=true")
    assert [each["id"] for each in closed if each["closedAt"]].count(told.json["id"]) == 1
    audited = "select action from app.audit_logs where target = %s"
    assert owner_db.execute(audited, [told.json["id"]]).fetchall() == [("admin.feedback_closed",)]


def test_an_answer_goes_out_by_mail_in_their_language_and_closes_it(
    person, administrator, owner_db
) -> None:
    told = person.post("/feedback", {"category": "question", "text": "Fees?\nBy <month>?"}).json
    owner_db.execute("update app.users set locale = 'de' where email = %s", [person.email])
    path = f"/admin/feedback/{told['id']}/answer"
    answer = {"text": "Yes, <now>.\n\nThank you!"}
    assert_problem(person.post(path, answer), 403)
    assert_problem(administrator.post(path, {"text": " "}), 400)
    assert administrator.post(path, answer).status_code == 200
    assert_problem(administrator.post(path, answer), 404)
    (mail,) = owner_db.execute(
        "select subject, body_text, body_html from app.mails where recipient = %s and subject like '%%Coinsphere'",
        [person.email],
    ).fetchall()
    assert mail[0] == "Deine Rückmeldung an Coinsphere"
    assert "Yes, <now>." in mail[1]
    assert "> By <month>?" in mail[1]
    assert "Yes, &lt;now&gt;." in mail[2]
    closed = _listed(administrator, "&closed=true")
    assert [each["answer"] for each in closed if each["id"] == told["id"]] == [answer["text"]]
    (exported,) = person.get("/account/export").json["feedback"]
    assert exported["answer"] == answer["text"]


def test_a_screenshot_is_drawn_anew_and_what_is_none_is_refused(
    person, administrator, owner_db
) -> None:
    one = {"category": "fault", "text": "See the picture."}
    for wrong in ("no base64!", "aGVsbG8=", ""):
        assert_problem(person.post("/feedback", one | {"screenshot": wrong}), 400)
    sent = base64.b64encode(told("JPEG")).decode()
    made = person.post("/feedback", one | {"screenshot": sent})
    assert made.status_code == 201, made.text
    stored = "select screenshot from app.feedback where id = %s"
    (content,) = owner_db.execute(stored, [made.json["id"]]).fetchone()
    assert content[8:12] == b"WEBP"
    assert b"Camera" not in content
    (shown,) = [each for each in _listed(administrator) if each["id"] == made.json["id"]]
    assert shown["hasScreenshot"] is True
    path = f"/admin/feedback/{made.json['id']}/screenshot"
    assert base64.b64decode(administrator.get(path).json["screenshot"]) == content
    assert_problem(person.get(path), 403)
    (exported,) = person.get("/account/export").json["feedback"]
    assert base64.b64decode(exported["screenshot"]) == content
    without = person.post("/feedback", one).json["id"]
    assert_problem(administrator.get(f"/admin/feedback/{without}/screenshot"), 404)
    owner_db.execute("delete from app.users where email = %s", [person.email])
    assert owner_db.execute(stored, [made.json["id"]]).fetchone() is None


def test_nonsense_is_refused_and_a_day_has_a_limit(person, clock, owner_db) -> None:
    for wrong in (
        {"category": "spam", "text": "x"},
        {"category": "idea", "text": " \n "},
        {"category": "idea", "text": "x" * 4001},
        {"category": "idea", "text": "a\0b"},
        {"category": "idea"},
        {"category": "idea", "text": "x", "closedAt": None},
    ):
        assert_problem(person.post("/feedback", wrong), 400)
    one = {"category": "idea", "text": "x"}
    owner_db.execute(_FILL, [clock[0] - WITHIN, MOST, person.email])
    owner_db.execute(_FILL, [clock[0] - WITHIN + timedelta(seconds=5), MOST - 1, person.email])
    assert person.post("/feedback", one).status_code == 201
    assert_problem(person.post("/feedback", one), 429)
    assert owner_db.execute(_TOLD, [person.email]).fetchone() == (2 * MOST,)


def test_feedback_is_exported_and_goes_with_the_account(person, owner_db) -> None:
    person.post("/feedback", {"category": "idea", "text": "Fees by month"})
    (exported,) = person.get("/account/export").json["feedback"]
    assert exported["body"] == "Fees by month"
    owner_db.execute("delete from app.users where email = %s", [person.email])
    assert owner_db.execute(_TOLD, [person.email]).fetchone() == (0,)


def _listed(administrator, more: str = "") -> list[dict]:
    return administrator.get(f"/admin/feedback?limit=200{more}").json["feedback"]
