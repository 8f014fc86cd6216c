"""Who is logged in by a cookie, and what other sites, thieves and clumsy hands cannot do."""

import re
from datetime import timedelta

import pyotp
import pytest

from tests.integration.webapi.conftest import NOW, PASSWORD, V1
from tests.integration.webui.conftest import HTML, Visitor
from tests.integration.webui.conftest import clock as clock  # noqa: PLC0414 - a fixture


def cookies_of(answer) -> dict[str, str]:
    return {line.partition("=")[0]: line for line in answer.headers.getlist("Set-Cookie")}


def test_the_cookie_is_out_of_reach_and_only_its_hash_is_kept(visitor, owner_db) -> None:
    answer = visitor.register(firstName="Ada")
    assert answer.headers["Location"] == "/dashboard"
    line = cookies_of(answer)["__Host-session"]
    for part in ("Secure", "HttpOnly", "Path=/", "SameSite=Lax"):
        assert part in line
    assert "Domain" not in line
    (kept,) = owner_db.execute(
        "select cookie_hash from app.sessions s join app.users u on u.id = s.user_id where u.email = %s",
        [visitor.email],
    ).fetchone()
    assert len(kept) == 32
    assert visitor.session.encode() not in kept
    # No tokens were made for a client that can keep none.
    (count,) = owner_db.execute(
        "select count(*) from app.refresh_tokens t join app.sessions s on s.id = t.session_id "
        "join app.users u on u.id = s.user_id where u.email = %s",
        [visitor.email],
    ).fetchone()
    assert count == 0


def test_a_planted_cookie_is_not_taken_over(visitor) -> None:
    visitor.client.set_cookie("__Host-session", "planted-by-somebody-else")
    visitor.register()
    first = visitor.session
    assert first != "planted-by-somebody-else"
    # A login makes another one, and the session that was open before it ends.
    other = Visitor(visitor.client.application.test_client())
    other.log_in(visitor.email)
    second = other.session
    visitor.get("/profile")
    assert visitor.post("/logout").status_code == 303
    for dead in (first, "planted-by-somebody-else"):
        visitor.client.set_cookie("__Host-session", dead)
        assert visitor.get("/dashboard").headers["Location"].startswith("/login?next=")
    assert len({first, second}) == 2
    assert other.get("/dashboard").status_code == 200


def test_the_api_takes_no_cookie_and_pages_take_no_token(member, app) -> None:
    assert member.get(f"{V1}/auth/me").status_code == 401
    credentials = {"email": member.email, "password": PASSWORD}
    token = app.test_client().post(f"{V1}/auth/login", json=credentials).json["accessToken"]
    answer = app.test_client().get(
        "/dashboard", headers={**HTML, "Authorization": f"Bearer {token}"}
    )
    assert answer.status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": None, "Origin": "https://evil.example"},
        {"Sec-Fetch-Site": None, "Origin": "null"},
        {"Sec-Fetch-Site": None},
    ],
)
def test_a_form_of_another_site_changes_nothing(member, headers) -> None:
    member.get("/profile")
    sent = {name: value for name, value in {**HTML, **headers}.items() if value is not None}
    data = {"csrf": member.form, "firstName": "Eve"}
    assert member.client.post("/profile", data=data, headers=sent).status_code == 403
    assert "Eve" not in member.get("/profile").text


def test_an_old_browser_is_judged_by_its_origin(member) -> None:
    member.get("/profile")
    headers = {"Accept": "text/html", "Origin": "http://localhost"}
    data = {"csrf": member.form, "firstName": "Grace"}
    assert member.client.post("/profile", data=data, headers=headers).status_code == 303
    assert "Grace" in member.get("/profile").text


def test_a_form_needs_the_token_of_its_own_session_and_browser(app, redis_url, member) -> None:
    thief = Visitor(app.test_client())
    thief.register()
    thief.get("/profile")
    member.get("/profile")
    for token in ("", "0" * 64, thief.form, "é"):
        assert member.post("/profile", {"csrf": token, "firstName": "Eve"}).status_code == 403
    member.client.delete_cookie("__Host-form")
    assert member.post("/profile", {"firstName": "Eve"}).status_code == 403
    assert "Eve" not in member.get("/profile").text


def test_login_and_logout_of_other_sites_are_refused_too(visitor, member) -> None:
    data = {"email": member.email, "password": PASSWORD, "csrf": member.form}
    foreign = {**HTML, "Sec-Fetch-Site": "cross-site"}
    assert visitor.client.post("/login", data=data, headers=foreign).status_code == 403
    assert member.client.post("/logout", data=data, headers=foreign).status_code == 403
    assert member.get("/dashboard").status_code == 200


def test_a_session_ends_everywhere_at_once(member, app, owner_db, clock) -> None:
    second = Visitor(app.test_client())
    second.log_in(member.email)
    member.get("/profile")
    assert member.post("/profile/sessions/end-others").status_code == 303
    assert second.get("/dashboard").status_code == 303
    owner_db.execute("update app.users set is_active = false where email = %s", [member.email])
    assert member.get("/dashboard").status_code == 303


def test_an_idle_session_ends_and_a_used_one_lives(member, clock) -> None:
    try:
        for days in (10, 20, 30):
            clock[0] = NOW + timedelta(days=days)
            assert member.get("/dashboard").status_code == 200
        clock[0] = NOW + timedelta(days=45)
        assert member.get("/dashboard").status_code == 303
    finally:
        clock[0] = NOW


def test_what_is_important_asks_for_the_password_again(member, app, clock) -> None:
    second = Visitor(app.test_client())
    second.log_in(member.email)
    try:
        clock[0] = NOW + timedelta(minutes=10)
        member.get("/profile")
        answer = member.post("/profile/sessions/end-others", Referer="http://localhost/profile")
        assert answer.headers["Location"] == "/step-up?next=/profile"
        member.get("/step-up?next=/profile")
        assert member.post("/step-up?next=/profile", {"password": "wrong"}).status_code == 400
        done = member.post("/step-up?next=/profile", {"password": PASSWORD})
        assert done.headers["Location"] == "/profile"
        assert member.post("/profile/sessions/end-others").headers["Location"] == "/profile"
    finally:
        clock[0] = NOW


def test_a_second_factor_is_asked_for_on_its_own_page(member, app, clock) -> None:
    credentials = {"email": member.email, "password": PASSWORD}
    client = app.test_client()
    token = client.post(f"{V1}/auth/login", json=credentials).json["accessToken"]
    bearer = {"Authorization": f"Bearer {token}"}
    secret = client.post(f"{V1}/2fa/setup", headers=bearer).json["secret"]
    code = pyotp.TOTP(secret).at(NOW)
    made = client.post(f"{V1}/2fa/verify", json={"token": code}, headers=bearer).json
    visitor = Visitor(app.test_client())
    page = visitor.log_in(member.email)
    assert page.status_code == 403
    assert PASSWORD not in page.text
    ticket = re.search(r'name="ticket" value="([^"]+)"', page.text)[1]
    wrong = visitor.post(
        "/login/code?next=/markets", {"ticket": ticket, "twoFactorToken": "000000"}
    )
    assert wrong.status_code == 403
    assert "wrong" in wrong.text
    assert visitor.session is None
    # In another browser, and after its time, the ticket is void; so is a forged one.
    stranger = Visitor(app.test_client())
    stranger.get("/login")
    good = {"ticket": ticket, "twoFactorToken": made["backupCodes"][0]}
    assert stranger.post("/login/code", good).headers["Location"] == "/login"
    assert (
        visitor.post("/login/code", good | {"ticket": ticket[:-3] + "abc"}).headers["Location"]
        == "/login"
    )
    clock[0] = NOW + timedelta(minutes=6)
    try:
        assert visitor.post("/login/code", good).headers["Location"] == "/login"
    finally:
        clock[0] = NOW
    done = visitor.post("/login/code?next=/profile", good)
    assert done.headers["Location"] == "/profile"
    assert visitor.get("/profile").status_code == 200


def test_wrong_guesses_are_counted_as_by_the_api(app, member) -> None:
    guesser = Visitor(app.test_client())
    statuses = [guesser.log_in(member.email, f"wrong {n}").status_code for n in range(8)]
    assert statuses[:5] == [401] * 5
    assert 429 in statuses
    assert app.test_client().post(
        f"{V1}/auth/login", json={"email": member.email, "password": "wrong"}
    ).status_code == 429  # fmt: skip


@pytest.mark.parametrize(
    "address",
    [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "/a\nb",
        "/\tb",
    ],
)
def test_a_link_to_log_in_leads_nowhere_else(app, member, address) -> None:
    visitor = Visitor(app.test_client())
    visitor.get("/login")
    answer = visitor.client.post(
        "/login",
        query_string={"next": address},
        data={"email": member.email, "password": PASSWORD, "csrf": visitor.form},
        headers=HTML,
    )
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/dashboard"


def test_links_of_mails_lead_to_pages_that_work(member, owner_db) -> None:
    (text,) = owner_db.execute(
        "select body_text from app.mails where recipient = %s order by created_at desc limit 1",
        [member.email],
    ).fetchone()
    path = re.search(r"http://localhost:3001(/verify-email\?token=\S+)", text)[1]
    member.get(path)
    token = path.partition("token=")[2]
    # A program that follows links confirms nothing.
    assert "not confirmed" in member.get("/profile").text
    assert member.post("/verify-email", {"token": token}).status_code == 200
    assert "not confirmed" not in member.get("/profile").text
    again = member.post("/verify-email", {"token": token})
    assert again.status_code == 400
    assert "not valid" in again.text


def test_a_new_password_by_mail_ends_every_session(member, app, owner_db, clock) -> None:
    import psycopg

    from coinsphere.accounts import password_resets

    visitor = Visitor(app.test_client())
    visitor.get("/forgot-password")
    for email in (member.email, "nobody@example.com"):
        answer = visitor.post("/forgot-password", {"email": email})
        assert answer.status_code == 200
        assert "on its way" in answer.text
    with psycopg.connect(owner_db.info.dsn, password=owner_db.info.password) as conn:
        conn.execute("set search_path = app, market, model, jobs, public")
        password_resets.send_link(
            conn, member.email, "http://localhost:3001", timedelta(minutes=30), NOW
        )
    (text,) = owner_db.execute(
        "select body_text from app.mails where body_text like %s order by created_at desc limit 1",
        ["%/reset-password?token=%"],
    ).fetchone()
    path = re.search(r"http://localhost:3001(/reset-password\?token=\S+)", text)[1]
    visitor.get(path)
    token = path.partition("token=")[2]
    easy = visitor.post("/reset-password", {"token": token, "newPassword": "password"})
    assert easy.status_code == 400
    assert token in easy.text
    done = visitor.post("/reset-password", {"token": token, "newPassword": "staple in the stable"})
    assert done.status_code == 200
    assert member.get("/dashboard").status_code == 303
    assert visitor.log_in(member.email, "staple in the stable").headers["Location"] == "/dashboard"
